"""A real agent CLI as polis starts it, with an account, against the model on loopback."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import keyed
import model
from desk import Desk
from playing import AGENTS_BIN

from cash.providers.facets import Purpose
from cash.providers.launch import plan_launch
from cash.providers.manifest import load_manifests
from cash.providers.settling import settle_files

KEY = "sk-test-4d1c8f07a9b25e63-of-nobody"
_MODELS = {"gemini": "gemini-2.5-pro"}
_CODEX = """\
model = "scripted"
model_provider = "local"
[model_providers.local]
name = "local"
base_url = "{url}/v1"
wire_api = "responses"
requires_openai_auth = true
request_max_retries = 0
"""


def log_in(desk: Desk, name: str) -> None:
    """`polis agents login NAME --key`, with the agents' programs on PATH."""
    path = f"{AGENTS_BIN}:{desk.installation.environment['PATH']}"
    given = {"input": f"{KEY}\n".encode(), "environment": {"PATH": path}}
    ran = desk.polis("agents", "login", name, "--key", **given)
    assert ran.status == 0, ran.err


@contextlib.contextmanager
def serving(desk: Desk, name: str, calls: Sequence[model.Call]) -> Iterator[str]:
    """The model, inside alice's walls; its URL. record.jsonl and headers.jsonl in her home hold
    what it was sent."""
    home, inside = home_of(desk), desk.installation.home
    for source in (model.__file__, keyed.__file__):
        shutil.copy(source, home)
    (home / "play.json").write_text(json.dumps({"calls": calls, "say": "All is done."}))
    files = [f"{inside}/{file}" for file in ("play.json", "record.jsonl", "headers.jsonl")]
    server = subprocess.Popen(
        ("polis", "exec", "alice", "--", "python3", "-I", f"{inside}/keyed.py", name, *files),
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def start(desk: Desk, name: str, url: str, purpose: Purpose) -> tuple[tuple[str, ...], bytes]:
    """Settles what the start needs; the words behind `polis`, and what they are given."""
    launch = plan_launch(
        load_manifests()[name],
        program=name,
        version="",
        purpose=purpose,
        prompt=model.PROMPT,
        model=_MODELS.get(name, ""),
        tree=str(desk.tree),
        home=str(desk.installation.home),
        account="key",
        key_tail=KEY[-20:],
    )
    home = home_of(desk)
    owner = (home.stat().st_uid, home.stat().st_gid)
    settle_files(home, launch.files, owner)
    settle_files(home, _endpoint(name, url), owner)
    settings = [f"{key}={value}" for key, value in (*launch.environment, *_provider(name, url))]
    return ("exec", "alice", "--", "env", *settings, *launch.argv), launch.given or b""


def home_of(desk: Desk) -> Path:
    """Alice's HOME, as it lies outside."""
    return desk.state / "agents/alice/home"


def _endpoint(name: str, url: str) -> list[tuple[str, bytes]]:
    """The setting by which the CLI speaks to the model on loopback."""
    match name:
        case "claude":
            settings = {"env": {"ANTHROPIC_BASE_URL": url}}
            return [(".claude/settings.json", json.dumps(settings).encode())]
        case "codex":
            return [(".codex/config.toml", _CODEX.replace("{url}", url).encode())]
        case "gemini":
            return [(".gemini/.env", f"GOOGLE_GEMINI_BASE_URL={url}\n".encode())]
        case _:
            texts = model.AGENTS[name].settings.items()
            return [(path, both[1].replace("{url}", url).encode()) for path, both in texts]


def _provider(name: str, url: str) -> list[tuple[str, str]]:
    """The variables by which those do that have no setting for it."""
    if name not in ("opencode", "copilot"):
        return []
    known = model.AGENTS[name].environment.items()
    # OpenCode begins by installing what a plugin would need, and waits for it.
    offline = [("npm_config_offline", "true")] if name == "opencode" else []
    return [(key, value.replace("{url}", url)) for key, value in known] + offline
