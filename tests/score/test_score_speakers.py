"""cpWER, words with the wrong speaker, DER and language DER: hand-worked cases, meeteval's cpWER, and what is shown of them."""

from __future__ import annotations

import html
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from speech import cli
from speech.formats import save
from speech.score import Scores, compare, score, score_report, summary_lines
from speech.score.records import Counts
from speech.score.speakers import Words, assign, right_words
from speech.types import Recording, Segment, Span, Transcript, Word


def words(*turns: tuple[str, str]) -> Words:
    """Speaker and word, of (speaker, text)."""
    return [(speaker, word) for speaker, text in turns for word in text.split()]


def errors(said: Words, heard: Words) -> tuple[int, int, int]:
    """Wrong, missing, added."""
    [c] = assign([said], [heard]).counts
    return c.substitutions, c.deletions, c.insertions


def test_names_do_not_matter_and_words_do() -> None:
    said = words(("Ana", "a b c"), ("Rosa", "d e"))
    assert errors(said, words(("S1", "d e"), ("S2", "a b c"))) == (0, 0, 0)
    assert errors(said, words(("S1", "d e"), ("S2", "a x c"))) == (1, 0, 0)
    assert set(assign([said], [words(("S1", "d e"), ("S2", "a x c"))]).taken) == {("Ana", "S2"), ("Rosa", "S1")}


def test_a_speaker_too_few_costs_his_words_and_those_added_to_another() -> None:
    said = words(("Ana", "a b c"), ("Rosa", "d e"))
    assert errors(said, words(("S1", "a b c d e"))) == (0, 2, 2)
    assert set(assign([said], [words(("S1", "a b c d e"))]).taken) == {("Ana", "S1"), ("Rosa", None)}


def test_a_speaker_too_many_costs_what_he_was_given() -> None:
    said = words(("Ana", "a b c"), ("Rosa", "d e"))
    heard = words(("S1", "a b"), ("S2", "c"), ("S3", "d e"))
    assert errors(said, heard) == (0, 1, 1)
    assert set(assign([said], [heard]).taken) == {("Ana", "S1"), ("Rosa", "S3"), (None, "S2")}


def test_the_order_of_speakers_who_speak_at_once_does_not_matter() -> None:
    said = words(("Ana", "a b c d"), ("Rosa", "x y"))
    heard = words(("S1", "a b"), ("S2", "x y"), ("S1", "c d"))
    assert errors(said, heard) == (0, 0, 0)


def test_empty_sides_and_untold_speakers() -> None:
    said = words(("Ana", "a b"), ("", "c"))
    assert errors(said, []) == (0, 3, 0)
    assert errors([], said) == (0, 0, 3)
    assert errors([], []) == (0, 0, 0)
    # Nobody knows who said c: still somebody else than Ana.
    assert errors(said, words(("S1", "a b"), ("S2", "c"))) == (0, 0, 0)
    assert errors(words(("Ana", "a b"), ("Rosa", "c")), words(("", "a b"), ("S2", "c"))) == (0, 0, 0)


def test_errors_stand_with_the_pair_of_their_word_and_add_up() -> None:
    said = [words(("Ana", "a b")), words(("Rosa", "d e")), words(("Ana", "c f"))]
    heard = [words(("S1", "a")), words(("S1", "d"), ("S2", "e")), words(("S1", "c f z"))]
    found = assign(said, heard)
    assert set(found.taken) == {("Ana", "S1"), ("Rosa", "S2")}
    # S1 said "a d c f z" for Ana's "a b c f": d instead of b, z too much; Rosa's d is missing.
    assert found.counts == (Counts(hits=1, substitutions=1), Counts(hits=1, deletions=1), Counts(hits=2, insertions=1))


def test_right_words_are_with_their_speaker_another_or_none() -> None:
    said = [words(("Ana", "a b c"), ("Rosa", "d e f h"), ("", "g"))]
    heard = [words(("S1", "a b c d"), ("S2", "e"), ("", "f"), ("S2", "h g"))]
    assigned = assign(said, heard)
    assert set(assigned.taken) == {("Ana", "S1"), ("Rosa", "S2"), ("", "")}
    # d is with Ana's voice, f with nobody's; whose g was is not known, so that it is not judged.
    assert right_words(said, heard, assigned) == [Counts(hits=5, substitutions=1, deletions=1)]


def test_a_speaker_who_was_not_told_apart_has_no_word_of_his_own() -> None:
    said, heard = [words(("Ana", "a b c"), ("Rosa", "d e"))], [words(("S1", "a b c d e"))]
    assert right_words(said, heard, assign(said, heard)) == [Counts(hits=3, substitutions=2)]


def test_cpwer_is_that_of_meeteval() -> None:
    cp = pytest.importorskip("meeteval.wer.wer.cp", reason="meeteval is not installed")
    draw = random.Random(3)
    for _ in range(300):
        sides = []
        for names in ("ABCD", "WXYZ"):
            speakers = names[: draw.randint(1, 4)]
            sides.append([(draw.choice(speakers), draw.choice("abcde")) for _ in range(draw.randint(1, 25))])
        said, heard = sides
        texts = [{s: " ".join(w for x, w in side if x == s) for s, _ in side} for side in sides]
        expected = cp.cp_word_error_rate(*texts)
        found = sum(assign([said], [heard]).counts, Counts())
        assert (found.errors, found.reference) == (expected.errors, expected.length), texts


def transcript(*turns: tuple[int, int, str | None, str, str], path: str = "a.wav") -> Transcript:
    """Of (start, end, speaker, language, text)."""
    segments = [Segment(span=Span(start_ms=a, end_ms=b), speaker=who, language=code, text=text) for a, b, who, code, text in turns]
    return Transcript(recording=Recording(path=path, duration_ms=60_000), segments=tuple(segments))


SAID = transcript(
    (0, 2000, "Ana", "swh", "habari za asubuhi"),
    (1500, 4000, "Ola", "yor", "e kaaro o"),
    (6000, 8000, "Ana", "swh", "nzuri sana rafiki"),
    (10_000, 11_000, "Ola", "yor", "o dabo"),
)
HEARD = transcript(
    (0, 2000, "S1", "swh", "habari za asubuhi"),
    (1500, 3500, "S2", "yor", "e kaaro"),
    (6000, 8000, "S2", "yor", "nzuri sana rafiki"),
    (10_000, 11_000, "S2", "yor", "o dabo"),
)


def scores_of(folder: Path, said: Transcript, heard: Transcript, kind: str = "eaf") -> Scores:
    save(said, folder / f"r.{kind}", force=True)
    save(heard, folder / f"h.{kind}", force=True)
    return score(compare(folder / f"r.{kind}", folder / f"h.{kind}"))


@pytest.mark.parametrize("kind", ["eaf", "json"])
def test_speakers_and_languages_of_two_files_are_rated(tmp_path: Path, kind: str) -> None:
    scores = scores_of(tmp_path, SAID, HEARD, kind)
    assert scores.overall.words.counts == Counts(hits=10, deletions=1)
    found = scores.speaker_errors
    assert found is not None
    assert {(m.reference, m.hypothesis) for m in found.mapped} == {("Ana", "S1"), ("Ola", "S2")}
    # Three of Ana's words are missing with her, and are too much with Ola; one of these stands for the o that is missing there.
    assert found.words.counts == Counts(hits=7, substitutions=1, deletions=3, insertions=2)
    assert found.right_words.counts == Counts(hits=7, substitutions=3)
    # 500 ms of Ola missed, 2 s of Ana's confused, of 7.5 s.
    assert found.time.counts == Counts(hits=5000, substitutions=2000, deletions=500)
    assert scores.language_errors is not None
    assert scores.language_errors.time.counts == Counts(hits=5000, substitutions=2000, deletions=500)
    assert scores.language_errors.languages == ("swh", "yor")
    for rate in (found.words, found.right_words, found.time, scores.language_errors.time):
        assert rate.interval is not None and rate.interval.low < (rate.value or 0) < rate.interval.high


def test_several_recordings_are_assigned_one_by_one(tmp_path: Path) -> None:
    for side, first, second in (("r", SAID, SAID), ("h", HEARD, replace(SAID))):
        (tmp_path / side).mkdir()
        save(first, tmp_path / side / "one.json")
        save(replace(second, recording=replace(second.recording, path="b.wav")), tmp_path / side / "two.json")
    found = score(compare(tmp_path / "r", tmp_path / "h")).speaker_errors
    assert found is not None and found.recordings == 2
    assert (found.words.counts.errors, found.words.counts.reference) == (6, 22)
    assert {(Path(m.recording).name, m.reference, m.hypothesis) for m in found.mapped if m.reference == "Ana"} == {
        ("a.wav", "Ana", "S1"),
        ("b.wav", "Ana", "Ana"),
    }


def test_words_may_have_other_speakers_than_their_segment(tmp_path: Path) -> None:
    spans = [Span(start_ms=1000 * n, end_ms=1000 * n + 900) for n in range(4)]
    said = transcript((0, 2000, "Ana", "swh", "moja mbili"), (2000, 4000, "Ola", "swh", "tatu nne"))
    mixed = tuple(
        Word(text=w, span=s, speaker=x) for w, s, x in zip("moja mbili tatu nne".split(), spans, ("A", "A", "B", None), strict=True)
    )
    heard = replace(said, segments=(Segment(span=Span(start_ms=0, end_ms=4000), text="moja mbili tatu nne", speaker="A", words=mixed),))
    found = scores_of(tmp_path, said, heard, "json").speaker_errors
    assert found is not None and found.right_words.counts == Counts(hits=3, substitutions=1)
    assert found.words.counts.errors == 2  # nne is too much with A, and missing with B


def test_nothing_is_said_of_speakers_and_languages_where_there_is_nothing_to_tell(tmp_path: Path) -> None:
    def changed(made: Transcript, **fields: str | None) -> Transcript:
        return replace(made, segments=tuple(replace(s, **fields) for s in made.segments))  # type: ignore[arg-type]

    plain = changed(HEARD, speaker=None, language="swh")
    for said, heard in ((SAID, plain), (changed(SAID, speaker="Ana"), changed(HEARD, speaker="S1"))):
        assert scores_of(tmp_path, said, heard, "json").speaker_errors is None
    for said, heard in ((changed(SAID, language="swh"), plain), (SAID, changed(HEARD, language=None))):
        scores = scores_of(tmp_path, said, heard, "json")
        assert scores.language_errors is None and scores.as_dict()["language_errors"] is None
        assert not [line for line in summary_lines(scores) if "language DER" in line]


def test_speech_in_an_untold_language_is_not_judged_in_the_reference_and_missed_in_the_hypothesis(tmp_path: Path) -> None:
    def untold(made: Transcript) -> Transcript:
        return replace(made, segments=(*made.segments[:3], replace(made.segments[3], language="und")))

    judged = scores_of(tmp_path, untold(SAID), HEARD, "json").language_errors
    assert judged is not None and judged.time.counts == Counts(hits=4000, substitutions=2000, deletions=500)
    missed = scores_of(tmp_path, SAID, untold(HEARD), "json").language_errors
    assert missed is not None and missed.time.counts == Counts(hits=4000, substitutions=2000, deletions=1500)


def test_text_json_and_page_show_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(SAID, tmp_path / "r.eaf")
    save(HEARD, tmp_path / "h.eaf")
    assert cli.run(["score", str(tmp_path / "r.eaf"), str(tmp_path / "h.eaf"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["speaker_errors"]["cpwer"]["errors"] == 6
    wrong = told["speaker_errors"]["words_with_wrong_speaker"]
    assert (wrong["wrong"], wrong["untold"], wrong["words"]) == (3, 0, 10)
    assert told["language_errors"]["der"] | {"interval": None} == {
        "rate": 2500 / 7500, "missed_ms": 500, "false_ms": 0, "confused_ms": 2000, "reference_ms": 7500, "interval": None,
    }  # fmt: skip
    assert cli.run(["score", str(tmp_path / "r.eaf"), str(tmp_path / "h.eaf"), "--report", str(tmp_path / "p.html")]) == 0
    shown = capsys.readouterr().out
    assert "(cpWER, 2 speakers, 2 told apart) 54.5 %" in shown and "6 errors in 11 words" in shown
    assert "Right words with the wrong speaker 30.0 %" in shown
    assert "(language DER, swh, yor in 1 recording) 33.3 %" in shown and "2.0 s confused, of 7.5 s of speech" in shown
    page = html.unescape((tmp_path / "p.html").read_text(encoding="utf-8"))
    for part in (
        "Who spoke, and in which language",
        "cpWER",
        "With the wrong speaker",
        "Speakers (DER)",
        "language DER",
        "Who was taken for whom",
    ):
        assert part in page


def test_the_page_is_silent_where_no_speakers_are_told(tmp_path: Path) -> None:
    save(replace(SAID, segments=SAID.segments[:1]), tmp_path / "r.json")
    compared = compare(tmp_path / "r.json", tmp_path / "r.json")
    assert "Who spoke" not in score_report(score(compared), compared.pairs)


def test_letters_are_those_of_each_speakers_language_where_two_speak_in_a_passage(tmp_path: Path) -> None:
    both = transcript((0, 2000, "Ana", "swh", "habari za asubuhi"), (1500, 4000, "Abel", "amh", "ሰላም ነው"))
    assert [f.code for f in scores_of(tmp_path, both, both, "json").findings] == []
    wrong = replace(both, segments=(replace(both.segments[0], text="habari ሰላም"), both.segments[1]))
    found = scores_of(tmp_path, both, wrong, "json").findings
    assert [(f.code, f.where) for f in found] == [("TEXT_ALPHABET", "hypothesis (swh)")]


def test_those_whose_speaker_is_not_told_are_no_speaker_more(tmp_path: Path) -> None:
    heard = replace(HEARD, segments=(*HEARD.segments[:3], replace(HEARD.segments[3], speaker=None)))
    [line] = [x for x in summary_lines(scores_of(tmp_path, SAID, heard, "json")) if "cpWER" in x]
    assert "2 speakers, 2 told apart" in line
