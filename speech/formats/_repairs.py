"""Times that other programs write and no cue can have: repaired one by one, so that no other cue is lost, and said.

whisperX writes cues that end before they start (its issue 56), lhotse met them too (891). A negative time is no
slip of this kind: nobody knows what was meant, so it is left for `checked` to refuse.
"""

from __future__ import annotations

from collections.abc import Sequence

from speech.errors import Finding
from speech.formats._checks import LATEST_MS
from speech.types import Span

Times = tuple[int | None, int | None]
"""Start and end as they were read, in milliseconds; None where the file has none."""

_SHOWN = 3


def repaired(times: Sequence[Times], where: str, findings: list[Finding] | None) -> list[Span]:
    """The spans of cues in the order of their file; what had to be changed is added to `findings`, in one line.

    The end of a cue that ends before it starts becomes the start of the next, or where that is not later its own
    start and 1 ms. A start that is missing is the end of the cue before.
    """
    spans: list[Span] = []
    starts: list[int] = []
    for number, (start, end) in enumerate(times):
        if start is None:
            start = spans[-1].end_ms if spans else 0
            changed = True
        else:
            changed = end is None or 0 <= end < start
        if end is None or 0 <= end < start:
            following = times[number + 1][0] if number + 1 < len(times) else None
            end = following if following is not None and following > start else min(start + 1, LATEST_MS)
        spans.append(Span(start_ms=start, end_ms=end))
        if changed:
            starts.append(start)
    if starts and findings is not None:
        findings.append(_finding(starts, where))
    return spans


def _finding(starts: Sequence[int], where: str) -> Finding:
    at = ", ".join(f"{start / 1000:.3f} s" for start in starts[:_SHOWN]) + (", ..." if len(starts) > _SHOWN else "")
    one = len(starts) == 1
    return Finding(
        code="FORMAT_TIMES",
        where=where,
        what=f"{where}: {len(starts):,} {'cue ends before it starts' if one else 'cues end before they start'} or lack{'s' if one else ''} "
        f"a time (at {at}); {'it ends' if one else 'they end'} now where the next begins, or after 1 ms",
        mend="Look at the times there; the file is as it was",
    )
