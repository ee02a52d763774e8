"""Signing in: one local person by a key that works once, others by passwords that slow down when they are wrong."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from speech.errors import UsageFailure
from speech.ui.served import Served
from speech.ui.sessions import FREE, KEY_LASTS_S, LASTS_S, MOST_WAIT_S, Patience, Sessions
from speech.ui.users import LOCAL, MAY, ROLES, Users, add_user, check_name, hashed, matches, read_users, remove_user
from tests.ui.conftest import PASSWORD, Person


class Clock:
    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


def test_the_key_signs_in_once(served: Served) -> None:
    key = served.sessions.new_key(LOCAL)
    visitor = Person(served, None)
    answer = visitor.get(f"/sign-in?key={key}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    assert visitor.get("/api/me").json()["person"] == LOCAL
    second = Person(served, None)
    again = second.get(f"/sign-in?key={key}")
    assert again.status_code == 200 and "set-cookie" not in again.headers and "used" in again.text
    assert second.get("/sign-in?key=wrong").status_code == 200
    assert second.get("/api/me").status_code == 401


def test_a_key_and_a_session_grow_old(tmp_path: Path) -> None:
    clock = Clock()
    sessions = Sessions(tmp_path / "sessions.json", clock=clock)
    key, token = sessions.new_key("ana"), sessions.begin("ana")
    clock.at += KEY_LASTS_S + 1
    assert sessions.take_key(key) is None
    assert sessions.person(token) == "ana"  # in use: its age begins anew
    clock.at += LASTS_S - 1
    assert sessions.person(token) == "ana"
    clock.at += LASTS_S + 1
    assert sessions.person(token) is None


def test_a_restart_signs_nobody_out_and_the_file_holds_no_token(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    token = Sessions(path).begin("ana")
    assert Sessions(path).person(token) == "ana"
    assert token not in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("{broken")
    assert Sessions(path).person(token) is None


def test_name_and_password_sign_in(shared_served: Served) -> None:
    visitor = Person(shared_served, None)
    assert visitor.send("/api/sign-in", {"name": "eva", "password": PASSWORD}).json() == {"ok": True}
    me = visitor.get("/api/me").json()
    assert (me["person"], me["role"], me["may"]) == ("eva", "reviewer", list(MAY["reviewer"]))
    assert "consent" not in me["may"] and "times" in me["may"]


def test_wrong_passwords_slow_down_and_the_right_one_waits_too(shared_served: Served) -> None:
    clock = Clock()
    shared_served.patience = Patience(clock=clock)
    visitor = Person(shared_served, None)
    for _ in range(FREE + 1):
        answer = visitor.send("/api/sign-in", {"name": "eva", "password": "wrong"})
        assert (answer.status_code, answer.content) == (401, b"")
    slow = visitor.send("/api/sign-in", {"name": "eva", "password": PASSWORD})
    assert (slow.status_code, slow.content, slow.headers["retry-after"]) == (429, b"", "2")
    clock.at += 2.5
    assert visitor.send("/api/sign-in", {"name": "eva", "password": "wrong"}).status_code == 401
    assert visitor.send("/api/sign-in", {"name": "eva", "password": "wrong"}).headers["retry-after"] == "4"
    clock.at += 5
    assert visitor.send("/api/sign-in", {"name": "eva", "password": PASSWORD}).status_code == 200


def test_the_wait_has_an_end_and_is_by_name_and_address() -> None:
    clock = Clock()
    patience = Patience(clock=clock)
    for _ in range(40):
        patience.wrong("name eva", "address 10.0.0.1")
    assert patience.wait_s("name eva") == MOST_WAIT_S
    assert patience.wait_s("name ana", "address 10.0.0.1") == MOST_WAIT_S
    assert patience.wait_s("name ana", "address 10.0.0.2") == 0


def test_an_unknown_name_is_answered_as_a_wrong_password(shared_served: Served) -> None:
    visitor = Person(shared_served, None)
    a = visitor.send("/api/sign-in", {"name": "nobody", "password": PASSWORD})
    b = visitor.send("/api/sign-in", {"name": "eva", "password": "wrong"})
    assert (a.status_code, a.content, dict(a.headers)) == (b.status_code, b.content, dict(b.headers))


def test_a_server_of_one_takes_no_password(served: Served) -> None:
    assert Person(served, None).send("/api/sign-in", {"name": LOCAL, "password": ""}).status_code == 401


def test_each_role_may_what_those_before_may() -> None:
    for before, after in zip(ROLES, ROLES[1:], strict=False):
        assert set(MAY[before]) < set(MAY[after])


def test_passwords_are_kept_as_salted_hashes(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    add_user(path, "ana", "keeper", PASSWORD)
    add_user(path, "ben", "speaker", PASSWORD)
    people = read_users(path)
    assert PASSWORD not in path.read_text() and people["ana"]["password"] != people["ben"]["password"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert matches(PASSWORD, people["ana"]["password"]) and not matches("other", people["ana"]["password"])
    assert matches("contrase\u00f1a", hashed("contrasen\u0303a"))
    assert not matches(PASSWORD, "nonsense") and not matches(PASSWORD, "scrypt:a:b:c:d:e")


def test_who_is_taken_out_of_the_file_is_out_at_once(shared_served: Served) -> None:
    eva = Person(shared_served, "eva")
    assert eva.get("/api/me").status_code == 200
    assert shared_served.users.path is not None
    remove_user(shared_served.users.path, "eva")
    assert eva.get("/api/me").status_code == 401
    shared_served.users.path.unlink()
    assert Person(shared_served, "ana").get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("name", "code"), [("", "USER_NAME"), ("a b", "USER_NAME"), ("../ana", "USER_NAME"), ("local", "USER_NAME"), ("x" * 41, "USER_NAME")]
)
def test_a_name_that_is_none_is_refused(name: str, code: str) -> None:
    with pytest.raises(UsageFailure) as caught:
        check_name(name)
    assert caught.value.code == code


def test_what_is_wrong_with_a_file_of_people_is_said(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    with pytest.raises(UsageFailure) as caught:
        add_user(path, "ana", "keeper", "short")
    assert caught.value.code == "USER_PASSWORD"
    add_user(path, "ana", "keeper", PASSWORD)
    with pytest.raises(UsageFailure) as caught:
        remove_user(path, "ben")
    assert caught.value.code == "USER_UNKNOWN"
    for text in ("", "[]", json.dumps({"schema": "speech-users/1", "people": {"ana": {"role": "king", "password": "x"}}})):
        path.write_text(text)
        with pytest.raises(UsageFailure) as caught:
            Users(path)
        assert caught.value.code == "USERS_FILE"
