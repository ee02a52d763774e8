"""What correcting a draft costs a reviewer: the keys that are really pressed on the page, against typing it all.

For each language a session is made of test clips of the shared speech, one segment a clip, and drafted by `mini` with its language
model. A replay works through it as a reviewer's hands would who knows what was said: Enter brings the next segment, the cheapest edits
are planned (keyboard.py states the keyboard) and pressed in Chromium, and where the text is then not what was planned, it is planned
anew and the keys pressed so far count. Twice: with the key that puts in other readings of a word (F4), and without it. At the end the
store must hold the reference of every segment, letter by letter. The reference is the text as the model writes: without capitals and
punctuation.
What is not counted: hearing, thinking, approving, and keys of an input method that needs several for a letter.
Command: python benchmarks/app_effort.py [--clips 24] [--smoke]      (needs ../shared, Chromium and the extras app and dev)
Goal: 0.25 keys a correct letter at CER 15.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import app_page
import keyboard
import numpy as np
import soundfile
from figures import SHARED, keep

import speech
from speech.review.orders import distance
from speech.types import Alternative, Passage, Segment, Span, Word

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from mini_runs import CONTEXT, Listed, listed  # recipes are beside, not in the package

from tests.app_site import CHROMIUM, Desk, Site, chromium, make_site, serve, sit_down  # nor are tests
from tests.ui_element import sessions

SEED = 20261127
SHARES = {"que": 1.0, "yor": 1.0, "swh": 1.0, "kin": 1.0, "mlg": 1.0, "amh": 0.25, "bre": 0.25}
"""Languages, and how many of --clips each gives: of Amharic and Breton little is heard rightly."""
LONGEST_S = 15.0
PAUSE_S = 0.5
BANDS = (0, 5, 10, 20, 30, 40)
ABOUT = (12.5, 17.5)
"""CER of the segments that stand for "at CER 15"."""
TRIES = 6
DRAWS = 1000

TEXT = """() => { const field = document.querySelector('speech-review').shadowRoot.querySelector('.typing textarea');
    return [field.value, [...field.value.slice(0, field.selectionStart)].length];
}"""
"""The text in the field, and the caret's place in code points."""
COUNT = "() => { window.keys = 0; window.addEventListener('keydown', event => { if (!event.repeat) window.keys++; }, true); }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A drafted recording, and what was said in each of its segments."""

    language: str
    made: sessions.Made
    wanted: dict[str, str]
    sound: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A segment that was corrected: letters of the reference, keys for typing it, errors of the draft, keys pressed."""

    language: str
    letters: int
    typing: int
    errors: int
    keys: int
    replanned: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    """Keys by what they are for."""

    @property
    def cer(self) -> float:
        """Of the draft, in per cent."""
        return 100 * self.errors / self.letters


def drawn(language: str, count: int) -> list[Listed]:
    """Test clips of a language, of one collection (a session has one microphone), a seeded draw in their own order."""
    clips = [c for c in listed(SHARED, "test", Counter(), only={language}) if c.seconds <= LONGEST_S and c.language == language]
    clips = [c for c in clips if c.collection == max(o.collection for o in clips)]
    chosen = sorted(random.Random(SEED).sample(range(len(clips)), min(count, len(clips))))
    return [clips[n] for n in chosen]


def drafted(language: str, count: int, folder: Path) -> Session:
    """Clips laid after one another, each a segment, and heard."""
    pause = np.zeros(int(PAUSE_S * 16_000), np.float32)
    pieces, passages, wanted, at = [pause], [], {}, len(pause)
    for n, clip in enumerate(drawn(language, count), 1):
        samples = soundfile.read(clip.path, dtype="float32")[0]
        span = Span(start_ms=1000 * at // 16_000, end_ms=1000 * (at + len(samples)) // 16_000)
        passages.append(Passage(span=span, language=language, speaker="A"))
        wanted[f"a{n}"] = clip.text
        pieces += [samples, pause]
        at += len(samples) + len(pause)
    sound = np.concatenate(pieces)
    path = folder / f"{language}.wav"
    soundfile.write(path, sound, 16_000, subtype="PCM_16")
    transcript = speech.load("mini", basis=CONTEXT.basis).transcribe(path, passages=passages)
    segments = tuple(replace(s, id=f"a{n}") for n, s in enumerate(transcript.segments, 1))
    made = sessions.Made(name=path.name, language=language, segments=segments, seconds=at / 16_000)
    return Session(language=language, made=made, wanted=wanted, sound=sound)


def spoilt() -> Session:
    """The tests' small session, its texts the reference and their words spoilt by seed: for --smoke, without the shared speech."""
    draw = random.Random(SEED)
    made, wanted, segments = sessions.small(), {}, []
    for segment in made.segments[:4]:
        wanted[segment.id] = segment.text
        words = []
        for n, word in enumerate(segment.words):
            wrong = "".join(draw.choice(("", "a", letter + "u")) if draw.random() < 0.2 else letter for letter in word.text) or "a"
            other = (Alternative(text="xa", confidence=0.2), Alternative(text=word.text, confidence=0.1)) if n % 2 else ()
            words.append(Word(text=wrong, span=word.span, confidence=0.6, alternatives=other))
        segments.append(replace(segment, text=" ".join(w.text for w in words), words=tuple(words), translations=()))
    return Session(language="que", made=replace(made, segments=tuple(segments)), wanted=wanted)


def write_session(session: Session, folder: Path) -> None:
    """Its recording."""
    if session.sound is None:
        sessions.write_sound(session.made, folder)
    else:
        soundfile.write(folder / session.made.name, session.sound, 16_000, subtype="PCM_16")


def corrected(session: Session, *, readings: bool) -> list[Corrected]:
    """The session, worked through on the page with keys alone; the store is looked at when it is done."""
    found: list[Corrected] = []
    with tempfile.TemporaryDirectory() as name:
        store, served, ids = make_site(Path(name) / "site", [session.made], write=lambda _made, folder: write_session(session, folder))
        with serve(Site(store=store, served=served, ids=ids)) as site, chromium() as browser:
            desk = sit_down(browser, site, session.made.name)
            desk.page.evaluate(COUNT)
            desk.press("Home", "Enter")
            for segment in session.made.segments:
                found.append(mended(desk, session, segment, readings=readings))
            desk.press("Escape")
            desk.wait_saved()
            desk.page.wait_for_timeout(300)
            held = desk.segments()
            wrong = [id for id, text in session.wanted.items() if held[id]["text"] != text]
            if wrong or desk.faults:
                raise RuntimeError(f"{session.language}: the store does not hold the reference of {wrong}; {desk.faults}")
    return found


def mended(desk: Desk, session: Session, segment: Segment, *, readings: bool) -> Corrected:
    """One segment, from its draft to the reference, and Enter to the next."""
    wanted = session.wanted[segment.id]
    if desk.chosen != segment.id:
        raise RuntimeError(f"{session.language}: {desk.chosen} is chosen and not {segment.id}")
    keys, tries, kinds = mend(desk, wanted, readings_of(segment) if readings else [])
    keys += pressed(desk, "Enter")
    errors = distance(keyboard.letters(segment.text), keyboard.letters(wanted))
    return Corrected(
        language=session.language, letters=len(keyboard.letters(wanted)), typing=keyboard.typing_all(wanted), errors=errors, keys=keys,
        replanned=max(0, tries - 1), kinds={**kinds, "Enter": 1},
    )  # fmt: skip


def mend(desk: Desk, wanted: str, known: Sequence[keyboard.Readings]) -> tuple[int, int, Counter[str]]:
    """Make the text in the field what is wanted; the keys that went down, how often they were planned, and what they were for."""
    keys, tries = 0, 0
    kinds: Counter[str] = Counter()
    while True:
        text, caret = desk.page.evaluate(TEXT)
        if text == wanted:
            return keys, tries, kinds
        if tries == TRIES:
            raise RuntimeError(f"{desk.chosen}: {text!r} is not {wanted!r} after {tries} plans")
        at = None if caret == len(text) else len(keyboard.letters(text[:caret]))
        plan = keyboard.cheapest(text, wanted, known, caret=at)
        keys += press(desk, plan)
        kinds.update(plan.kinds())
        known, tries = [], tries + 1


def readings_of(segment: Segment) -> list[keyboard.Readings]:
    """The words with other readings, where they stand in the text as the page finds them."""
    found, at = [], 0
    for word in segment.words:
        begin = segment.text.index(word.text, at)
        at = begin + len(word.text)
        if word.alternatives:
            first = len(keyboard.letters(segment.text[:begin]))
            texts = tuple(keyboard.letters(a.text) for a in word.alternatives)
            found.append(keyboard.Readings(begin=first, end=first + len(keyboard.letters(word.text)), texts=texts))
    return found


def press(desk: Desk, plan: keyboard.Plan) -> int:
    """Press what is planned; the keys that went down."""
    hands, held, unseen, last = desk.page.keyboard, "", 0, ""
    desk.page.evaluate("() => { window.keys = 0; }")
    for one in plan.presses:
        if one.key == keyboard.READING and last != keyboard.READING:
            desk.wait_saved()  # other readings are those of the text as it is saved; a hand that goes slower never waits
        if held != one.modifier:
            if held:
                hands.up(held)
            if one.modifier:
                hands.down(one.modifier)
            held = one.modifier
        if one.types:
            unseen += typed(desk, one.types)
        else:
            hands.press(one.key)
        last = one.key
    if held:
        hands.up(held)
    return int(desk.page.evaluate("() => window.keys")) + unseen


def typed(desk: Desk, letter: str) -> int:
    """Type a letter as a keyboard of the language would; how many of its keys the page does not see as such."""
    unseen = 0
    for sign in letter:
        if sign.isascii():
            desk.page.keyboard.press("Space" if sign == " " else sign)
        else:
            desk.page.keyboard.insert_text(sign)
            unseen += 1
    return unseen


def pressed(desk: Desk, key: str) -> int:
    """A key that counts one."""
    desk.page.keyboard.press(key)
    return 1


# What is told.


def told(rows: Sequence[Corrected], without: Sequence[Corrected]) -> dict[str, Any]:
    """Keys a correct letter of some segments, with and without other readings, against typing all; intervals draw segments."""
    letters = sum(r.letters for r in rows)
    if not letters:
        return {"segments": 0}
    return {
        "segments": len(rows),
        "letters": letters,
        "CER %": round(100 * sum(r.errors for r in rows) / letters, 1),
        "typing all": round(sum(r.typing for r in rows) / letters, 3),
        "with readings": rate(rows),
        "without": rate(without),
        "with readings, of typing all": round(sum(r.keys for r in rows) / sum(r.typing for r in rows), 3),
        "with readings, keys by what they are for, a letter": {
            kind: round(sum(r.kinds.get(kind, 0) for r in rows) / letters, 3) for kind in (*keyboard.KINDS, "Enter")
        },
        "without, of typing all": round(sum(r.keys for r in without) / sum(r.typing for r in rows), 3),
    }


def rate(rows: Sequence[Corrected]) -> dict[str, float]:
    """Keys a letter, with a 95 % interval."""
    keys, letters = np.array([r.keys for r in rows]), np.array([r.letters for r in rows])
    draw = np.random.default_rng(SEED).integers(0, len(rows), (DRAWS, len(rows)))
    low, high = np.quantile(keys[draw].sum(1) / letters[draw].sum(1), (0.025, 0.975))
    return {"keys a letter": round(float(keys.sum() / letters.sum()), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def figures(rows: Sequence[Corrected], without: Sequence[Corrected]) -> dict[str, Any]:
    """By band of CER, about 15, by language, and all together."""

    def of(keep_row: Any) -> dict[str, Any]:
        chosen = [n for n, r in enumerate(rows) if keep_row(r)]
        return told([rows[n] for n in chosen], [without[n] for n in chosen])

    bands = {
        f"{low} to {high}" if high < 1e9 else f"{low} and more": of(lambda r, low=low, high=high: low <= r.cer < high)
        for low, high in zip(BANDS, (*BANDS[1:], 1e9), strict=True)
    }
    return {
        "by CER of the segment's draft": bands,
        "at CER 15": of(lambda r: ABOUT[0] <= r.cer < ABOUT[1]),
        "by language": {code: of(lambda r, code=code: r.language == code) for code in dict.fromkeys(r.language for r in rows)},
        "all": told(rows, without),
        "segments planned more than once": sum(r.replanned > 0 for r in (*rows, *without)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=24, help="clips a language")
    parser.add_argument("--smoke", action="store_true", help="four segments that are spoilt by seed; nothing is written")
    options = parser.parse_args()
    if not CHROMIUM.exists():
        sys.exit("there is no Chromium (apt-get install chromium)")
    if not options.smoke and not SHARED.exists():
        sys.exit("the shared speech does not lie beside this checkout (../shared)")
    rows: list[Corrected] = []
    without: list[Corrected] = []
    for code, share in {"que": 1.0}.items() if options.smoke else SHARES.items():
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as name:
            session = spoilt() if options.smoke else drafted(code, round(share * options.clips), Path(name))
        rows += corrected(session, readings=True)
        without += corrected(session, readings=False)
        print(f"{code}: {told([r for r in rows if r.language == code], [r for r in without if r.language == code])}, "
              f"{time.monotonic() - begun:.0f} s", flush=True)  # fmt: skip
    found = figures(rows, without)
    if options.smoke:
        print(found["all"] | {"replanned": found["segments planned more than once"]})
    else:
        keep("app_effort", found)
        app_page.write()


if __name__ == "__main__":
    main()
