"""The whole chain on two composed sessions: speakers, languages and text scored together, into docs/session_scores.md.

Data: compose_sessions.py's: three voices in Swahili, Yoruba and Amharic; Yoruba with two speakers of Southern Quechua. Quechua is heard
through an adapter that is learnt here from the train split of research/quy_siminchik (two other speakers), for research on this machine
alone: it lies in the cache and is never shipped.
Command: python recipes/score_sessions.py --data ../shared/speech           the report
         python recipes/score_sessions.py --data ../shared/speech --tune    the tuning sessions instead, printed
         python recipes/score_sessions.py --data ../shared/speech --keep DIR    the transcripts as files, too
Time: about five minutes on two cores; the adapter, once, about fifteen. `--smoke`: a minute of the first session, printed.
Expected: see the page.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compose_sessions import LENGTH_S, REPOSITORY, said_of, sessions, write

import speech
from speech import diarise, formats, identify
from speech.collections import consent
from speech.diarise.records import SpeakerCount
from speech.errors import SpeechError
from speech.files import write_text
from speech.models.cards import read_card
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import CtcRecogniser, LoadSettings, load
from speech.score import Scores, compare, score
from speech.score.records import Rate
from speech.score.summary import in_per_cent
from speech.transcribe import transcribe
from speech.types import Passage, Segment, Transcript, Turn

PAGE = REPOSITORY / "docs" / "session_scores.md"
CACHE = Path("~/.cache/oral-speech/train/sessions").expanduser()
"""Holds `adapters`, as a collection does."""
CONTEXT = consent.Context(basis="scoring composed sessions")
QUECHUA = "research/quy_siminchik"
NAMES = {"a": "Swahili, Yoruba, Amharic", "b": "Yoruba, Southern Quechua (two)"}
LANGUAGES = {"a": "swh,yor,amh", "b": "yor,quy"}
"""Those in a session; the one with the most speech in it is the last row's."""
MOST = {"a": "swh", "b": "quy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What the command is told of a session."""

    name: str
    languages: str
    """`list`, `auto`, or `one`: the language with the most speech."""
    speakers: str
    """`auto`, `told` (their number), or `one`: nobody asks, and all is one speaker's."""
    turns_told: bool = False
    """Turns, speakers and languages of the reference: what is left is the errors of words."""


WAYS = (
    Way(name="languages by a list, speakers auto", languages="list", speakers="auto"),
    Way(name="languages by a list, number of speakers told", languages="list", speakers="told"),
    Way(name="languages auto, speakers auto", languages="auto", speakers="auto"),
    Way(name="languages auto, number of speakers told", languages="auto", speakers="told"),
    Way(name="one speaker, one language", languages="one", speakers="one"),
    Way(name="turns, speakers and languages of the reference", languages="list", speakers="told", turns_told=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A session's files, its reference, and where there is speech in it."""

    name: str
    folder: Path
    reference: Transcript
    turns: tuple[Turn, ...]
    said: str

    @property
    def kind(self) -> str:
        """a or b."""
        return self.name[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one way on one session; `differences` of RTTM and EAF, read back, from the transcript.

    `strict` counts times against the speech in the clips, not against whole turns.
    """

    case: Case
    way: Way
    scores: Scores
    strict: Scores
    heard: int
    """How many speakers the transcript has."""
    differences: tuple[str, ...]


def quechua_adapter(data: Path) -> None:
    """Learn it, where it is not there yet: the gate is asked by `adapt`."""
    if (CACHE / "adapters" / "adapter.quy.safetensors").exists():
        return
    print("learning an adapter for Southern Quechua", flush=True)
    card = REPOSITORY / "data_manifests" / f"{QUECHUA}.card.toml"
    speech.adapt(
        data / QUECHUA / "manifest.tsv", language="quy", out=CACHE / "adapters", card=card, leave_out=True, curve=False,
        basis="measuring sessions", say=lambda text: print(f"  {text}", flush=True),
    )  # fmt: skip


def minutes_of_adapter() -> float:
    """How much speech it was learnt from, by its card."""
    return round(60 * float(read_card(CACHE / "adapters" / "adapter.quy.toml").trained["hours"]), 1)


def cases(data: Path, folder: Path, *, tuning: bool, smoke: bool) -> Iterator[Case]:
    """The sessions, composed into a folder."""
    for session in sessions(data, tuning=tuning, length_s=60.0 if smoke else LENGTH_S):
        write(session, folder)
        print(said_of(session), flush=True)
        yield Case(name=session.name, folder=folder, reference=session.reference, turns=session.turns, said=said_of(session))
        if smoke:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What is loaded once for all: who hears words, voices, languages."""

    model: CtcRecogniser
    diariser: diarise.Later
    identifier: identify.Later
    models: LanguageModels

    def transcript(self, path: Path, **asked: Any) -> Transcript:
        """`speech.transcribe.transcribe` of a recording."""
        return transcribe(
            path, model=self.model, diariser=self.diariser, identifier=self.identifier, language_models=self.models,
            context=CONTEXT, **asked,
        ).transcript  # fmt: skip


def chain(collection: Path | None) -> Chain:
    """With `mini`, and adapters of a collection."""
    # The processor's own precision would give other figures on another machine.
    settings = LoadSettings(precision="fp32", collection=collection)
    return Chain(
        model=load("mini", settings),
        diariser=diarise.Later("embedded"),
        identifier=identify.Later("mini", settings),
        models=LanguageModels(),
    )


def heard(case: Case, way: Way, ears: Chain) -> Transcript:
    """What the chain makes of a session."""
    path = case.folder / f"{case.name}.wav"
    language = {"list": LANGUAGES[case.kind], "auto": "auto", "one": MOST[case.kind]}[way.languages]
    if way.turns_told:
        passages = [Passage(span=s.span, language=s.language or "", speaker=s.speaker) for s in case.reference.segments]
        return ears.transcript(path, passages=passages)
    if way.speakers == "one":
        made = ears.transcript(path, language=language)
        return replace(made, segments=tuple(replace(s, speaker="S1") for s in made.segments))
    number = len(case.reference.speakers)
    count = SpeakerCount(least=number, most=number) if way.speakers == "told" else SpeakerCount()
    return ears.transcript(path, language=language, speakers=count)


def scored(case: Case, way: Way, transcript: Transcript, folder: Path) -> Outcome:
    """The rates of a transcript, from files as anybody would have them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.name}.json"
    formats.save(transcript, path, force=True)
    compared = compare(case.folder / f"{case.name}.json", path)
    language_by_speaker = {s.speaker: s.language for s in case.reference.segments}
    spoken = tuple(Segment(span=t.span, speaker=t.speaker, language=language_by_speaker[t.speaker]) for t in case.turns)
    strict = replace(compared, timed=tuple(replace(one, reference=spoken) for one in compared.timed))
    return Outcome(
        case=case,
        way=way,
        scores=score(compared),
        strict=score(strict),
        heard=len({s.speaker for s in transcript.segments if s.speaker}),
        differences=tuple(differences(transcript, folder, case.name)),
    )


def differences(transcript: Transcript, folder: Path, name: str) -> Iterator[str]:
    """Whether RTTM and EAF, written and read back, say what the transcript says: one line for each that does not."""
    for kind, seen in (("rttm", turns_in), ("eaf", segments_in)):
        path = folder / f"{name}.{kind}"
        formats.save(transcript, path, force=True)
        before, after = list(seen(transcript)), list(seen(formats.read(path)))
        if before != after:
            lone = [x for x in (*before, *after) if before.count(x) != after.count(x)]
            yield f"{kind}: {len(before)} in the transcript, {len(after)} in the file, {len(lone)} differ, such as {lone[0]}"


def turns_in(transcript: Transcript) -> Sequence[object]:
    """Who speaks when."""
    return sorted((s.span.start_ms, s.span.end_ms, s.speaker) for s in transcript.segments if s.speaker)


def segments_in(transcript: Transcript) -> Sequence[object]:
    """Who says what when, in which language, word by word."""
    return sorted(
        (
            s.span.start_ms,
            s.span.end_ms,
            s.speaker or "",
            s.language or "",
            s.text,
            str([(w.text, w.span, w.speaker or s.speaker) for w in s.words]),
        )
        for s in transcript.segments
    )


PREFACE = """\
# Speakers, languages and text together

Made by `python recipes/score_sessions.py`: two sessions of ten minutes (`recipes/compose_sessions.py`) through the whole of
`speech transcribe --language ... --speakers ...`, with `mini`. They are composed of clips that people read or said alone: turns, pauses,
turns that begin before the one before has ended, one room, its noise, wind in one stretch. People who talk with each other do it in other
ways, and each voice has a microphone of its own here.

- **A**: Swahili, Yoruba and Amharic, a reader each, from test splits. Known voices: `mini` has learnt from other sentences of these
  readers, and so has the network that tells voices apart (by the Swahili reader its thresholds were chosen).
- **B**: Yoruba, that reader again, and two speakers of Southern Quechua radio from the test split. New voices, in a language that
  `mini` does not know: its adapter was learnt from {minutes} minutes of two other speakers. For research; neither session nor adapter is
  published.

Rates in per cent with 95 % intervals that draw passages of the one session (for other recordings and voices they are too narrow), and
their counts. WER and cpWER are of words; "wrong speaker" is of the words that WER counts as right, those that stand with another
speaker than theirs, or with none. DER and language DER are of seconds, without a collar, overlap counted, against the turns of the
reference, each from its first to its last word, as `speech score` has them; *speech alone* is against the speech in the clean clips,
of which pauses from 250 ms are none (the last row shows what turns cost there that have no error). WER and CER by language are of
passages, by the language that most of each is in. Goals: cpWER at most 5 points over WER, language DER at most 15 %. Thresholds were
chosen on other sessions (`--tune`, dev splits). Where most words are wrong, as in the languages that `mini` hears worst, cpWER says little
of speakers: a wrong word costs as much with whoever it stands; DER says more there.
"""


def cell(rate: Rate | None, *, seconds: bool = False) -> str:
    """A rate, its interval and its counts."""
    if rate is None:
        return "–"
    c = rate.counts
    errors, of = (f"{c.errors / 1000:.0f}", f"{c.reference / 1000:.0f} s") if seconds else (f"{c.errors:,}", f"{c.reference:,}")
    return f"{in_per_cent(rate)}, {errors} of {of}"


def row(o: Outcome) -> str:
    """A line of the table of rates."""
    speakers, languages, words = o.scores.speaker_errors, o.scores.language_errors, o.scores.overall.words
    over = "–" if speakers is None else f"{100 * ((speakers.words.value or 0) - (words.value or 0)):+.1f}"
    cells = (
        o.way.name,
        cell(words),
        cell(speakers.words) if speakers else "–",
        over,
        cell(speakers.right_words) if speakers else "–",
        cell(speakers.time, seconds=True) if speakers else "–",
        cell(languages.time, seconds=True) if languages else "–",
        f"{o.heard} of {len(o.case.reference.speakers)}",
    )
    return f"| {' | '.join(cells)} |"


def parts(o: Outcome) -> str:
    """A line of the table of parts: of both DERs, then both against speech alone, then words and letters by language."""
    made = [o.way.name]
    for errors in (o.scores.speaker_errors, o.scores.language_errors):
        c = errors.time.counts if errors else None
        made.append(f"{c.deletions / 1000:.0f}, {c.insertions / 1000:.0f}, {c.substitutions / 1000:.0f}" if c else "–")
    made += [cell(e.time, seconds=True) if e else "–" for e in (o.strict.speaker_errors, o.strict.language_errors)]
    made.append("; ".join(f"{g.name} {in_per_cent(g.words)}, {in_per_cent(g.letters)}" for g in o.scores.languages))
    return f"| {' | '.join(made)} |"


def page(outcomes: Sequence[Outcome], said: Sequence[str]) -> str:
    """The tables, by session."""
    lines = []
    for name in dict.fromkeys(o.case.name for o in outcomes):
        own = [o for o in outcomes if o.case.name == name]
        lines += [
            f"## {name[-1].upper()}: {NAMES[name[-1]]}",
            "",
            *(line for line in said if line.startswith(f"{name}:")),
            "",
            "| told | WER | cpWER | points over WER | wrong speaker | DER | language DER | speakers |",
            "|" + "---|" * 8,
            *map(row, own),
            "",
            "| told | DER: missed, too much, confused, s | language DER: the same | DER, speech alone | language DER, speech alone "
            "| WER, CER by language |",
            "|" + "---|" * 6,
            *map(parts, own),
            "",
        ]
        wrong = [f"- {o.way.name}: {d}" for o in own for d in o.differences]
        same = f"RTTM (turns) and EAF (also text, languages, words with times and speakers), read back, equal all {len(own)} transcripts."
        lines += [*(["RTTM or EAF, read back, differ from the transcript:", *wrong] if wrong else [same]), ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder outside the repository for sessions and transcripts")
    parser.add_argument("--only", default="", metavar="NAME", help="one session: a, b, tuning_a or tuning_b; printed")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    if not given.smoke:
        quechua_adapter(given.data)
    ears = chain(None if given.smoke else CACHE)
    with tempfile.TemporaryDirectory() as made:
        folder = given.keep or Path(made)
        outcomes, said = [], []
        for case in cases(given.data, folder, tuning=given.tune, smoke=given.smoke):
            said.append(case.said)
            if case.name == (given.only or case.name):
                for n, way in enumerate(WAYS[:1] if given.smoke else WAYS):
                    outcomes.append(scored(case, way, heard(case, way, ears), folder / f"way_{n}"))
                    print(row(outcomes[-1]), flush=True)
    text = page(outcomes, said)
    if given.smoke or given.tune or given.only:
        print(text)
    else:
        write_text(PAGE, f"{PREFACE.format(minutes=minutes_of_adapter())}\n{text}")


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
