"""The tier of the transcription is chosen where it is clear, named, asked for where it is not; its words are held against it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from speech import formats
from speech.errors import TextRefused
from speech.formats import TierText, save
from speech.formats.eaf import EafFile
from speech.formats.textgrid import TextGridFile
from speech.score import Comparison, PairSettings, compare, score, summary_lines
from speech.score.tiers import choose, words_that_differ
from speech.types import Segment, Span, Transcript, Word


def tier(name: str, *texts: str, type: str = "default-lt", parent: str | None = None, language: str = "", start: int = 0) -> TierText:
    cells = tuple((Span(start_ms=start + 1000 * n, end_ms=start + 1000 * n + 900), text) for n, text in enumerate(texts))
    return TierText(name=name, cells=cells, type=type, parent=parent, language=language)


def used(*tiers: TierText, language: str = "que") -> list[str]:
    return [t.name for t in choose(tiers, language=language, where="a.eaf").used]


KAY = ("kay wasi", "chay")
ROWS = {
    "a translation beside it": ([tier("A", *KAY), tier("Translation", "esta casa", "eso")], ["A"]),
    "a tier named after another language": ([tier("A", *KAY), tier("Español", "esta casa", "eso")], ["A"]),
    "named after the language itself": ([tier("Kichwa", *KAY), tier("X", "esta casa", "eso")], ["Kichwa"]),
    "silences": ([tier("A", *KAY), tier("silences", *["silent", "sounding"] * 20)], ["A"]),
    "labels under a name that says nothing": ([tier("A", *KAY), tier("B", *["p", "x"] * 20)], ["A"]),
    "numbers": ([tier("A", *KAY), tier("B", "001", "002")], ["A"]),
    "the type says what the name does not": ([tier("A1", *KAY, type="Tx"), tier("A2", "esta", "eso", type="Trad")], ["A1"]),
    "the name outweighs the type": ([tier("Tx@A", *KAY, type="ref"), tier("ft@A", "esta", "eso", type="tx")], ["Tx@A"]),
    "a translation of a phrase is no phrase": ([tier("Phrase", *KAY), tier("Phrase Free Translation", "esta", "eso")], ["Phrase"]),
    "two speakers": ([tier("Ana", *KAY), tier("Rosa", *KAY, start=10_000)], ["Ana", "Rosa"]),
    "references above, text below": ([tier("ref@A", "a.1", "a.2"), tier("tx@A", *KAY, type="x", parent="ref@A")], ["tx@A"]),
    "words, where there is no more": ([tier("A - words", *KAY), tier("A - phones", "k", "a")], ["A - words"]),
    "phrases, where there are words too": ([tier("word", *KAY), tier("phrase", "kay wasi chay")], ["phrase"]),
    "a stated language": ([tier("A", *KAY, language="que"), tier("B", "esta", "eso", language="spa")], ["A"]),
    "another code for the language is no fault": ([tier("A", *KAY, language="qug")], ["A"]),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_transcription_is_chosen_where_it_is_clear(row: str) -> None:
    tiers, expected = ROWS[row]
    assert used(*tiers) == expected


@pytest.mark.parametrize(
    "tiers",
    [
        [tier("A", *KAY), tier("B", "esta casa", "eso")],
        [tier("Sentence", *KAY), tier("Utterance", "kay", "wasi chay")],
        [tier("silences", "silent", "sounding")],
        [tier("Comments", "loud", "cut here")],
    ],
)
def test_where_it_is_not_clear_the_tiers_are_listed(tiers: list[TierText]) -> None:
    with pytest.raises(TextRefused) as caught:
        used(*tiers)
    assert caught.value.code == "TEXT_TIER" and "--tier" in caught.value.mend
    assert all(f"{t.name!r} ({len(t.cells)} texts)" in caught.value.what for t in tiers)


REAL = {
    "jeli_griots_r23_3.eaf": ["Transcrip"],
    "jeli_griots_r24_2.eaf": ["Tx@S26bb", "Tx@iS26bb"],
    "jeli_griots_r29_6.eaf": ["Tx@griots_r26_6.wav"],
    "poio_example.eaf": ["K-Spch", "W-Spch"],
    "poio_turkish.eaf": ["P-Spch"],
    "childproject_example.eaf": ["FA1", "FA2"],  # the child's own tier has no words: "0."
    "eopas_elan4.eaf": ["default"],
    "act_BOL_CBBA_SoniaYJanette.TextGrid": ["JAN", "ROB", "PHI", "FRA", "X"],  # without Ruidos, the noises
    "kg_long_format.TextGrid": ["word"],
    "pgdb_fave_test.TextGrid": ["Gary Salvi - word", "Interviewer - word"],
    "praatio_bobby_words.TextGrid": ["phrase"],
    "buddhism.eaf": None,  # sentences and intonation units, both of one type
    "ag_elan_annotations.eaf": None,
    "Conversation inuit -12-14.wav.TextGrid": None,  # silences alone
}


@pytest.mark.parametrize("name", REAL)
def test_tiers_of_real_files(shared: Path, name: str) -> None:
    tiers, expected = formats.tiers(shared / "annotations" / name), REAL[name]
    if expected is None:
        with pytest.raises(TextRefused, match="Its tiers: "):
            choose(tiers, language="und", where=name)
    else:
        assert [t.name for t in choose(tiers, language="und", where=name).used] == expected


def test_of_eleven_tiers_of_a_chapter_the_sentences_are_read(shared: Path, tmp_path: Path) -> None:
    packed = sorted((shared / "speech" / "open" / "que_killkan_eaf").glob("*.eaf.gz"))
    assert packed
    for file in packed[:3]:
        eaf = tmp_path / file.stem
        eaf.write_bytes(gzip.decompress(file.read_bytes()))
        tiers = formats.tiers(eaf)
        assert len(tiers) >= 10 and used(*tiers) == ["default"]
        assert len(formats.read(eaf, tiers=["default"]).segments) == len(next(t for t in tiers if t.name == "default").cells)


def test_a_translation_no_longer_counts_as_what_was_said(shared: Path) -> None:
    griots = shared / "annotations" / "jeli_griots_r23_3.eaf"
    found = compare(griots, griots)
    assert "touché" not in "".join(p.reference for p in found.pairs)
    said = summary_lines(score(found))[0]
    assert said == f"Reference: {griots}, tier 'Transcrip' (179 texts); not read: 'Trad', 'Comment'"


def word(text: str, start: int) -> Word:
    return Word(text=text, span=Span(start_ms=start, end_ms=start + 300))


def ours() -> Transcript:
    segments = (
        Segment(span=Span(start_ms=0, end_ms=900), text="kay wasi", words=(word("kay", 0), word("wasi", 400)), language="que"),
        Segment(span=Span(start_ms=61_000, end_ms=62_000), text="chay", words=(word("chay", 61_000),), language="que"),
    )
    return Transcript(segments=segments)


def with_word_corrected(path: Path) -> Path:
    """Our file, with `wasi` made `wasiman` in the tier of words alone."""
    save(ours(), path)
    if path.suffix == ".eaf":
        file = EafFile.from_bytes(path.read_bytes())
        [found] = [a.id for a in file.annotations("segments [words]") if a.text == "wasi"]
        file.set_value(found, "wasiman")
        path.write_bytes(file.to_bytes())
    else:
        grid = TextGridFile.from_bytes(path.read_bytes(), where=path.name)
        [token] = [m.token for t in grid.tiers for m in t.marks if m.text == "wasi"]
        grid.set_text(token, "wasiman")
        path.write_bytes(grid.to_bytes())
    return path


@pytest.mark.parametrize("suffix", [".eaf", ".TextGrid"])
def test_a_word_corrected_in_the_word_tier_only_is_told(tmp_path: Path, suffix: str) -> None:
    corrected = with_word_corrected(tmp_path / f"corrected{suffix}")
    save(ours(), tmp_path / f"heard{suffix}")
    scores = score(compare(corrected, tmp_path / f"heard{suffix}"))
    assert scores.overall.words.counts.errors == 0
    [told] = [f for f in scores.findings if f.code == "TEXT_WORDS"]
    assert told.where == "reference" and "1 segment " in told.what and "(at 0:00)" in told.what
    assert "'segments [words]'" in told.what and "'segments'" in told.what
    # What the mend names does find it.
    by_words = score(compare(corrected, tmp_path / f"heard{suffix}", PairSettings(tiers=("segments [words]",))))
    assert (by_words.overall.words.counts.errors, by_words.overall.words.counts.reference) == (1, 3)


def test_words_that_spell_the_text_are_no_finding(tmp_path: Path) -> None:
    save(ours(), tmp_path / "a.eaf")
    tiers = formats.tiers(tmp_path / "a.eaf")
    choice = choose(tiers, language="que", where="a.eaf")
    assert [t.name for t in choice.used] == ["segments"]
    assert list(words_that_differ(choice, tiers, language="que", side="reference")) == []


GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
2
<exists>
{count}
"""


def grid(path: Path, **tiers: str) -> Path:
    """A TextGrid of tiers with one text each, all over the same time: layers."""
    parts = [f'"IntervalTier"\n"{name}"\n0\n2\n2\n0\n1\n"{text}"\n1\n2\n""\n' for name, text in tiers.items()]
    path.write_text(GRID.format(count=len(tiers)) + "".join(parts), encoding="utf-8")
    return path


def tiers_of(found: Comparison) -> list[list[str]]:
    return [[name for name, _ in side.tiers] for side in found.sides]


def test_tiers_are_named_once_for_both_sides_or_twice(tmp_path: Path) -> None:
    one, other = grid(tmp_path / "r.TextGrid", A="kay", B="esta"), grid(tmp_path / "h.TextGrid", A="chay", C="eso")
    for asked, expected in (
        (("A",), [["A"], ["A"]]),
        (("a", "c"), [["A"], ["C"]]),
        (("A,B", "A"), [["A", "B"], ["A"]]),
    ):
        assert tiers_of(compare(one, other, PairSettings(tiers=asked))) == expected
    # A name that stands on one side only leaves the other to be chosen.
    clear = grid(tmp_path / "clear.TextGrid", Transcription="kay", Translation="esta")
    assert tiers_of(compare(one, clear, PairSettings(tiers=("A",)))) == [["A"], ["Transcription"]]
    assert tiers_of(compare(clear, one, PairSettings(tiers=("A",)))) == [["Transcription"], ["A"]]


def test_a_tier_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    one = grid(tmp_path / "r.TextGrid", Transcription="kay", B="esta")
    for asked, listed in ((("no",), "'Transcription'"), (("Transcription", "no"), "'B' (1 texts)")):
        with pytest.raises(TextRefused, match="no tier is called 'no'") as caught:
            compare(one, one, PairSettings(tiers=asked))
        assert caught.value.code == "TEXT_TIER" and listed in caught.value.what
    plain = tmp_path / "h.txt"
    plain.write_text("kay\n", encoding="utf-8")
    with pytest.raises(TextRefused, match="has no tiers"):
        compare(one, plain, PairSettings(tiers=("B", "B")))
    assert tiers_of(compare(one, plain, PairSettings(tiers=("B",)))) == [["B"], []]


def test_a_tier_that_hangs_on_another_can_be_compared(shared: Path) -> None:
    turkish = shared / "annotations" / "poio_turkish.eaf"
    found = compare(turkish, turkish, PairSettings(tiers=("P-Spch", "P-Word"), language="tur"))
    assert tiers_of(found) == [["P-Spch"], ["P-Word"]]
    counts = score(found).overall.words.counts
    assert counts.reference == sum(len(p.reference.split()) for p in found.pairs) and counts.hits > 0.9 * counts.reference
