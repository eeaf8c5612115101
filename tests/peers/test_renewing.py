"""Codex itself renews a token that one login gave to two agents."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from endpoint import home_of, serving, start
from installation import Installation
from playing import make_desk, reason_to_skip

from cash.places import find_places
from cash.providers.accounts import keep_login

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

_LONG_AGO, _FAR_OFF = 1_000, 4_000_000_000


def _token(ends: int, word: str) -> str:
    """A JSON web token that nobody has signed: Codex reads when it ends, and whose it is."""
    account = {"chatgpt_account_id": "acc-1", "chatgpt_plan_type": "pro"}
    claims = {"exp": ends, "word": word, "https://api.openai.com/auth": account}
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()) for one in ({"alg": "x"}, claims))
    return ".".join([*(part.decode().rstrip("=") for part in parts), "none"])


def _auth(refresh: str) -> dict[str, Any]:
    tokens = {
        "id_token": _token(_LONG_AGO, "id"),
        "access_token": _token(_LONG_AGO, "first"),
        "refresh_token": refresh,
        "account_id": "acc-1",
    }
    last = "2026-01-01T00:00:00Z"
    return {"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": last}


@pytest.fixture
def desk(installation: Installation) -> Desk:
    """Alice and bob are Codex, and logged in with a token that has run out."""
    if why := reason_to_skip("codex"):
        pytest.skip(why)
    made = make_desk(installation, "codex")
    assert made.polis("agents", "add", "bob", "--provider", "codex").status == 0
    home = installation.folder / "login"
    (home / ".codex").mkdir(parents=True)
    (home / ".codex/auth.json").write_text(json.dumps(_auth("once-1")))
    keep_login(find_places(installation.environment), "codex", home)
    return made


def _refresh_token(path: Path) -> str:
    return str(json.loads(path.read_text())["tokens"]["refresh_token"])


def test_a_token_that_one_renews_is_the_others_too(desk: Desk) -> None:
    bobs = desk.state / "agents/bob/home/.codex/auth.json"
    assert desk.polis("exec", "bob", "--", "codex", "--version").status == 0
    assert _refresh_token(bobs) == "once-1"
    renewed = {"id_token": _token(_FAR_OFF, "id"), "access_token": _token(_FAR_OFF, "second")}
    home = home_of(desk)
    (home / "tokens.json").write_text(json.dumps(renewed | {"refresh_token": "once-2"}))
    with serving(desk, "codex", [["shell", "echo from-the-tool"]]) as url:
        argv, given = start(desk, "codex", url, "headless")
        place = argv.index("env") + 1
        renewing = f"CODEX_REFRESH_TOKEN_URL_OVERRIDE={url}/oauth/token"
        ran = desk.polis(*argv[:place], renewing, *argv[place:], input=given, timeout=100)
        assert "All is done." in ran.out, ran.err
        _until(bobs, "once-2")
    account = desk.installation.folder / "state/polis/accounts/codex/home/.codex/auth.json"
    assert account.read_bytes() == bobs.read_bytes() == (home / ".codex/auth.json").read_bytes()
    headers = [json.loads(row) for row in (home / "headers.jsonl").read_text().splitlines()]
    sent = [one["headers"]["authorization"] for one in headers if one["path"] == "/v1/responses"]
    assert set(sent) == {f"Bearer {renewed['access_token']}"}
    # Its head is written beside it and renamed, at any moment.
    parts = [path for path in desk.state.glob("store.db*") if path.suffix != ".new"]
    journal = b"".join(path.read_bytes() for path in parts)
    assert b"once-2" not in journal


def _until(path: Path, wanted: str) -> None:
    deadline = time.monotonic() + 10
    while _refresh_token(path) != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.1)
