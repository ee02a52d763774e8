"""`speech diarise` on the command line: where results go, what is printed, what is asked wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech import cli, formats
from speech.collections.ledger import rows_of
from speech.diarise import Diariser
from tests.diarise.fakes import Fake, FakeVoices, axis, carded, turn
from tests.sounds import RATE, noise, save, silence, spoken

Use = Callable[[Diariser], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Whatever --diariser says, this engine answers."""
    return lambda engine: monkeypatch.setattr("speech.diarise.engines.load", lambda name, trust: engine)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return save(tmp_path / "tape.wav", noise(6))


TURNS = (turn(500, 3_000, margin=0.5), turn(2_000, 4_000, "S2"))


def run(*arguments: object, status: int = 0) -> None:
    assert cli.run(["diarise", *map(str, arguments)]) == status


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_rttm_goes_to_the_screen_and_overlap_with_it(tape: Path, use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(Fake(*TURNS))
    run(tape)
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "SPEAKER tape 1 0.500 2.500 <NA> <NA> S1 <NA> <NA>",
        "SPEAKER tape 1 2.000 2.000 <NA> <NA> S2 <NA> <NA>",
    ]
    assert "2 speakers in 2 turns, 1.0 s spoken at once" in said.err and "[OK_UNCARDED]" in said.err


def test_an_object_a_recording_with_turns_margins_and_every_millisecond(tape: Path, use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(Fake(*TURNS))
    run(tape, "--json")
    (row,) = rows(capsys)
    assert list(row)[:4] == ["path", "ok", "turns", "speakers"] and {"coverage", "outputs", "findings", "duration_ms"} <= set(row)
    assert row["turns"] == [
        {"start_ms": 500, "end_ms": 3_000, "speaker": "S1", "margin": 0.5},
        {"start_ms": 2_000, "end_ms": 4_000, "speaker": "S2", "margin": None},
    ]
    assert row["speakers"] == [{"speaker": s, "person": None, "channel": None} for s in ("S1", "S2")]
    assert (row["duration_ms"], row["coverage"]["transcribed_ms"], row["outputs"]) == (6_000, 3_500, [])


def test_a_folder_keeps_its_order_below_out_and_the_ledger_has_a_row_each(tmp_path: Path, use: Use) -> None:
    for name in ("tapes/a.wav", "tapes/second/b.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / name, noise(1, seed=len(name)))
    (tmp_path / "tapes" / "broken.wav").write_bytes(b"")
    use(Fake(turn(0, 500)))
    run(tmp_path / "tapes", "-o", tmp_path / "out", status=1)
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")) == ["a.rttm", "second/b.rttm"]
    found = [row.event for row in rows_of("diarise")]
    assert sorted(row["outcome"] for row in found) == ["failure", "success", "success"]
    assert {row["gate"]["scope"] for row in found} == {"diarise"}
    assert {used["kind"] for row in found if row["outcome"] == "success" for used in row["used"]} == {"recording", "model"}


@pytest.mark.parametrize("name", formats.names())
def test_every_format_holds_the_turns_or_says_what_it_loses(tape: Path, use: Use, tmp_path: Path, name: str) -> None:
    use(Fake(*TURNS))
    run(tape, "-o", tmp_path / "out", "-f", name)
    (path,) = (tmp_path / "out").iterdir()
    found = formats.read(path, format=name)
    if name != "txt":
        assert [(s.span.start_ms, s.span.end_ms, s.speaker) for s in found.segments] == [(500, 3_000, "S1"), (2_000, 4_000, "S2")]
    margins = [s.speaker_margin for s in found.segments]
    assert margins == ([0.5, None] if name in ("json", "eaf", "textgrid", "csv_words") else [None, None])
    assert {s.text for s in found.segments} <= {"", "…", "S1: …", "S2: …"}


def test_the_same_again_is_no_fault_another_result_is_and_force_keeps_the_old(
    tape: Path, use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, engine = tmp_path / "out", Fake(*TURNS)
    use(engine)
    run(tape, "-o", out)
    run(tape, "-o", out, "--json")
    (row,) = rows(capsys)
    assert row["unchanged"] and len(row["turns"]) == 2 and len(engine.counts) == 1, "the second time nothing was heard"
    first = (out / "tape.rttm").read_bytes()
    run(tape, "-o", out, "--speakers", "3", status=1)
    said = capsys.readouterr().err
    assert "[FORMAT_EXISTS]" in said and "--force" in said and (out / "tape.rttm").read_bytes() == first
    (out / "tape.rttm").write_text("by hand", encoding="utf-8")
    run(tape, "-o", out, "--force")
    assert (out / "tape.rttm").read_bytes() == first and (out / "tape.1.rttm").read_text(encoding="utf-8") == "by hand"


def test_a_transcript_that_lies_there_is_not_taken_for_turns(
    tape: Path, use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Fake(*TURNS))
    assert cli.run(["transcribe", str(tape), "-l", "und", "-f", "eaf", "-o", str(tmp_path / "out")]) == 0
    before = (tmp_path / "out" / "tape.eaf").read_bytes()
    run(tape, "-f", "eaf,rttm", "-o", tmp_path / "out", status=1)
    assert "[FORMAT_EXISTS]" in capsys.readouterr().err
    assert (tmp_path / "out" / "tape.eaf").read_bytes() == before and (tmp_path / "out" / "tape.rttm").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--speakers", "none"], "SPEAKERS"),
        (["--speakers", "2", "--channels", "per-speaker"], "SPEAKERS"),
        (["--known", "Maria"], "SPEAKERS"),
        (["--channels", "one"], "CHANNELS"),
        (["--format", "mp3"], "FORMAT_UNKNOWN"),
        (["--format", "rttm,json"], "FORMAT_SEVERAL"),
        (["--wav"], "FORMAT_SEVERAL"),
    ],
)
def test_a_wrong_command_is_said_before_anything_is_read(
    tape: Path, use: Use, arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Fake(*TURNS)
    use(engine)
    run(tape, *arguments, status=2)
    assert f"[{code}]" in capsys.readouterr().err and engine.counts == []


def test_channels_by_number_are_mixed_as_in_transcribe(tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    sound = np.stack([noise(2), noise(2, seed=1), silence(2)], 1)
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    use(Fake(turn(0, 500)))
    for channels, code in (("1,2", 0), ("9", 1), ("mix", 0)):
        run(tmp_path / "a.wav", "--channels", channels, "--json", status=code)
    found = rows(capsys)
    assert found[1]["code"] == "AUDIO_CHANNELS" and found[0]["turns"] == found[2]["turns"]


def test_a_known_person_is_named_by_code_beside_the_label(tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    carded(tmp_path, {"EX1-001": ("granted", '"LOCAL", "voiceprint"')})
    save(tmp_path / "a.wav", noise(2))
    clip = save(tmp_path / "clip.wav", spoken("Kayaka tukuy mashikunawan."))
    known = ["--known", f"EX1-001={clip}"]
    use(FakeVoices(turn(0, 500), turn(500, 1_900, "S2"), voices={"S1": axis(1), "S2": axis(0)}))
    run(tmp_path / "a.wav", *known, "--json", "-o", tmp_path / "out", "-f", "json,rttm")
    said = capsys.readouterr()
    (row,) = map(json.loads, said.out.splitlines())
    assert [(s["speaker"], s["person"]) for s in row["speakers"]] == [("S1", None), ("S2", "EX1-001")]
    assert [t["speaker"] for t in row["turns"]] == ["S1", "S2"] and "known: EX1-001" in said.err
    assert [s.person for s in formats.read(tmp_path / "out" / "a.json").speakers] == [None, "EX1-001"]
    assert {row.event["gate"]["scope"] for row in rows_of("diarise")} <= {"diarise", "voiceprint"}
    use(Fake(turn(0, 500)))
    run(tmp_path / "a.wav", *known, status=2)
    assert "[SPEAKERS]" in capsys.readouterr().err, "an engine without voices is said, not passed over"


def test_links_are_proposed_for_people_for_programs_and_as_a_table(tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    carded(tmp_path, {"EX1-001": ("granted", '"LOCAL", "voiceprint"')})
    for name in ("a", "b"):
        save(tmp_path / f"{name}.wav", noise(2, seed=ord(name)))
    lines = [f'{{"id":"{n}","audio":"{n}.wav","language":"que","speaker":"EX1-001"}}\n' for n in ("a", "b")]
    (tmp_path / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    use(FakeVoices(turn(0, 500), turn(500, 1_900), voices={"S1": axis(0)}))
    for _ in range(2):  # what lies there does not hinder that voices are compared again
        run(tmp_path / "a.wav", tmp_path / "b.wav", "--link", "--json", "-o", tmp_path / "out")
        said = capsys.readouterr()
        *_, last = map(json.loads, said.out.splitlines())
        (link,) = last["links"]
        assert last["ok"] and last["outputs"] == [str(tmp_path / "out" / "links.csv")]
        assert [(Path(m["path"]).name, m["speaker"], m["start_ms"], m["end_ms"]) for m in link["members"]] == [
            ("a.wav", "S1", 500, 1_900),
            ("b.wav", "S1", 500, 1_900),
        ]
        assert "perhaps one person" in said.err and "write yes or no" in said.err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.rttm", "b.rttm", "links.csv"]
    (tmp_path / "out" / "links.csv").write_text("a person's answers", encoding="utf-8")
    run(tmp_path / "a.wav", tmp_path / "b.wav", "--link", "-o", tmp_path / "out", status=1)
    said = capsys.readouterr()
    assert "[FORMAT_EXISTS]" in said.err and "perhaps one person" in said.err
    assert (tmp_path / "out" / "links.csv").read_text(encoding="utf-8") == "a person's answers"
