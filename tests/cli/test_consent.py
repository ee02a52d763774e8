"""`speech consent`: plain questions make a card that the gate reads; records are added, never changed; withdrawing stops everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from speech import cli
from speech.cli.consent import command
from speech.collections import consent
from speech.collections.cards import find_card, load_card, load_person
from speech.collections.ledger import rows_of
from speech.errors import SpeechError

CONTEXT = consent.Context(basis="test")


def run(*arguments: object, status: int = 0) -> None:
    assert cli.run([str(a) for a in arguments]) == status


def asked(folder: Path, *answers: str) -> str:
    """Answer the questions one by one; what was said to the person."""
    done = CliRunner().invoke(command, ["record", str(folder)], input="\n".join(answers) + "\n", standalone_mode=False)
    assert done.exception is None, done.exception
    return done.output


def allowed(folder: Path, scope: str, speakers: tuple[str, ...] = ()) -> str:
    item = consent.Item(id="story", path=folder / "story.wav", speakers=speakers)
    return consent.answer({scope}, item, context=CONTEXT).code


COMMUNITY = (
    "Stories",
    "que",
    "The storytellers",
    "community",
    "",
    "community_protocol",
    "y",
    "y",
    "n",
    "n",
    "",
    "2026-03-02",
    "never",
    "minutes",
    "",
)


def test_two_minutes_of_questions_let_a_linguist_train(tmp_path: Path) -> None:
    assert allowed(tmp_path, "train_asr") == "NO_CARD"
    asked(tmp_path, *COMMUNITY)
    path = find_card(tmp_path / "story.wav")
    assert path is not None
    card = load_card(path)
    assert (card.id, card.languages, card.rule, card.community_required) == ("stories", ("que",), "collection", True)
    assert allowed(tmp_path, "train_asr") == allowed(tmp_path, "transcribe_local") == "OK"
    assert allowed(tmp_path, "publish_model") == "COLLECTION_SCOPE"
    assert (
        consent.answer({"train_asr"}, consent.item_of(tmp_path / "a.wav"), context=consent.Context(purpose="commercial")).code == "PURPOSE"
    )


def test_wrong_days_and_kinds_are_asked_again(tmp_path: Path) -> None:
    answers = [*COMMUNITY[:3], "a village", *COMMUNITY[3:11], "2.3.2026", *COMMUNITY[11:]]
    said = asked(tmp_path, *answers)
    assert "choose community, researcher" in said and "YYYY-MM-DD" in said
    assert allowed(tmp_path, "train_asr") == "OK"


OPTIONS = (
    *("--title", "Valley", "-l", "que", "--holder", "linguist", "--kind", "researcher"),
    *("--source", "fieldwork", "--licence", "archive_terms"),
    *("--how", "written", "--allow", "LOCAL,TRAIN", "--for", "research", "--on", "2026-03-02", "--evidence", "forms 1 to 3"),
)


def test_each_speaker_answers_for_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people").mkdir()
    run("consent", "record", tmp_path, *OPTIONS)
    assert allowed(tmp_path, "train_asr", ("VAL-01",)) == "PERSON_MISSING"
    run("consent", "record", tmp_path, "--person", "VAL-01", *OPTIONS[12:])
    assert allowed(tmp_path, "train_asr", ("VAL-01",)) == "OK"
    assert allowed(tmp_path, "train_asr", ("VAL-01", "VAL-02")) == "PERSON_MISSING"
    run("consent", "record", tmp_path, "--person", "Maria", *OPTIONS[12:], status=2)
    assert "VAL-01" not in capsys.readouterr().err.split("[")[-1]


def test_an_oral_answer_names_its_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "said.wav").write_bytes(b"RIFF")
    run("consent", "record", tmp_path, *OPTIONS)
    oral = ("--how", "oral_recorded", "--allow", "LOCAL,train_asr,train_tts", "--for", "research", "--on", "2026-03-02")
    run("consent", "record", tmp_path, "--person", "VAL-01", *oral, "--evidence", tmp_path / "gone.wav", status=1)
    assert not (tmp_path / "people" / "VAL-01.person.toml").exists()
    run("consent", "record", tmp_path, "--person", "VAL-01", *oral, "--evidence", tmp_path / "said.wav")
    person = load_person(tmp_path / "people" / "VAL-01.person.toml")
    assert person.records[0].basis == "oral_recorded"
    assert "said.wav" in (tmp_path / "people" / "VAL-01.person.toml").read_text(encoding="utf-8")


def test_a_holder_who_names_a_voice_gives_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The holder does not bar it; whose voice it is must have said so, too."""
    run("consent", "record", tmp_path, *["LOCAL,train_tts" if option == "LOCAL,TRAIN" else option for option in OPTIONS])
    item = consent.Item(id="a", card_path=tmp_path / "collection.card.toml", speakers=("VAL-01",))
    decision = consent.answer({"train_tts"}, item, context=consent.Context(basis="test"))
    assert (decision.allowed, decision.code) == (False, "BIOMETRIC_EXPLICIT")


def test_nothing_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_voice = [*OPTIONS]
    with_voice[with_voice.index("LOCAL,TRAIN")] = ","
    run("consent", "record", tmp_path, *with_voice, status=2)
    assert "[CONSENT_ANSWER]" in capsys.readouterr().err
    with_voice[with_voice.index(",")] = "LOCAL,everything"
    run("consent", "record", tmp_path, *with_voice, status=1)
    assert "[CARD_INVALID]" in capsys.readouterr().err and not list(tmp_path.glob("*.toml"))


def test_a_second_record_is_added_and_leaves_the_text_of_the_first(tmp_path: Path) -> None:
    asked(tmp_path, *COMMUNITY)
    card = tmp_path / "collection.card.toml"
    before = "# what the assembly said\n" + card.read_text(encoding="utf-8")
    card.write_text(before, encoding="utf-8")
    more = ("--how", "community_protocol", "--allow", "PUBLISH", "--for", "research", "--on", "2026-05-02", "--evidence", "minutes of May")
    run("consent", "record", tmp_path, *more)
    after = card.read_text(encoding="utf-8")
    assert after.startswith(before.rstrip())
    assert len({r.id for r in load_card(card).records}) == 2
    assert allowed(tmp_path, "publish_text") == "LICENCE_PERMISSION"  # holder and community agreed; archive terms ask further


def test_withdrawing_stops_from_now_on_and_twice_is_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("consent", "withdraw", tmp_path, status=1)
    asked(tmp_path, *COMMUNITY)
    for _ in range(2):
        run("consent", "withdraw", tmp_path, "--json")
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["decision"] == "withdrawn"
        assert allowed(tmp_path, "play") == allowed(tmp_path, "train_asr") == "WITHDRAWN"
    assert len(list(rows_of("withdraw"))) >= 2 and list(rows_of("consent"))


def test_one_person_withdraws_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    run("consent", "record", tmp_path, *OPTIONS)
    for code in ("VAL-01", "VAL-02"):
        run("consent", "record", tmp_path, "--person", code, *OPTIONS[12:])
    run("consent", "withdraw", tmp_path, "--person", "VAL-02", "--scopes", "TRAIN")
    assert allowed(tmp_path, "train_asr", ("VAL-02",)) == "WITHDRAWN"
    assert allowed(tmp_path, "transcribe_local", ("VAL-02",)) == "OK"
    assert allowed(tmp_path, "train_asr", ("VAL-01",)) == "OK"


def test_what_may_be_done_is_shown_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("consent", "show", tmp_path)
    assert "no card speaks for it" in capsys.readouterr().out
    asked(tmp_path, *COMMUNITY)
    capsys.readouterr()
    run("consent", "show", tmp_path, "--json")
    scopes = json.loads(capsys.readouterr().out)["scopes"]
    assert scopes["train_asr"] == {"allowed": True, "code": "OK"} and not scopes["train_tts"]["allowed"]


def test_a_card_that_is_wrong_is_not_added_to(tmp_path: Path) -> None:
    card = tmp_path / "collection.card.toml"
    card.write_text("schema_version = 1\n", encoding="utf-8")
    run("consent", "withdraw", tmp_path, status=1)
    run("consent", "record", tmp_path, *OPTIONS, status=1)
    assert card.read_text(encoding="utf-8") == "schema_version = 1\n"
    with pytest.raises(SpeechError):
        load_card(card)


def test_without_a_manifest_the_way_to_the_codes_of_speakers_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = ("--title", "Field", "-l", "que", "--holder", "linguist", "--kind", "researcher", "--source", "fieldwork",
                 "--licence", "archive_terms")  # fmt: skip
    said = ("--how", "written", "--allow", "LOCAL,TRAIN", "--for", "research", "--on", "2026-03-02", "--evidence", "forms")
    run("consent", "record", tmp_path, *described, *said)
    told = capsys.readouterr().err
    assert "Each speaker answers, too" in told and "speech manifest import" in told
    item = consent.Item(id="story", path=tmp_path / "story.wav", speakers=("FIELD-01",))
    reason = consent.answer({"train_asr"}, item, context=CONTEXT).reasons[0]
    assert "speech consent record FOLDER --person FIELD-01" in reason.mend


def test_a_no_on_the_terminal_takes_back_what_was_allowed_and_an_option_only_adds(tmp_path: Path) -> None:
    asked(tmp_path, *COMMUNITY)
    more = ("--how", "community_protocol", "--allow", "LEAVE", "--for", "research", "--on", "2026-04-02", "--evidence", "minutes of April")
    run("consent", "record", tmp_path, *more)
    assert allowed(tmp_path, "train_asr") == "OK"
    said = asked(tmp_path, "community_protocol", "y", "n", "n", "n", "", "2026-05-02", "never", "minutes of May")
    assert "no longer allowed: train_asr, train_lid, transcribe_remote, export_text, export_audio" in said
    assert allowed(tmp_path, "train_asr") == "WITHDRAWN" and allowed(tmp_path, "play") == "OK"


@pytest.mark.parametrize(
    ("changed", "told"),
    [(("--on", "2999-01-01"), "has not come yet"), (("--until", "2026-03-02"), "before it begins"), (("--evidence", "  "), "looked up")],
)
def test_an_answer_of_no_day_or_without_evidence_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: tuple[str, str], told: str
) -> None:
    run("consent", "record", tmp_path, *OPTIONS, *changed, status=2)
    said = capsys.readouterr().err
    assert "[CONSENT_ANSWER]" in said and told in said and list(tmp_path.iterdir()) == []


def test_a_person_speaks_for_themself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("consent", "record", tmp_path, *OPTIONS)
    run("consent", "record", tmp_path, "--person", "VAL-01", *OPTIONS[12:], "--how", "community_protocol", status=2)
    assert "[CONSENT_ANSWER]" in capsys.readouterr().err


def test_the_card_that_the_app_made_is_shown_added_to_and_withdrawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, made = tmp_path / "tapes", tmp_path / "tapes.workspace" / "consent"
    folder.mkdir()
    made.mkdir(parents=True)
    (made.parent / "workspace.json").write_text("{}", encoding="utf-8")
    asked(made, *COMMUNITY)
    run("consent", "show", folder)
    assert "Stories" in capsys.readouterr().out
    assert allowed(folder, "train_asr") == "OK"
    run("consent", "withdraw", folder)
    assert allowed(folder, "play") == "WITHDRAWN" and list(folder.iterdir()) == []
