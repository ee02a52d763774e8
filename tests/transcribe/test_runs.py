"""Runs over folders: where results go, what an earlier run left, and that nothing finished is heard again."""

from __future__ import annotations

import importlib
import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speech import cli, formats
from speech.audio.folders import recordings_in
from speech.formats import read
from speech.types import Segment, Span
from tests.sounds import SENTENCES, save, silence, spoken

HEARD: list[str] = []


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger of the test's own, and a list of what is heard."""
    runs: Any = importlib.import_module("speech.transcribe.runs")

    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "ledger.db"))
    HEARD.clear()
    real = runs.transcribe

    def noted(recording: Path, **options: Any) -> Any:
        HEARD.append(recording.name)
        return real(recording, **options)

    monkeypatch.setattr(runs, "transcribe", noted)


def tapes(folder: Path, *names: str) -> Path:
    """Short silent recordings, each of its own length, under these names."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save(folder / "made.wav", silence(0.5 + 0.1 * number)).rename(path)
    return folder


def run(*arguments: object, status: int = 0) -> None:
    assert cli.run(["transcribe", *map(str, arguments), "-l", "und"]) == status


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# Folders.


def test_a_folder_stands_for_its_recordings_and_keeps_its_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav", "day 2/b.wav", "day 2/deep/c.wav", ".hidden.wav", "day 2/._b.wav")
    (folder / "notes.txt").write_text("hm", encoding="utf-8")
    (folder / "day 2" / "b.pfsx").write_text("<xml/>", encoding="utf-8")
    run(folder, "-o", tmp_path / "out")
    assert files(tmp_path / "out") == ["a.eaf", "day 2/b.eaf", "day 2/deep/c.eaf"]
    said = capsys.readouterr().err
    assert said.count("2 other files in the folders passed over: ") == 1 and "1 .txt" in said and "1 .pfsx" in said
    assert read(tmp_path / "out" / "day 2" / "b.eaf").recording.path.endswith("tapes/day 2/b.wav")


def test_what_promises_sound_is_refused_by_name_and_what_is_sound_is_found_by_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav", "take.dat")
    (folder / "broken.wav").write_bytes(b"")
    (folder / "link.mp3").symlink_to("nowhere.mp3")
    run(folder, "-o", tmp_path / "out", status=1)
    assert files(tmp_path / "out") == ["a.eaf", "take.eaf"]
    said = capsys.readouterr().err
    assert "broken.wav" in said and "AUDIO_EMPTY" in said and "PATH_LINK" in said
    assert "4 recordings: 2 transcribed, 2 refused" in said


def test_results_in_the_folder_itself_are_no_recordings(tmp_path: Path) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav")
    run(folder, "-o", folder)
    run(folder, "-o", folder / "out")
    run(folder, "-o", folder / "out")
    assert files(folder) == ["a.eaf", "a.wav", "out/a.eaf"]


def test_several_folders_have_their_own_below_out(tmp_path: Path) -> None:
    one, two = tapes(tmp_path / "one", "a.wav"), tapes(tmp_path / "two", "a.wav")
    run(one, two, "-o", tmp_path / "out")
    assert files(tmp_path / "out") == ["one/a.eaf", "two/a.eaf"]


def test_folders_in_a_circle_end(tmp_path: Path) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav")
    (folder / "again").symlink_to(folder)
    assert [p.name for p in recordings_in(folder).recordings] == ["a.wav"]


@pytest.mark.parametrize("holds", ["nothing", "no recording"])
def test_a_folder_without_recordings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], holds: str) -> None:
    (tmp_path / "tapes").mkdir()
    if holds == "no recording":
        (tmp_path / "tapes" / "a.txt").write_text("hm", encoding="utf-8")
    run(tmp_path / "tapes", "-o", tmp_path / "out", "--json", status=1)
    assert [(r["code"], r["what"]) for r in rows(capsys.readouterr().out)] == [("PATH_NO_RECORDING", f"this folder holds {holds}")]
    assert not (tmp_path / "out").exists()


def test_a30_a_pipe_and_a_socket_are_no_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "socket.wav"))
        run(tmp_path / "pipe.wav", tmp_path / "socket.wav", "/dev/zero", "--json", status=1)
        assert [r["code"] for r in rows(capsys.readouterr().out)] == ["PATH_NOT_FILE"] * 3
        # In a folder they are no recordings either, and are not opened.
        run(tmp_path, "-o", tmp_path / "out", status=1)


# A master and its proxy.


@pytest.mark.parametrize("runs", [1, 2])
def test_a_master_and_its_proxy_keep_their_suffix(tmp_path: Path, runs: int) -> None:
    folder = tapes(tmp_path / "tapes", "x.wav", "x.mp3", "y.wav")
    out = tmp_path / "out"
    if runs == 1:
        run(folder / "x.wav", folder / "x.mp3", folder / "y.wav", "-o", out)
    else:
        for name in ("x.wav", "x.mp3", "y.wav"):
            run(folder / name, "-o", out)
    assert files(out) == ["x.mp3.eaf", "x.wav.eaf", "y.eaf"]


@pytest.mark.parametrize("runs", [1, 2])
def test_a_proxy_from_another_folder_takes_no_place(tmp_path: Path, runs: int) -> None:
    tapes(tmp_path, "masters/x.wav", "proxies/x.mp3")
    out = tmp_path / "out"
    if runs == 1:
        run(tmp_path / "masters" / "x.wav", tmp_path / "proxies" / "x.mp3", "-o", out, "-f", "eaf,srt")
        assert files(out) == ["x.mp3.eaf", "x.mp3.srt", "x.wav.eaf", "x.wav.srt"]
    else:
        run(tmp_path / "masters" / "x.wav", "-o", out, "-f", "eaf,srt")
        run(tmp_path / "proxies" / "x.mp3", "-o", out, "-f", "eaf,srt")
        run(tmp_path / "proxies" / "x.mp3", "-o", out, "-f", "eaf,srt")
        assert files(out) == ["x.eaf", "x.mp3.eaf", "x.mp3.srt", "x.srt"]
        assert HEARD == ["x.wav", "x.mp3"]


# What an earlier run left.


def test_a_second_run_goes_on_where_the_first_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav", "b.wav")
    out = tmp_path / "out"
    run(folder / "a.wav", "-o", out, "-f", "eaf,txt,srt,csv")
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.iterdir()}
    HEARD.clear()
    capsys.readouterr()
    run(folder, "-o", out, "-f", "eaf,txt,srt,csv", "--json")
    assert HEARD == ["b.wav"]
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in before} == before
    said = capsys.readouterr()
    assert "a.wav: unchanged" in said.err and "2 recordings: 1 transcribed, 1 unchanged, 0 refused" in said.err
    by_path = {Path(r["path"]).name: r for r in rows(said.out)}
    assert by_path["a.wav"]["unchanged"] is True and by_path["a.wav"]["ok"] is True
    assert by_path["a.wav"]["duration_ms"] == 500 and len(by_path["a.wav"]["outputs"]) == 4
    assert "unchanged" not in by_path["b.wav"]


def test_a_format_that_is_missing_is_written_beside_those_that_are_there(tmp_path: Path) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav")
    run(folder, "-o", tmp_path / "out")
    run(folder, "-o", tmp_path / "out", "-f", "eaf,srt")
    assert files(tmp_path / "out") == ["a.eaf", "a.srt"]


@pytest.mark.parametrize("change", ["recording", "settings", "edited", "foreign"])
def test_what_is_in_the_way_is_found_before_a_sample_is_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav")
    out = tmp_path / "out"
    more: list[object] = []
    if change == "foreign":
        out.mkdir()
        (out / "a.eaf").write_bytes(b"somebody's")
    else:
        run(folder, "-o", out)
    if change == "recording":
        save(folder / "a.wav", silence(2))
    elif change == "settings":
        more = ["--chunk", "30"]
    elif change == "edited":
        corrected = replace(read(out / "a.eaf"), segments=(Segment(span=Span(start_ms=0, end_ms=400), text="kay"),))
        (out / "a.eaf").write_bytes(formats.by_name("eaf").render(corrected))
    before = (out / "a.eaf").read_bytes()
    HEARD.clear()
    capsys.readouterr()
    run(folder, "-o", out, *more, status=1)
    said = capsys.readouterr().err
    assert HEARD == [] and "[FORMAT_EXISTS]" in said and "a.1.eaf" in said
    assert ("changed since it was written" in said) == (change == "edited")
    assert ("an earlier run wrote this" in said) == (change in ("recording", "settings"))
    assert files(out) == ["a.eaf"] and (out / "a.eaf").read_bytes() == before
    # The other formats are written all the same.
    run(folder, "-o", out, "-f", "eaf,txt", *more, status=1)
    assert files(out) == ["a.eaf", "a.txt"] and (out / "a.eaf").read_bytes() == before
    # With --force the old file is kept under a name that ELAN opens.
    run(folder, "-o", out, *more, "--force")
    assert files(out) == ["a.1.eaf", "a.eaf", "a.txt"] and (out / "a.1.eaf").read_bytes() == before
    assert "a.1.eaf" in capsys.readouterr().err


def test_without_a_ledger_the_same_again_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav")
    run(folder, "-o", tmp_path / "out", "-f", "eaf,txt")
    for other in ("another.db", "/proc/no-such-place/ledger.db"):
        monkeypatch.setenv("SPEECH_STORE", str(tmp_path / other))
        HEARD.clear()
        run(folder, "-o", tmp_path / "out", "-f", "eaf")
        assert HEARD == ["a.wav"]


def test_a_withdrawn_recording_is_refused_though_its_result_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from speech.collections import consent
    from speech.errors import ConsentRefused

    folder = tapes(tmp_path / "tapes", "a.wav")
    run(folder, "-o", tmp_path / "out")

    def refuse(*_: object, **__: object) -> None:
        raise ConsentRefused("a.wav", "withdrawn", "Ask", "WITHDRAWN", scope="transcribe_local", item="a.wav")

    monkeypatch.setattr(consent, "require", refuse)
    run(folder, "-o", tmp_path / "out", status=1)
    assert "[WITHDRAWN]" in capsys.readouterr().err


def test_a_file_is_written_as_soon_as_its_recording_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: Any = importlib.import_module("speech.transcribe.runs")

    folder = tapes(tmp_path / "tapes", "a.wav", "b.wav", "c.wav")
    out = tmp_path / "out"
    noted = runs.transcribe

    def last_waits(recording: Path, **options: Any) -> Any:
        if recording.name == "b.wav":
            for _ in range(3000):
                if (out / "a.eaf").exists() and (out / "c.eaf").exists():
                    return noted(recording, **options)
                options["progress"]("reading", 0, 1)
                import time

                time.sleep(0.01)
            raise AssertionError("the others were not written")
        return noted(recording, **options)

    monkeypatch.setattr(runs, "transcribe", last_waits)
    run(folder, "-o", out)
    assert files(out) == ["a.eaf", "b.eaf", "c.eaf"]


# What it prints.


def test_one_recording_is_told_in_one_line_and_more_with_verbose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from speech.cli.account import clock

    path = save(tmp_path / "story.wav", spoken(*SENTENCES))
    out = tmp_path / "out"
    assert cli.run(["transcribe", str(path), "-l", "QUE", "-o", str(out), "-f", "EAF,TextGrid"]) == 0
    said = capsys.readouterr().err
    transcript = read(out / "story.eaf")
    assert transcript.coverage is not None
    words = sum(len(s.words) for s in transcript.segments)
    first = said.splitlines()[0]
    assert first.startswith(f"{path}: {clock(transcript.coverage.duration_ms)} long, {clock(transcript.coverage.speech_ms)} of it speech, ")
    assert f"{words} words (about " in first and first.endswith(f"-> {out / 'story.eaf'}, {out / 'story.TextGrid'}")
    assert "silence" not in said and "consent: no consent card; basis: own use on this machine" in said
    assert cli.run(["transcribe", str(path), "-l", "que", "-o", str(tmp_path / "two"), "--verbose"]) == 0
    said = capsys.readouterr().err
    assert " = speech " in said and " + silence " in said and "seconds: reading " in said


def test_what_recordings_have_in_common_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav", "b.wav", "c.wav")
    run(folder, "-o", tmp_path / "out", "-f", "txt,csv")
    said = capsys.readouterr().err
    assert said.count("[FORMAT_LOSS]") == 2  # one a format
    assert said.count("[AUDIO_SILENT]") == 1 and "a.wav and 2 more: it is silent" in said
    assert said.count("AUDIO_SILENT") == 4  # and its code in each recording's line
    assert said.count("consent: ") == 1 and "3 recordings without a consent card" in said


def test_a_commercial_purpose_is_not_called_own_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tapes(tmp_path / "tapes", "a.wav"), "-o", tmp_path / "out", "--purpose", "commercial")
    said = capsys.readouterr().err
    assert "basis: commercial use on this machine" in said and "own use" not in said


def test_a_recording_that_is_all_speech_leaves_no_millisecond(tmp_path: Path) -> None:
    """At 44.1 kHz the length in milliseconds is rounded twice: one was left as silence."""
    import numpy as np
    import soundfile

    from speech.audio import load
    from speech.models.activity import ActivitySettings, segments

    for frames in (44_100 + 31, 44_100 + 40, 48_000 + 7):
        path = tmp_path / f"{frames}.wav"
        soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, frames), 44_100)
        with load(path) as signal:
            probabilities = np.ones(1 + signal.length_samples // 512, np.float32)
            found = segments(probabilities, signal.probe.found_ms, ActivitySettings())
            assert sum(s.length_ms for s in found) == signal.duration_ms


def test_a_bar_of_a_run_counts_recordings_by_length_and_leaves_out_the_unchanged() -> None:
    from speech.cli.progress import RunBar

    bar = RunBar(["a", "b", "c"], lambda: [1000, 3000, 6000])
    assert bar.part() == 0
    bar.settled(0)
    assert bar.part() == pytest.approx(0.1)
    bar.of(1, "recognising", 1, 2)
    assert bar.part() == pytest.approx((1000 + 3000 * 0.65) / 10_000)
    bar.settled(2, heard=False)
    assert bar.part() == pytest.approx((1000 + 3000 * 0.65) / 4000)
    bar.settled(1)
    assert bar.part() == 1


def test_a_wav_is_given_beside_the_eaf_where_the_recording_is_none(tmp_path: Path) -> None:
    import numpy as np
    import soundfile
    from lxml import etree

    folder = tmp_path / "tapes"
    folder.mkdir()
    soundfile.write(folder / "a.flac", spoken(*SENTENCES), 16_000)
    tapes(folder, "b.wav")
    out = tmp_path / "out"
    run(folder, "-o", out, "--wav")
    assert files(out) == ["a.eaf", "a.wav", "b.eaf"]
    copy, rate = soundfile.read(out / "a.wav")
    master, _ = soundfile.read(folder / "a.flac")
    assert rate == 16_000 and len(copy) == len(master) and np.abs(copy - (master - master.mean())).max() < 1e-3
    media = etree.parse(out / "a.eaf").getroot().findall("HEADER/MEDIA_DESCRIPTOR")
    assert [(m.get("RELATIVE_MEDIA_URL"), m.get("MIME_TYPE"), m.get("EXTRACTED_FROM")) for m in media] == [
        ("../tapes/a.flac", "audio/flac", None),
        ("./a.wav", "audio/x-wav", "../tapes/a.flac"),
    ]
    found = read(out / "a.eaf").recording
    assert Path(found.path) == folder / "a.flac" and Path(found.wav) == out / "a.wav"
    HEARD.clear()
    run(folder, "-o", out, "--wav")
    assert HEARD == []


def test_a_wav_that_we_made_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Results beside the recordings: a second run took the WAVs of the first for recordings."""
    import soundfile

    folder = tmp_path / "field"
    folder.mkdir()
    soundfile.write(folder / "a.flac", silence(1), 16_000)
    for _ in range(3):
        run(folder, "-o", folder, "--wav")
    assert files(folder) == ["a.eaf", "a.flac", "a.wav"] and HEARD == ["a.flac"]
    # Named by itself it is heard like any other.
    run(folder / "a.wav", "-o", tmp_path / "out")
    assert HEARD == ["a.flac", "a.wav"]


def test_a_wav_can_be_asked_for_afterwards(tmp_path: Path) -> None:
    import soundfile

    folder = tmp_path / "field"
    folder.mkdir()
    soundfile.write(folder / "a.flac", silence(1), 16_000)
    out = tmp_path / "out"
    run(folder, "-o", out, "-f", "eaf,json")
    for more in (["--wav"], [], ["--wav"]):
        run(folder, "-o", out, "-f", "eaf,json", *more)
        assert files(out) == ["a.eaf", "a.json", "a.wav"] and HEARD == ["a.flac"]
        assert Path(read(out / "a.eaf").recording.wav) == Path(read(out / "a.json").recording.wav) == out / "a.wav"


def test_a_wav_of_others_is_neither_replaced_nor_named_and_one_of_ours_is_made_anew(tmp_path: Path) -> None:
    import soundfile

    folder, out = tmp_path / "field", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    soundfile.write(folder / "a.flac", silence(1), 16_000)
    (out / "a.wav").write_bytes(b"somebody's")
    run(folder, "-o", out, "--wav")
    assert (out / "a.wav").read_bytes() == b"somebody's" and read(out / "a.eaf").recording.wav == ""
    (out / "a.wav").unlink()
    for seconds in (1, 2):  # copied again from the recorder: the WAV is of the sound that the EAF is of
        soundfile.write(folder / "a.flac", silence(seconds), 16_000)
        run(folder, "-o", out, "--wav", "--force")
        assert soundfile.info(out / "a.wav").frames == 16_000 * seconds
    assert Path(read(out / "a.eaf").recording.wav) == out / "a.wav"


def test_formats_can_be_given_one_by_one_and_times_are_shown_without_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "story.wav", spoken(*SENTENCES))
    run(path, "-o", tmp_path / "out", "-f", "eaf", "-f", "srt")
    assert files(tmp_path / "out") == ["story.eaf", "story.srt"]
    capsys.readouterr()
    run(path)
    said = capsys.readouterr().out
    assert said.lstrip("\ufeff").startswith("start_ms,end_ms,") and len(said.splitlines()) > 1
    run(path, "--wav", status=2)


def test_a_run_in_which_results_were_kept_says_how_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tapes(tmp_path / "tapes", "a.wav", "b.wav")
    run(folder, "-o", tmp_path / "out", "-f", "txt,eaf")
    (tmp_path / "out" / "a.txt").write_text("by hand", encoding="utf-8")
    capsys.readouterr()
    run(folder, "-o", tmp_path / "out", "-f", "txt,eaf", status=1)
    assert "2 recordings: 0 transcribed, 2 unchanged, 0 refused, of 1 a result was kept that lay there" in capsys.readouterr().err


def test_the_times_of_a_wav_are_those_of_the_transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import soundfile

    from speech.audio import copies, load

    save(tmp_path / "a.wav", spoken(*SENTENCES))
    plain, _ = soundfile.read(tmp_path / "a.wav")
    for offset in (250, -250):

        def shifted(path: Path, settings: object = None, offset: int = offset) -> Any:
            signal = load(path)
            signal.probe = replace(signal.probe, offset_ms=offset)
            return signal

        monkeypatch.setattr(copies, "load", shifted)
        copies.write_wav(tmp_path / "a.wav", tmp_path / "copy.wav")
        copy, _ = soundfile.read(tmp_path / "copy.wav")
        moved = np.concatenate([np.zeros(4000), plain]) if offset > 0 else plain[4000:]
        assert len(copy) == len(moved) and np.abs(copy - moved).max() < 1e-2
