"""The fewest keys that make one text of another in the review page's field, by a stated model of a keyboard; no browser, no page.

The model: a letter is a key (a letter with a mark set apart, as ẹ́, is two), so the keyboard is one of the language. An arrow, Home,
Backspace, Delete and each modifier are keys, too; a modifier that stays down over several presses counts once. The caret stands
behind the last letter when Enter has brought the next segment. What may be pressed:
    Left, Right                one letter                    Backspace, Delete            one letter away
    Ctrl + Left, Right         to the start, end of a word   Ctrl + Backspace, Delete     to the start, end of a word away
    Ctrl + Home                to the start of the text      Ctrl + A, then typing        all anew
    F4, again and again        the next reading of the word that the caret is at, else of the first word that has other readings
Selecting with Shift and typing over it never takes fewer keys than Ctrl + Backspace, and is left out.

A plan sweeps once: from the end to the first fault, or forward from some place before the first fault. The cheapest of those that lie near
the alignments with the fewest differing letters is found (Dijkstra); a hand that goes to and fro would rarely be cheaper.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import regex

CTRL = "Control"
READING = "F4"
KINDS = ("moving", "taking away", "typing", "readings", "modifiers")
SLACK = 9
"""Letters by which a plan may differ from the shortest alignment: a word taken away whole and typed again."""


class Press(NamedTuple):
    """A key with the modifier that is down while it is pressed ("" none); `types` is what a letter's key writes."""

    key: str
    modifier: str = ""
    types: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """A word of the draft with the machine's other readings, in their order; `begin` and `end` count letters of the text."""

    begin: int
    end: int
    texts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is pressed, and how many keys that is."""

    presses: tuple[Press, ...]
    keys: int

    def kinds(self) -> dict[str, int]:
        """The keys by what they are for (`KINDS`)."""
        found = dict.fromkeys(KINDS, 0)
        for press in self.presses:
            if press.types:
                found["typing"] += len(press.types)
            elif press.key in ("Backspace", "Delete"):
                found["taking away"] += 1
            else:
                found["readings" if press.key == READING else "moving"] += 1
        found["modifiers"] = self.keys - sum(found.values())
        return found


class Place(NamedTuple):
    """Where a plan is: how it sweeps, what is left of the draft, of the text that is wanted, and the modifier that is down.

    Going back (`way` "back"; "typing" where a letter was typed last) the draft's first `i` letters are untouched, and the wanted
    text from `j` on stands; the caret is behind `i` and `behind` letters that were typed there. `word`, `other`: the word before the
    caret was replaced by a reading whose first `left` letters are untouched, in front of which stand the first `i` of the draft. Going
    on ("on") the wanted text up to `j` stands, and the draft from `i` on is untouched. "move": nothing is changed yet, the caret
    is at `i`.
    """

    way: str
    i: int
    j: int
    held: str = ""
    behind: int = 0
    word: int = -1
    other: int = -1
    left: int = 0


def letters(text: str) -> tuple[str, ...]:
    """The text by letters, as the page's arrows go: graphemes."""
    return tuple(regex.findall(r"\X", text))


def typing_all(wanted: str) -> int:
    """Keys for the text with nothing to begin from, and Enter."""
    return len(wanted) + 1


def cheapest(draft: str, wanted: str, readings: Sequence[Readings] = (), *, caret: int | None = None) -> Plan:
    """The plan of the fewest keys; `caret` in letters, behind the last where None. A caret elsewhere goes to the end or start first."""
    planner = _Planner(letters(draft), letters(wanted), readings)
    begun = len(planner.draft) if caret is None else caret
    return planner.plan(begun)


class _Planner:
    def __init__(self, draft: Sequence[str], wanted: Sequence[str], readings: Sequence[Readings]) -> None:
        self.draft, self.wanted, self.readings = tuple(draft), tuple(wanted), tuple(readings)
        self.ahead = _distances(self.draft, self.wanted)
        behind = _distances(self.draft[::-1], self.wanted[::-1])
        self.behind = [row[::-1] for row in behind[::-1]]
        self.most = self.ahead[-1][-1] + SLACK
        self.by_end = {word.end: n for n, word in enumerate(readings)}
        self.by_begin = {word.begin: n for n, word in enumerate(readings)}

    def plan(self, caret: int) -> Plan:
        s, t = self.draft, self.wanted
        if s == t:
            return Plan((), 0)
        start = Place("move", caret, caret)
        best: dict[Place, int] = {start: 0}
        came: dict[Place, tuple[Place, tuple[Press, ...]]] = {}
        queue: list[tuple[int, int, Place]] = [(0, 0, start)]
        turn = 0
        whole = self._anew()
        while queue:
            cost, _, place = heapq.heappop(queue)
            if cost > best[place]:
                continue
            if cost >= whole.keys:
                break
            if self._done(place):
                return Plan(tuple(self._way_to(place, came)), cost)
            for following, presses, more in self._steps(place):
                if not self._near(following):
                    continue
                if cost + more < best.get(following, 1 << 30):
                    best[following] = cost + more
                    came[following] = (place, presses)
                    turn += 1
                    heapq.heappush(queue, (cost + more, turn, following))
        return whole

    def _near(self, place: Place) -> bool:
        """Whether a place lies near an alignment of draft and wanted text with the fewest differing letters: only such are looked at."""
        if place.way == "move":
            return True
        return self.ahead[place.i][place.j] + self.behind[place.i][place.j] <= self.most + (SLACK if place.word >= 0 else 0)

    def _anew(self) -> Plan:
        typed = tuple(Press(letter, types=letter) for letter in self.wanted) or (Press("Backspace"),)
        return Plan((Press("a", CTRL), *typed), 2 + (_keys_of(self.wanted) or 1))

    def _done(self, place: Place) -> bool:
        if place.way in ("back", "typing"):
            return self._before(place) == self.wanted[: place.j]
        return place.way == "on" and self.draft[place.i :] == self.wanted[place.j :]

    def _before(self, place: Place) -> tuple[str, ...]:
        """What is untouched before the caret."""
        return self.draft[: place.i] + (self.readings[place.word].texts[place.other][: place.left] if place.word >= 0 else ())

    def _way_to(self, place: Place, came: dict[Place, tuple[Place, tuple[Press, ...]]]) -> list[Press]:
        """All presses in their order; runs that were typed going back were planned from their end."""
        found: list[Press] = []
        run: list[Press] = []
        while place in came:
            before, presses = came[place]
            if place.way == "typing":
                run += presses
            else:
                found += reversed(run)
                run.clear()
                found += reversed(presses)
            place = before
        found += reversed(run)
        return found[::-1]

    def _steps(self, place: Place) -> Iterator[tuple[Place, tuple[Press, ...], int]]:
        if place.way == "move":
            yield from self._moves(place)
        elif place.way == "on":
            yield from self._forward(place)
        else:
            yield from self._backward(place)

    def _moves(self, place: Place) -> Iterator[tuple[Place, tuple[Press, ...], int]]:
        i, s, t = place.i, self.draft, self.wanted
        if i == len(s):
            yield place._replace(way="back", i=i, j=len(t)), (), 0
        if s[:i] == t[:i]:
            yield place._replace(way="on", j=i), (), 0
        if i > 0:
            yield self._to(place, Press("ArrowLeft"), i=i - 1, j=i - 1)
            back = i - _word_before(s[:i])
            yield self._to(place, Press("ArrowLeft", CTRL), i=back, j=back)
            yield self._to(place, Press("Home", CTRL), i=0, j=0)
        if i < len(s):
            yield self._to(place, Press("End", CTRL), i=len(s), j=len(s))
        if self.readings and not any(word.begin <= i <= word.end for word in self.readings):
            first = self.readings[0]
            for other, text in enumerate(first.texts):
                if (so_far := (*s[: first.begin], *text)) == t[: len(so_far)]:
                    yield Place("on", first.end, len(so_far)), (Press(READING),) * (other + 1), other + 1

    def _backward(self, place: Place) -> Iterator[tuple[Place, tuple[Press, ...], int]]:
        before, t, j = self._before(place), self.wanted, place.j
        if j and (not place.behind or place.way == "typing"):
            # Planned from the last letter to the first, typed from the first to the last.
            letter = t[j - 1]
            typed = place._replace(way="typing", j=j - 1, behind=place.behind + 1, held="")
            yield typed, (Press(letter, types=letter),), len(letter)
        place = place._replace(way="back")
        if place.behind:
            # Over what was typed, a letter or a word at a time; a word may reach into what is untouched.
            yield self._to(place, Press("ArrowLeft"), behind=place.behind - 1)
            over = _word_before((*before, *t[j : j + place.behind]))
            rest = over - place.behind
            if rest <= 0:
                yield self._to(place, Press("ArrowLeft", CTRL), behind=-rest)
            elif rest <= j and before[len(before) - rest :] == t[j - rest : j]:
                yield self._to(self._less(place, rest), Press("ArrowLeft", CTRL), behind=0, j=j - rest)
            return
        if before:
            last, over = before[-1], _word_before(before)
            yield self._to(self._less(place, 1), Press("Backspace"), times=len(last))
            yield self._to(self._less(place, over), Press("Backspace", CTRL))
            if j and last == t[j - 1]:
                yield self._to(self._less(place, 1), Press("ArrowLeft"), j=j - 1)
            if over <= j and before[len(before) - over :] == t[j - over : j]:
                yield self._to(self._less(place, over), Press("ArrowLeft", CTRL), j=j - over)
        if place.word < 0 and place.i in self.by_end and (j == len(t) or t[j] == " "):
            n = self.by_end[place.i]
            word = self.readings[n]
            for other, text in enumerate(word.texts):
                to = place._replace(i=word.begin, word=n, other=other, left=len(text), held="")
                yield to, (Press(READING),) * (other + 1), other + 1

    def _less(self, place: Place, count: int) -> Place:
        """So many untouched letters fewer before the caret."""
        if place.word < 0:
            return place._replace(i=place.i - count)
        if count < place.left:
            return place._replace(left=place.left - count)
        return place._replace(i=place.i - (count - place.left), word=-1, other=-1, left=0)

    def _forward(self, place: Place) -> Iterator[tuple[Place, tuple[Press, ...], int]]:
        s, t, i, j = self.draft, self.wanted, place.i, place.j
        if i < len(s):
            over = _word_after(s[i:])
            yield self._to(place, Press("Delete"), i=i + 1)
            yield self._to(place, Press("Delete", CTRL), i=i + over)
            if j < len(t) and s[i] == t[j]:
                yield self._to(place, Press("ArrowRight"), i=i + 1, j=j + 1)
            if s[i : i + over] == t[j : j + over]:
                yield self._to(place, Press("ArrowRight", CTRL), i=i + over, j=j + over)
        if j < len(t):
            yield place._replace(j=j + 1, held=""), (Press(t[j], types=t[j]),), len(t[j])
        if i in self.by_begin and (j == 0 or t[j - 1] == " "):
            word = self.readings[self.by_begin[i]]
            for other, text in enumerate(word.texts):
                if t[j : j + len(text)] == text:
                    yield place._replace(i=word.end, j=j + len(text), held=""), (Press(READING),) * (other + 1), other + 1

    def _to(self, place: Place, press: Press, *, times: int = 1, **changed: Any) -> tuple[Place, tuple[Press, ...], int]:
        """A press and where it leads: a modifier that is not down yet is a key more."""
        cost = times + (press.modifier not in ("", place.held))
        return place._replace(held=press.modifier, **changed), (press,) * times, cost


def _distances(a: Sequence[str], b: Sequence[str]) -> list[list[int]]:
    """Letters that differ between the first i of one and the first j of the other, for all i and j."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y)))
        rows.append(row)
    return rows


def _keys_of(text: Sequence[str]) -> int:
    return sum(map(len, text))


def _word_before(text: Sequence[str]) -> int:
    """How far Ctrl and Left go: blanks, then the word before them, or a sign that belongs to none."""
    return _word_after(text[::-1])


def _word_after(text: Sequence[str]) -> int:
    """How far Ctrl and Right go: blanks, then to the end of the word behind them, or of a sign that belongs to none."""
    at = 0
    while at < len(text) and text[at] == " ":
        at += 1
    if at < len(text) and not _is_letter(text[at]):
        return at + 1
    while at < len(text) and (_is_letter(text[at]) or (text[at] != " " and at + 1 < len(text) and _is_letter(text[at + 1]))):
        at += 1
    return at


def _is_letter(letter: str) -> bool:
    return letter[0].isalnum()
