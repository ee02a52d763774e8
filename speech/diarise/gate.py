"""What the consent gate is asked for: one recording's voices, or voices compared beyond it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from speech.collections import consent
from speech.collections.acts import Verb
from speech.collections.heard import people_in

DIARISE = Verb("diarise", frozenset({"diarise"}))


def verb_of(people: Iterable[str] = (), *, link: bool = False) -> Verb:
    """The verb with the scopes it needs: where known people are looked for, or voices linked, `voiceprint` too.

    Then each recording is asked for with the people in it: those whom the collection's manifest names, and those who are
    looked for. To link voices of people whom nobody has named, and so nobody has asked, is refused.
    """
    known = tuple(dict.fromkeys(people))
    if not known and not link:
        return DIARISE

    def item_of(recording: Path) -> consent.Item:
        labelled = people_in(recording)
        heard = (*labelled, *known) if labelled or not link else ()
        return consent.Item(id=consent.item_of(recording).id, path=recording, speakers=tuple(dict.fromkeys(heard)))

    return Verb("diarise", frozenset({"diarise", "voiceprint"}), item_of)
