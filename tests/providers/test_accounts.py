"""Accounts on the disk: kept, lent as copies, and renewed by what an agent's program wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cash.faults import UsageFault
from cash.places import Places
from cash.providers.accounts import (
    Held,
    account_folder,
    check_key,
    forget_account,
    keep_key,
    keep_login,
    lend,
    read_account,
    take_back,
    withdraw,
)
from cash.providers.facets import Account
from cash.providers.manifest import Manifest

_ACCOUNT = Account(
    login=("login",),
    files=(".toy/auth.json",),
    parts={".toy.json": ("who",)},
    same=("tokens.account",),
    key="TOY_KEY",
)
_TOY = Manifest("toy", "Toy", 1, 1, (), account=_ACCOUNT)
_ME = (os.geteuid(), os.getegid())
_TOKENS = {"tokens": {"account": "ada", "access": "a1", "refresh": "r1"}, "at": 1, "key": None}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "run", tmp_path / "config")


@pytest.fixture
def held(places: Places, tmp_path: Path) -> Held:
    """Ada is logged in."""
    home = tmp_path / "login"
    (home / ".toy").mkdir(parents=True)
    (home / ".toy/auth.json").write_text(json.dumps(_TOKENS))
    (home / ".toy.json").write_text('{"who": {"name": "ada"}, "theme": "dark"}')
    keep_login(places, "toy", home)
    found = read_account(places, _TOY)
    assert found is not None
    return found


def _home(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_there_is_none_before_the_first_login(places: Places) -> None:
    assert read_account(places, _TOY) is None
    assert not forget_account(places, "toy")
    assert not places.state.exists()


def test_a_key_lies_there_for_its_user_alone(places: Places) -> None:
    keep_key(places, "toy", "sk-1")
    held = read_account(places, _TOY)
    assert held is not None
    assert (held.sort, held.key, held.files) == ("key", "sk-1", ())
    folder = account_folder(places, "toy")
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_that_is_printed_by_mistake_shows_it(places: Places, held: Held) -> None:
    keep_key(places, "other", "sk-secret")
    assert "r1" not in repr(held) + json.dumps(held.describe())
    assert held.describe()["files"] == [".toy/auth.json"]


def test_a_key_takes_the_place_of_a_login_and_a_login_that_of_a_key(
    places: Places, held: Held, tmp_path: Path
) -> None:
    keep_key(places, "toy", "sk-1")
    assert not (account_folder(places, "toy") / "home").exists()
    home = _home(tmp_path, "again")
    (home / ".toy").mkdir()
    (home / ".toy/auth.json").write_text("{}")
    keep_login(places, "toy", home)
    found = read_account(places, _TOY)
    assert found is not None
    assert (found.sort, found.key) == ("login", "")
    assert forget_account(places, "toy")
    assert read_account(places, _TOY) is None


def test_copies_are_lent_and_only_what_is_the_accounts(held: Held, tmp_path: Path) -> None:
    home = _home(tmp_path, "alice")
    (home / ".toy.json").write_text('{"theme": "light", "projects": {}}')
    lend(held, home, _ME)
    assert json.loads((home / ".toy/auth.json").read_text()) == _TOKENS
    assert (home / ".toy/auth.json").stat().st_mode & 0o777 == 0o600
    said = json.loads((home / ".toy.json").read_text())
    assert said == {"theme": "light", "projects": {}, "who": {"name": "ada"}}
    withdraw(_ACCOUNT, home)
    assert not (home / ".toy/auth.json").exists()


def test_a_copy_that_was_just_lent_is_not_newer(places: Places, held: Held, tmp_path: Path) -> None:
    home = _home(tmp_path, "alice")
    lend(held, home, _ME)
    assert not take_back(places, _TOY, home)


def _change(home: Path, **changes: Any) -> None:
    """As programs do: a new file, renamed over the old one."""
    path = home / ".toy/auth.json"
    said = json.loads(path.read_text()) | changes
    (home / ".toy/new").write_text(json.dumps(said))
    (home / ".toy/new").rename(path)


def test_a_renewed_token_reaches_the_account_and_the_others(
    places: Places, held: Held, tmp_path: Path
) -> None:
    alice, bob = _home(tmp_path, "alice"), _home(tmp_path, "bob")
    lend(held, alice, _ME)
    lend(held, bob, _ME)
    renewed = {"account": "ada", "access": "a2", "refresh": "r2", "more": 1}
    _change(alice, tokens=renewed)
    assert take_back(places, _TOY, alice)
    found = read_account(places, _TOY)
    assert found is not None
    lend(found, bob, _ME)
    assert json.loads((bob / ".toy/auth.json").read_text())["tokens"] == renewed
    # Nothing goes round in circles, and the old one never comes back.
    assert not take_back(places, _TOY, alice)
    assert not take_back(places, _TOY, bob)


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": {"account": "mallory", "access": "a2", "refresh": "r2"}},
        {"tokens": {"account": "ada", "access": "a2"}},
        {"tokens": "r2"},
        {"tokens": {"account": "ada", "access": ["a2"], "refresh": "r2"}},
        {"at": "x" * 300_000},
        {"at": None},
    ],
    ids=["another account", "half", "another kind", "deep kind", "too long", "nothing"],
)
def test_what_is_no_newer_token_of_that_account_harms_nobody(
    places: Places, held: Held, tmp_path: Path, changes: dict[str, Any]
) -> None:
    home = _home(tmp_path, "alice")
    lend(held, home, _ME)
    _change(home, **changes)
    assert not take_back(places, _TOY, home)
    assert read_account(places, _TOY) == held


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_garbage_harms_nobody(places: Places, held: Held, tmp_path: Path, text: bytes) -> None:
    home = _home(tmp_path, "alice")
    lend(held, home, _ME)
    (home / ".toy/auth.json").write_bytes(text)
    assert not take_back(places, _TOY, home)
    assert read_account(places, _TOY) == held


def test_a_link_to_a_file_of_the_users_is_not_taken(
    places: Places, held: Held, tmp_path: Path
) -> None:
    home = _home(tmp_path, "alice")
    lend(held, home, _ME)
    stolen = json.dumps(_TOKENS | {"at": 2})
    (tmp_path / "far.json").write_text(stolen)
    (home / ".toy/auth.json").unlink()
    (home / ".toy/auth.json").symlink_to(tmp_path / "far.json")
    assert not take_back(places, _TOY, home)
    lend(held, home, _ME)
    assert (tmp_path / "far.json").read_text() == stolen
    assert not (home / ".toy/auth.json").is_symlink()


@pytest.mark.parametrize(
    ("text", "key"), [("sk-1\n", "sk-1"), ("  sk-1 \r\n", "sk-1"), ("k" * 4096, "k" * 4096)]
)
def test_keys(text: str, key: str) -> None:
    assert check_key(text) == key


@pytest.mark.parametrize("text", ["", "\n", "a b", "a\nb", "k" * 4097, "kéy", "a\0b", "a\x1b[m"])
def test_what_is_no_key_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageFault) as caught:
        check_key(text)
    assert not text.strip() or text not in caught.value.message
