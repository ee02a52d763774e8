"""A new language is learnt from a folder's clips: the gate is asked, the base stays as it is, a resumed run equals an unbroken one."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from speech import formats
from speech.adapt import AdaptSettings, Clip, Material, adapt, gather
from speech.adapt.batches import Batches
from speech.adapt.compare import judged_by
from speech.adapt.dev import Piece, dev_of
from speech.adapt.donors import ranked
from speech.adapt.learner import BLANK, SPECIAL, Learner, Mode
from speech.adapt.material import split_of
from speech.adapt.run import finish, judged
from speech.collections import answers
from speech.errors import ConsentRefused, ManifestRefused, ModelRefused, TextRefused, TrainingFailure
from speech.models.checkpoint import Checkpoint, open_checkpoint
from speech.models.hub import mini_folder
from speech.models.recogniser import CtcRecogniser
from speech.types import Segment, Span, Transcript
from tests.adapt.sources import CONTEXT, settings
from tests.sounds import SENTENCES


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return open_checkpoint(mini_folder())


def test_dev_is_split_off_by_session_and_said(material: Material) -> None:
    assert not {c.session for c in material.train} & {c.session for c in material.dev}
    assert len(material.train) + len(material.dev) == 12 and material.split_by == "whole sessions, 1 of 4"
    assert material.symbols == tuple(sorted({s for c in material.train for s in c.symbols}))
    assert material.records == ("field:1", "field:community-1")


def test_dev_has_other_speakers_where_sessions_share_none() -> None:
    def pieces(*told: tuple[str, str, float]) -> list[Piece]:
        return [Piece(session=session, speaker=speaker, seconds=seconds) for session, speaker, seconds in told for _ in range(2)]

    apart = pieces(("a", "ANA", 9), ("b", "ANA", 1), ("c", "BEN", 3), ("d", "CAT", 4), ("e", "DAN", 9))
    dev, how = dev_of(apart)
    assert {apart[n].speaker for n in dev} == {"BEN", "CAT"} and how.said == "whole sessions of other speakers, 2 of 4"
    mixed = pieces(("a", "ANA", 9), ("b", "ANA", 1), ("c", "BEN", 3), ("d", "BEN", 4), ("e", "CAT", 9))
    dev, how = dev_of(mixed)
    assert {mixed[n].session for n in dev} == {"b", "c"} and how.said == "whole sessions, 2 of 5"
    unknown = pieces(("a", "", 9), ("b", "ANA", 1), ("c", "BEN", 3), ("d", "CAT", 4), ("e", "DAN", 9))
    assert dev_of(unknown)[1].said == "whole sessions, 2 of 5"


def test_two_models_are_judged_on_the_same_clips(material: Material) -> None:
    recogniser = CtcRecogniser(open_checkpoint(mini_folder()))
    before = judged_by(recogniser, "que", material.dev)
    assert [row.id for row in before.rows] == [clip.id for clip in material.dev]
    assert before.overall.clips == len(material.dev) and 0 < (before.overall.letters.value or 0) < 0.3
    with pytest.raises(ModelRefused):
        judged_by(recogniser, "zzz", material.dev)


def test_what_was_best_on_dev_is_taken(material: Material, base: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter([0.30, 0.20, 0.40, 0.50, 0.50, 0.20])  # as dev is judged, at the end, and once more
    kept: list[Any] = []

    def judge(learner: Learner, _clips: Any) -> Any:
        kept.append({name: tensor.clone() for name, tensor in learner.tensors().items()})
        rate = SimpleNamespace(value=next(told))
        return SimpleNamespace(overall=SimpleNamespace(letters=rate, words=rate))

    monkeypatch.setattr("speech.adapt.run.judged", judge)
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))
    made = adapt(material, base, tmp_path, AdaptSettings(steps=4, evaluate_steps=1, decay_share=0.25, rate=1e-2))
    assert [cer for _, cer in made.curve] == [30.0, 20.0, 40.0, 50.0]
    same = [all(torch.equal(made.tensors[n], tensors[n]) for n in made.tensors) for tensors in kept]
    assert same == [False, True, False, False, False, True]


def test_without_a_card_nothing_is_decoded(field: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in field.iterdir():
        if path.name != answers.CARD:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr("speech.audio.load", lambda *_a, **_k: pytest.fail("a sample was decoded"))
    with pytest.raises(ConsentRefused) as caught:
        gather(tmp_path / "manifest.tsv", "que", context=CONTEXT)
    assert caught.value.code == "NO_CARD"


def test_a_card_that_lies_elsewhere_is_named(field: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for path in field.glob("s0*"):
        (tmp_path / "data" / path.name).write_bytes(path.read_bytes())
    lines = (field / "manifest.tsv").read_text(encoding="utf-8").splitlines()[:4]
    (tmp_path / "data" / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = gather(tmp_path / "data" / "manifest.tsv", "que", context=CONTEXT, card=field / answers.CARD)
    assert found.collections == ("field",) and "fewer than four sessions" in found.split_by


def test_n11_x5_what_cannot_be_learnt_from_is_told_and_minutes_are_kept_to(field: Path, tmp_path: Path) -> None:
    rows = ["path\ttext\tlanguage\tsession"]
    for number, text in enumerate(("kay wasi", "12 wasi", "кай", "...", "sumak kan", "rumi")):
        soundfile.write(tmp_path / f"{number}.wav", np.zeros(16_000 * (1 + number), np.float32), 16_000)
        rows.append(f"{number}.wav\t{text}\tque\t{number}")
    soundfile.write(tmp_path / "short.wav", np.zeros(1600, np.float32), 16_000)
    rows.append("short.wav\tkay\tque\ts")
    (tmp_path / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(TextRefused) as caught:
        gather(tmp_path / "manifest.tsv", "que", context=CONTEXT, card=field / answers.CARD)
    assert caught.value.code == "TEXT_ALPHABET"
    assert "DIGIT ONE" in caught.value.what and "CYRILLIC SMALL LETTER SHORT I" in caught.value.what and "2 rows" in caught.value.what
    found = gather(tmp_path / "manifest.tsv", "que", context=CONTEXT, card=field / answers.CARD, leave_out=True)
    assert found.left_out == {
        "texts with signs that are no letters of the language": 2,
        "no letter in the text": 1,
        "shorter than 0.2 s": 1,
    }
    assert [f.code for f in found.findings] == ["TEXT_EMPTY", "TEXT_ALPHABET", "TEXT_ALPHABET"]
    assert "DIGIT ONE" in found.findings[1].what and "CYRILLIC" in found.findings[2].what
    less = gather(tmp_path / "manifest.tsv", "que", context=CONTEXT, card=field / answers.CARD, minutes=0.1, leave_out=True)
    assert sum(c.seconds for c in less.train) <= 6 and less.train
    with pytest.raises(ManifestRefused):
        gather(tmp_path / "manifest.tsv", "swh", context=CONTEXT, card=field / answers.CARD)


def test_synthetic_speech_is_half_of_train_at_most_and_judges_nothing(field: Path, tmp_path: Path) -> None:
    rows = []
    for number in range(12):  # three of four clips are synthetic, and so is all that lies in the session s0
        made = number % 4 > 0 or number < 4
        text = f"{SENTENCES[number % len(SENTENCES)]}{' kay wasi' * (number // len(SENTENCES))}"
        soundfile.write(tmp_path / f"{number}.wav", np.zeros(16_000 * 6, np.float32), 16_000)
        extra = {"extra": {"synthetic": True}} if made else {}
        rows.append({"id": f"c{number}", "audio": f"{number}.wav", "text": text, "language": "que", "session": f"s{number // 4}", **extra})
    for number, (split, made) in enumerate((("train", False), ("train", True), ("dev", False))):
        soundfile.write(tmp_path / f"d{number}.wav", np.zeros(16_000 * 6, np.float32), 16_000)
        row = {"id": f"d{number}", "audio": f"d{number}.wav", "text": f"kay wasi {'a' * max(1, number)}", "language": "que"}
        rows.append({**row, "session": f"d{number}", "split": split, **({"extra": {"synthetic": True}} if made else {})})

    def gathered(chosen: list[dict[str, Any]]) -> Material:
        (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
        return gather(tmp_path / "manifest.jsonl", "que", context=CONTEXT, card=field / answers.CARD)

    found = gathered(rows[:12])
    assert {clip.synthetic for clip in found.dev} == {False}
    assert [clip.synthetic for clip in found.train].count(True) == [clip.synthetic for clip in found.train].count(False) == 1
    assert sum(count for why, count in found.left_out.items() if why.startswith("synthetic")) == 9
    assert len(gathered([{**row, "extra": {"synthetic": True}} for row in rows[:12]]).dev) > 0  # a trial that is synthetic as a whole
    said_in_dev = gathered([*rows[12:14], {**rows[14], "text": rows[13]["text"]}])
    assert [clip.id for clip in said_in_dev.train] == ["d0"] and said_in_dev.left_out == {"synthetic, of sentences of dev or test": 1}
    with pytest.raises(ManifestRefused, match="synthetic speech in dev or test: 1 clips") as caught:
        gathered([*rows[12:], {**rows[0], "split": "dev"}])
    assert caught.value.code == "MANIFEST_LEAK"
    gathered([*rows[12:], {**rows[0], "split": "test"}])  # test is not read here, and refused where it is
    with pytest.raises(ManifestRefused, match="synthetic speech in dev or test"):
        split_of(tmp_path / "manifest.jsonl", "que", "test", context=CONTEXT, card=field / answers.CARD)


def test_n11_a_text_longer_than_its_sound_is_left_out_by_name(material: Material, base: Checkpoint) -> None:
    long = replace(material.train[0], id="other_text", symbols=["a"] * 200)
    mixed = replace(material, train=[*material.train, long], findings=[], left_out=Counter())
    mixed.fit_to(base.front_end)
    assert mixed.train == material.train and mixed.left_out.total() == 1
    [told] = mixed.findings
    assert told.code == "TEXT_LONGER_THAN_AUDIO" and "other_text" in told.what
    with pytest.raises(ManifestRefused) as caught:
        replace(material, train=[long]).fit_to(base.front_end)
    assert caught.value.code == "TEXT_LONGER_THAN_AUDIO"


def test_a_folder_of_corrected_elan_files_is_learnt_from_without_a_step_between(field: Path, tmp_path: Path) -> None:
    for session in range(2):
        clips = [soundfile.read(field / f"s{session}_{n}.wav")[0] for n in range(3 * session, 3 * session + 3)]
        soundfile.write(tmp_path / f"story{session}.wav", np.concatenate(clips), 16_000)
        edges = np.cumsum([0, *(len(c) // 16 for c in clips)])
        segments = tuple(
            Segment(span=Span(start_ms=int(a), end_ms=int(b)), text=SENTENCES[n], status="approved" if n else "draft")
            for n, (a, b) in enumerate(zip(edges, edges[1:], strict=False))
        )
        formats.save(Transcript(segments=segments), tmp_path / f"story{session}.eaf")
    found = gather(tmp_path, "que", context=CONTEXT, card=field / answers.CARD)
    assert found.found_as == "annotation files beside recordings"
    assert [c.id for c in (*found.train, *found.dev)] == ["story0_0002", "story0_0003", "story1_0002", "story1_0003"]


def test_batches_go_on_from_their_state_as_they_would_have(material: Material) -> None:
    vocabulary = (BLANK, *SPECIAL, *material.symbols)
    one = Batches(material.train, vocabulary, seed=3)
    one.make()
    state = one.state()
    rest = [one.make() for _ in range(3)]
    other = Batches(material.train, vocabulary, seed=4)
    other.restore(state)
    for batch in rest:
        again = other.make()
        assert torch.equal(batch.inputs, again.inputs) and batch.targets == again.targets
    assert any(batch.targets[0] for batch in rest) and all(batch.inputs.shape[0] * batch.inputs.shape[1] <= 49 * 16_000 for batch in rest)


@pytest.mark.parametrize(
    ("mode", "moves"), [("adapter", {"adapter_layer", "lm_head"}), ("layers", {"adapter_layer", "lm_head", "layers.7"})]
)
def test_only_what_the_mode_names_moves(base: Checkpoint, mode: Mode, moves: set[str]) -> None:
    learner = Learner(base, "zzz", ("a", "k"), mode=mode, last_layers=1)
    moving = {name for name, parameter in learner.network.named_parameters() if parameter.requires_grad}
    assert moving and all(any(part in name for part in moves) for name in moving)
    assert all(any(part in name for name in moving) for part in moves)


def test_a_donor_lends_its_adapter_and_the_rows_of_shared_letters(base: Checkpoint) -> None:
    tensors = load_file(base.adapters["swh"])
    learner = Learner(base, "zzz", ("a", "ŋ", "é"), mode="adapter", donor=(tensors, base.vocabularies["swh"]))
    own = learner.tensors()
    assert all(torch.equal(own[name], tensors[name].float()) for name in tensors if "adapter_layer" in name)
    row = base.vocabularies["swh"].index("a")
    assert torch.equal(own["lm_head.weight"][5], tensors["lm_head.weight"][row].float())
    assert not any(torch.equal(own["lm_head.weight"][6], r.float()) for r in tensors["lm_head.weight"])
    plain = tensors["lm_head.weight"][base.vocabularies["swh"].index("e")].float()
    assert torch.cosine_similarity(own["lm_head.weight"][7], plain, dim=0) > 0.9 and not torch.equal(own["lm_head.weight"][7], plain)


def test_donors_are_ranked_by_what_they_hear(base: Checkpoint, material: Material) -> None:
    found = ranked(base, material.train[:4], material.symbols)
    assert [d.wrong for d in found] == sorted(d.wrong for d in found)
    assert {d.language for d in found} == set(base.adapters)
    assert found[0].language == "que" and found[-1].language == "amh"  # the language itself first, other letters last


def test_a_resumed_run_equals_an_unbroken_one_and_the_base_stays(
    base: Checkpoint, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))
    whole = adapt(material, base, tmp_path / "whole", settings(4))

    class Interrupted(Exception):
        pass

    judged = []

    def stop(step: int, _cer: float) -> None:
        judged.append(step)
        if step == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        adapt(material, base, tmp_path / "broken", settings(4), progress=stop)
    told: list[tuple[float, int]] = []
    taken: list[tuple[int, int]] = []
    resumed = adapt(
        material, base, tmp_path / "broken", settings(4),
        began=lambda *both: told.append(both), stepped=lambda *step: taken.append(step),
    )  # fmt: skip
    assert told[0][0] > 0 and 6 * 10**8 < told[0][1] < 4 * 10**9  # two steps were tried before, and changed nothing
    assert taken == [(2, 4), (3, 4)]
    for name, tensor in whole.learner.tensors().items():
        assert torch.equal(tensor, resumed.learner.tensors()[name]), name
    assert resumed.curve == whole.curve and len(whole.curve) == 2, "and what dev said before the interruption is kept"
    assert resumed.core_seconds > resumed.seconds / 2
    fresh = Learner(base, "que", material.symbols, mode="adapter")
    assert whole.learner.base_hash() == fresh.base_hash()
    assert whole.scores.overall.letters.value is not None


def test_what_is_given_is_what_was_scored(base: Checkpoint, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))
    made = adapt(material, base, tmp_path, settings(4))
    views = made.learner.tensors()
    assert any(not torch.equal(made.tensors[name], last) for name, last in views.items())  # the mean of the weights, not the last
    with torch.no_grad():
        for name, place in views.items():
            place.copy_(made.tensors[name])
    assert judged(made.learner, material.dev).overall.letters.counts == made.scores.overall.letters.counts


def test_an_interrupted_run_does_not_go_on_with_other_clips_or_settings(
    base: Checkpoint, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))
    adapt(material, base, tmp_path, settings(2))
    with pytest.raises(TrainingFailure, match="steps") as caught:
        adapt(material, base, tmp_path, settings(4))
    assert caught.value.code == "TRAINING_CHECKPOINT"
    with pytest.raises(TrainingFailure, match="clips"):
        adapt(replace(material, train=material.train[:3]), base, tmp_path, settings(2))
    finish(tmp_path)
    assert adapt(material, base, tmp_path, settings(4)).curve[-1][0] == 4


def test_the_blank_stands_where_the_base_has_it(base: Checkpoint) -> None:
    other = replace(base, symbols=replace(base.symbols, blank=3))
    learner = Learner(other, "zzz", ("a", "k"), mode="adapter")
    assert learner.vocabulary == ("<s>", "</s>", "<unk>", BLANK, "|", "a", "k")


@pytest.mark.parametrize(("seconds", "shapes"), [(1.0, (3.0, 6.0, 9.6, 16.0, 24.0)), (5.0, (6.0, 9.6, 16.0, 24.0)), (23.0, (24.0,))])
def test_rows_are_of_lengths_that_clips_fit_into(seconds: float, shapes: tuple[float, ...]) -> None:
    samples = np.ones(int(16_000 * seconds), np.int16)
    clips = [Clip(id=str(n), text="a", symbols=["a"], samples=samples) for n in range(3)]
    batches = Batches(clips, (BLANK, *SPECIAL, "a"), seed=1, silent=0.0)
    assert tuple(shape[1] for shape in batches.shapes) == shapes
    heard = [batches.make() for _ in range(8)]
    assert sum(map(len, (b.clips for b in heard))) >= sum(len(b.targets) for b in heard) // 2


def test_test_is_never_decoded(field: Path, tmp_path: Path) -> None:
    rows = ["path\ttext\tlanguage\tsplit"]
    for number, split in enumerate(("train", "train", "dev", "test")):
        if split != "test":
            soundfile.write(tmp_path / f"{number}.wav", np.zeros(16_000, np.float32), 16_000)
        rows.append(f"{number}.wav\tkay\tque\t{split}")
    (tmp_path / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = gather(tmp_path / "manifest.tsv", "que", context=CONTEXT, card=field / answers.CARD)
    assert (len(found.train), len(found.dev)) == (2, 1)
    with pytest.raises(ManifestRefused, match="recording"):
        gather(tmp_path / "0.wav", "que", context=CONTEXT)


def test_a_clip_that_fits_no_row_is_told(field: Path, tmp_path: Path) -> None:
    rows = ["path\ttext\tlanguage"]
    for number, seconds in enumerate((1, 1, 24)):
        soundfile.write(tmp_path / f"{number}.wav", np.zeros(16_000 * seconds, np.float32), 16_000)
        rows.append(f"{number}.wav\tkay\tque")
    (tmp_path / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = gather(tmp_path / "manifest.tsv", "que", context=CONTEXT, card=field / answers.CARD)
    assert found.left_out == {"longer than 23.5 s": 1}
