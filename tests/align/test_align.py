"""`speech align`: an old transcript on a recording of synthetic speech whose times are known."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech import cli, formats, languages
from speech.align import Settings, align, read_old, through_of
from speech.align.alphabet import Alphabet
from speech.align.records import FITS_BADLY, NOT_SAID
from speech.collections.consent import Context
from speech.errors import ModelRefused, TextRefused
from speech.models.recogniser import LoadSettings, Recogniser, load
from speech.types import Point, Segment, Span, Speaker, Transcript
from tests.sounds import RATE, spoken

CONTEXT = Context(basis="test")
LINES = (
    "Habari za asubuhi, rafiki yangu.",
    "Leo tunakwenda sokoni kununua matunda na mboga.",
    "Watoto wanacheza mpira karibu na nyumba yetu.",
    "Mama anapika chakula cha jioni jikoni.",
    "Kesho tutasafiri kwenda kijijini kwa babu.",
)


@pytest.fixture(scope="module")
def model() -> Recogniser:
    return load("mini", LoadSettings(threads=1))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[float, float]]]:
    """The lines said one after the other, pauses of noise between them; when the sound of each begins and ends (s)."""
    rng = np.random.default_rng(0)
    parts, times, at = [], [], 0
    for line in LINES:
        gap = rng.normal(size=int(RATE * rng.uniform(0.6, 1.2))).astype(np.float32) * 0.001
        sound = spoken(line, language="swh", pause_s=0)
        loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
        at += len(gap)
        times.append(((at + loud[0]) / RATE, (at + loud[-1]) / RATE))
        at += len(sound)
        parts += [gap, sound]
    path = tmp_path_factory.mktemp("session") / "tape.wav"
    soundfile.write(path, np.concatenate([*parts, np.zeros(RATE, np.float32)]), RATE)
    return path, times


def test_lines_and_words_stand_where_they_are_said(
    session: tuple[Path, list[tuple[float, float]]], model: Recogniser, tmp_path: Path
) -> None:
    recording, times = session
    text = tmp_path / "notebook.txt"
    text.write_text("\n\n".join(LINES), encoding="utf-8")
    made = align(recording, read_old(text), language="swh", model=model, context=CONTEXT)
    segments = made.transcript.segments
    assert [s.text for s in segments] == list(LINES) and [line.number for line in made.lines] == [1, 3, 5, 7, 9]
    for segment, (start, end) in zip(segments, times, strict=True):
        assert abs(segment.span.start_ms / 1000 - start) < 0.25 and abs(segment.span.end_ms / 1000 - end) < 0.25
        assert " ".join(w.text for w in segment.words) == segment.text and all(w.span and not w.estimated for w in segment.words)
        edges = [(w.span.start_ms, w.span.end_ms) for w in segment.words if w.span]
        assert all(a[1] == b[0] for a, b in zip(edges, edges[1:], strict=False))
        assert segment.span.start_ms <= edges[0][0] and edges[-1][1] <= segment.span.end_ms
    assert all(s.status == "draft" and (s.confidence or 0) > 0.5 for s in segments)
    assert made.transcript.coverage is not None and made.transcript.coverage.adds_up
    again = align(recording, read_old(text), language="swh", model=model, context=CONTEXT)
    assert again.transcript.segments == segments


def test_what_was_not_said_and_what_is_not_written_are_told(
    session: tuple[Path, list[tuple[float, float]]], model: Recogniser, tmp_path: Path
) -> None:
    recording, times = session
    text = tmp_path / "notebook.txt"
    never = "Serikali imetangaza bajeti mpya ya taifa kwa mwaka ujao wa fedha"
    text.write_text("\n".join([LINES[0], never, LINES[1], *LINES[3:]]), encoding="utf-8")
    made = align(recording, read_old(text), language="swh", model=model, context=CONTEXT)
    second = made.transcript.segments[1]
    assert second.text == never and second.status == "unsure" and second.unsure_reason in (NOT_SAID, FITS_BADLY)
    assert "ALIGN_UNSAID" in {f.code for f in made.findings} or "ALIGN_POOR" in {f.code for f in made.findings}
    for segment, (start, _) in zip((made.transcript.segments[k] for k in (0, 2, 3, 4)), (times[k] for k in (0, 1, 3, 4)), strict=True):
        assert abs(segment.span.start_ms / 1000 - start) < 0.25
    [skip] = made.transcript.coverage.skipped if made.transcript.coverage else ()
    assert abs(skip.span.start_ms / 1000 - times[2][0]) < 0.6 and "ALIGN_UNWRITTEN" in {f.code for f in made.findings}


def test_a_text_of_another_recording_is_unsure_throughout(
    session: tuple[Path, list[tuple[float, float]]], model: Recogniser, tmp_path: Path
) -> None:
    text = tmp_path / "other.txt"
    text.write_text("ñukanchik ayllukunaka\nhatun llaktapi kawsanchik\nmishki yakuta upyanchik", encoding="utf-8")
    made = align(session[0], read_old(text), language="swh", model=model, context=CONTEXT)
    assert all(s.status == "unsure" for s in made.transcript.segments)


def test_an_old_file_keeps_its_speakers_order_and_lines(
    session: tuple[Path, list[tuple[float, float]]], model: Recogniser, tmp_path: Path
) -> None:
    old = Transcript(
        segments=tuple(
            Segment(span=Span(start_ms=100 * k, end_ms=100 * k + 90), text=line, speaker=("Ana", "Bo")[k % 2], notes=(f"page {k}",))
            for k, line in enumerate(LINES)
        ),
        speakers=(Speaker(id="Ana"), Speaker(id="Bo")),
    )
    formats.save(old, tmp_path / "old.eaf")
    made = align(session[0], read_old(tmp_path / "old.eaf"), language="swh", model=model, context=CONTEXT, settings=Settings(units="lines"))
    assert [(s.text, s.speaker, s.notes) for s in made.transcript.segments] == [(s.text, s.speaker, s.notes) for s in old.segments]
    assert all(s.words == () for s in made.transcript.segments)
    formats.save(made.transcript, tmp_path / "new.eaf")
    back = formats.read(tmp_path / "new.eaf")
    assert {s.text: s.span for s in back.segments} == {s.text: s.span for s in made.transcript.segments}


def test_tiers_that_cannot_be_taken_along_are_told_and_kept_in_the_old_file_with_new_times(
    session: tuple[Path, list[tuple[float, float]]], model: Recogniser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another person's file: glosses hang below the lines. They are in the old file, which is written with new times."""
    from speech.formats.eaf import EafFile

    formats.save(Transcript(segments=(Segment(span=Span(start_ms=0, end_ms=90), text="x"),)), tmp_path / "made.eaf")
    file = EafFile.from_bytes((tmp_path / "made.eaf").read_bytes())
    file.add_type("utterance")
    file.add_type("gloss", "Symbolic_Association")
    file.add_tier("tx", "utterance")
    file.add_tier("ge", "gloss", parent="tx")
    file.add_tier("comment", "utterance")
    file.add_annotation("comment", Span(start_ms=100, end_ms=600), "a dog barks")
    for k, line in enumerate(LINES):
        name = file.add_annotation("tx", Span(start_ms=100 + 100 * k, end_ms=190 + 100 * k), line)
        file.add_ref_annotation("ge", name, f"gloss {k}")
    (tmp_path / "old.eaf").write_bytes(file.to_bytes())
    old = read_old(tmp_path / "old.eaf", tiers=["tx"])
    assert old.left == ("ge", "comment") and [line.text for line in old.lines] == list(LINES)
    made = align(session[0], old, language="swh", model=model, context=CONTEXT)
    assert [f.what for f in made.findings if f.code == "ALIGN_TIERS"] == ["2 tiers of it cannot become lines, words or notes: ge, comment"]
    assert read_old(tmp_path / "old.eaf", tiers=["tx", "ge"]).left == ("comment",)

    asked = [
        "align",
        str(session[0]),
        str(tmp_path / "old.eaf"),
        "-l",
        "swh",
        "--tier",
        "tx",
        "-o",
        str(tmp_path / "out"),
        "--threads",
        "1",
    ]
    assert cli.run([*asked, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert [Path(o).name for o in row["outputs"]] == ["tape.eaf", "tape.tiers.eaf"]
    lines = {s.text: s.span for s in formats.read(tmp_path / "out" / "tape.eaf").segments}
    assert list(lines) == list(LINES), "a tier of comments holds no lines, and nobody has to say so"
    moved = EafFile.from_bytes((tmp_path / "out" / "tape.tiers.eaf").read_bytes())
    assert {a.text: a.span for a in moved.annotations("tx")} == lines
    assert [(a.text, a.span) for a in moved.annotations("ge")] == [(f"gloss {k}", lines[line]) for k, line in enumerate(LINES)]
    assert cli.run([*asked, "--tier", "none"]) == 1 and "TEXT_TIER" in capsys.readouterr().err
    assert cli.run([*asked, "--force", "--units", "lines"]) == 0 and cli.run([*asked, "--format", "csv"]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "tape.1.eaf",
        "tape.csv",
        "tape.eaf",
        "tape.tiers.1.eaf",
        "tape.tiers.eaf",
    ]


def test_a_language_without_an_adapter_is_heard_through_another_and_it_is_said(
    session: tuple[Path, list[tuple[float, float]]], model: Recogniser, tmp_path: Path
) -> None:
    """Swahili written by another hand: letters that the recogniser has not learnt."""
    recording, times = session
    text = tmp_path / "notebook.txt"
    text.write_text("\n".join(LINES).replace("sh", "ʃ").replace("e", "ɛ").replace("ch", "c"), encoding="utf-8")
    old = read_old(text)
    through = through_of(model, "lin", old)
    assert through in model.languages() and through_of(model, "swh", old) == "swh"
    made = align(recording, old, language="lin", model=model, context=CONTEXT, through="swh")
    assert made.through == "swh" and "ALIGN_MAPPED" in {f.code for f in made.findings}
    for segment, (start, _) in zip(made.transcript.segments, times, strict=True):
        assert abs(segment.span.start_ms / 1000 - start) < 0.3
    with pytest.raises(ModelRefused):
        through_of(model, "zho", read_old(_written(tmp_path / "z.txt", "123 456 789")))


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_letters_become_the_nearest_and_what_has_no_sound_is_counted(model: Recogniser) -> None:
    model.use("swh")
    alphabet = Alphabet(model, "lin", "swh")
    symbols = model.symbols("swh")
    assert [symbols[n] for n in alphabet.symbols("Ɓɔ́ŋ,")] == ["b", "o", "n", "g"]
    assert alphabet.symbols("123") == [] and alphabet.lost == {"1": 1, "2": 1, "3": 1}
    assert dict(alphabet.mapped) == {("ɓ", "b"): 1, ("ɔ́", "o"): 1, ("ŋ", "ng"): 1}
    model.use("amh")
    assert len(Alphabet(model, "amh").symbols("ሰላም")) == 5 and languages.load("amh").rule == "ethiopic"


def test_letters_join_to_the_written_words_and_stand_inside_them(
    session: tuple[Path, list[tuple[float, float]]], model: Recogniser, tmp_path: Path
) -> None:
    never = "Serikali imetangaza bajeti mpya ya taifa kwa mwaka ujao wa fedha"
    text = read_old(_written(tmp_path / "notebook.txt", "\n".join([*LINES, never])))
    by_words = align(session[0], text, language="swh", model=model, context=CONTEXT).transcript
    by_letters = align(session[0], text, language="swh", model=model, context=CONTEXT, settings=Settings(units="letters")).transcript
    assert [s.span for s in by_letters.segments] == [s.span for s in by_words.segments]
    for line, segment in zip(by_words.segments, by_letters.segments, strict=True):
        assert "".join(w.text + w.separator for w in segment.words).strip() == segment.text == line.text
        letters = list(segment.words)
        for word in line.words:
            own, spelt = [], ""
            while spelt != word.text:
                own.append(letters.pop(0))
                spelt += own[-1].text
            assert word.span and own[0].span and own[-1].span and len(own) == len(word.text.rstrip(",."))
            assert (own[0].span.start_ms, own[-1].span.end_ms) == (word.span.start_ms, word.span.end_ms)
            assert [w.separator for w in own] == [""] * (len(own) - 1) + [word.separator]
            assert all(a.span and b.span and a.span.end_ms == b.span.start_ms for a, b in itertools.pairwise(own))
            assert np.exp(np.mean(np.log([max(w.confidence or 0, 1e-3) for w in own]))) == pytest.approx(word.confidence or 1e-3, abs=0.02)
    lengths = [w.span.length_ms for s in by_letters.segments[:-1] for w in s.words if w.span]
    assert np.median(lengths) > 30 and len(set(lengths)) > 5, "measured, not divided evenly"
    for suffix in (".eaf", ".TextGrid", ".csv"):
        formats.save(by_letters, tmp_path / f"letters{suffix}")
        assert [s.text for s in formats.read(tmp_path / f"letters{suffix}").segments] == [s.text for s in by_letters.segments]
    back = formats.read(tmp_path / "letters.eaf")
    assert [w.text for w in back.segments[0].words] == [w.text for w in by_letters.segments[0].words]


def test_signs_stand_with_a_letter_and_a_word_that_changes_alone_is_one_piece(model: Recogniser) -> None:
    model.use("swh")
    alphabet = Alphabet(model, "swh")
    assert alphabet.written("«Rafiki,»") == [("«R", 1), ("a", 1), ("f", 1), ("i", 1), ("k", 1), ("i,»", 1)]
    assert alphabet.written("ng'ombe")[1] == ("g'", 2)
    assert alphabet.written("7") == [("7", len("saba"))] and Alphabet(model, "lin", "swh").written("7") == [("7", 0)]
    assert not alphabet.lost and not alphabet.mapped
    model.use("amh")
    assert Alphabet(model, "amh").written("ሰላም።") == [("ሰ", 2), ("ላ", 2), ("ም።", 1)]


def test_numbers_are_heard_as_they_are_said_where_the_languages_table_tells_how(model: Recogniser) -> None:
    model.use("swh")
    alphabet = Alphabet(model, "swh")
    assert alphabet.symbols("15") == alphabet.symbols("kumi") + alphabet.symbols("na") + alphabet.symbols("tano") and not alphabet.lost
    without = Alphabet(model, "lin", "swh")
    assert [without.unheard(word) for word in ("2020,", "mokolo", "«")] == [24, 0, 0] and not without.lost


def test_lines_of_old_files_of_several_kinds(tmp_path: Path) -> None:
    plain = read_old(_written(tmp_path / "a.txt", "\ufeffOne  two\r\n\r\n  three.\r\n"))
    assert [(line.number, line.text) for line in plain.lines] == [(1, "One  two"), (3, "three.")] and not plain.timed
    assert [w.separator for w in plain.lines[0].words] == ["  ", " "]
    srt = read_old(
        _written(tmp_path / "b.srt", "1\n00:00:01,000 --> 00:00:02,000\nhello there\n\n2\n00:00:00,100 --> 00:00:00,900\nfirst\n")
    )
    assert [line.text for line in srt.lines] == ["first", "hello there"] and srt.timed
    padded = Transcript(segments=(Segment(span=Span(start_ms=0, end_ms=90), text=" hello  there "),))
    formats.save(padded, tmp_path / "c.eaf")
    assert [line.text for line in read_old(tmp_path / "c.eaf").lines] == ["hello  there"], "words must spell their line"
    with pytest.raises(TextRefused) as caught:
        read_old(_written(tmp_path / "c.txt", " \n\n"))
    assert caught.value.code == "TEXT_EMPTY"


def test_a_file_of_ours_is_read_as_a_whole_by_the_command_and_keeps_its_points(
    session: tuple[Path, list[tuple[float, float]]], tmp_path: Path
) -> None:
    lines = tuple(Segment(span=Span(start_ms=100 * k, end_ms=100 * k + 90), text=line, speaker="Ana") for k, line in enumerate(LINES))
    formats.save(Transcript(segments=lines, points=(Point(time_ms=5, label="page 1", tier="pages"),)), tmp_path / "old.eaf")
    asked = ["align", str(session[0]), str(tmp_path / "old.eaf"), "-l", "swh", "-o", str(tmp_path / "out"), "--threads", "1"]
    assert cli.run(asked) == 0
    found = formats.read(tmp_path / "out" / "tape.eaf")
    assert [s.text for s in found.segments] == list(LINES) and [p.label for p in found.points] == ["page 1"]


def test_the_command_writes_an_eaf_says_what_it_found_and_leaves_it_the_second_time(
    session: tuple[Path, list[tuple[float, float]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = _written(tmp_path / "notebook.txt", "\n".join([*LINES, "Ⅻ §"]))
    asked = ["align", str(session[0]), str(text), "--language", "swh", "--out", str(tmp_path / "out"), "--threads", "1"]
    assert cli.run([*asked, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["ok"] and [line["words"] for line in row["lines"]][-1] == 2 and len(row["lines"]) == 6
    codes = {f["code"] for f in row["findings"]}
    assert {"ALIGN_UNSAID", "ALIGN_LOST"} <= codes and "6" in next(f["what"] for f in row["findings"] if f["code"] == "ALIGN_UNSAID")
    read = formats.read(tmp_path / "out" / "tape.eaf")
    assert [s.text for s in read.segments][:5] == list(LINES) and read.segments[0].words
    assert cli.run(asked) == 0 and "unchanged" in capsys.readouterr().err
    assert cli.run([*asked, "--units", "lines"]) == 1 and "FORMAT_EXISTS" in capsys.readouterr().err
    assert cli.run(["align", str(session[0]), str(text)]) == 2
    assert cli.run(["align", str(session[0]), str(tmp_path / "no.txt"), "--language", "swh"]) == 1
