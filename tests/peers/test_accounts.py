"""The agent CLIs themselves, with an account that polis was given: the key reaches the model's
endpoint, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keyed
import model
import pytest
from desk import Desk
from installation import Installation, Ran
from playing import make_desk, reason_to_skip

from cash.providers.launch import Launch, plan_launch
from cash.providers.manifest import load_manifests
from cash.providers.settling import settle_files

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

KEY = "sk-test-4d1c8f07a9b25e63-of-nobody"
CALLS = (("shell", "env | sort; echo looked-around"),)
CODEX = """\
model = "scripted"
model_provider = "local"
[model_providers.local]
name = "local"
base_url = "{url}/v1"
wire_api = "responses"
requires_openai_auth = true
request_max_retries = 0
"""


@dataclass(frozen=True)
class Worked:
    """One run. headers: of every request the endpoint got."""

    name: str
    desk: Desk
    ran: Ran
    results: Sequence[str]
    headers: Sequence[dict[str, str]]


@pytest.fixture(scope="module", params=["claude", "codex", "gemini"])
def worked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worked]:
    name = request.param
    if why := reason_to_skip(name):
        pytest.skip(why)
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    try:
        desk = make_desk(installation, name)
        yield _work(desk, name)
    finally:
        installation.stop()


def _work(desk: Desk, name: str) -> Worked:
    from playing import AGENTS_BIN

    path = f"{AGENTS_BIN}:{desk.installation.environment['PATH']}"
    login = desk.polis(
        "agents", "login", name, "--key", input=f"{KEY}\n".encode(), environment={"PATH": path}
    )
    assert login.status == 0, login.err
    home, inside = desk.state / "agents/alice/home", desk.installation.home
    for source in (model.__file__, keyed.__file__):
        shutil.copy(source, home)
    (home / "play.json").write_text(json.dumps({"calls": CALLS, "say": "All is done."}))
    words = (name, "play.json", "record.jsonl", "headers.jsonl")
    argv = ("polis", "exec", "alice", "--", "python3", "-I", f"{inside}/keyed.py", name)
    serving = subprocess.Popen(
        (*argv, *(f"{inside}/{word}" for word in words[1:])),
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with serving:
        assert serving.stdin and serving.stdout
        url = serving.stdout.readline().strip()
        launch = _plan(desk, name)
        owner = home.stat()
        settle_files(home, launch.files, (owner.st_uid, owner.st_gid))
        settle_files(home, [_endpoint(name, url)], (owner.st_uid, owner.st_gid))
        settings = [f"{name}={value}" for name, value in launch.environment]
        argv = ("exec", "alice", "--", "env", *settings, *launch.argv)
        ran = desk.polis(*argv, input=launch.given or b"", timeout=100)
        serving.stdin.close()
    rows = [json.loads(row) for row in (home / "record.jsonl").read_text().splitlines()]
    turns = [row["body"] for row in rows if model.AGENTS[name].is_turn(**row)]
    assert turns, (ran.out, ran.err)
    said = [json.loads(row) for row in (home / "headers.jsonl").read_text().splitlines()]
    results = model.AGENTS[name].results(turns[-1])
    return Worked(name, desk, ran, results, [row["headers"] for row in said])


def _plan(desk: Desk, name: str) -> Launch:
    return plan_launch(
        load_manifests()[name],
        program=name,
        version="",
        purpose="headless",
        prompt=model.PROMPT,
        model={"gemini": "gemini-2.5-pro"}.get(name, ""),
        tree=str(desk.tree),
        home=str(desk.installation.home),
        account="key",
        key_tail=KEY[-20:],
    )


def _endpoint(name: str, url: str) -> tuple[str, bytes]:
    """The setting by which the CLI speaks to the model on loopback."""
    match name:
        case "claude":
            settings = {"env": {"ANTHROPIC_BASE_URL": url}}
            return ".claude/settings.json", json.dumps(settings).encode()
        case "codex":
            return ".codex/config.toml", CODEX.replace("{url}", url).encode()
        case _:
            return ".gemini/.env", f"GOOGLE_GEMINI_BASE_URL={url}\n".encode()


def test_it_works_without_a_question_of_its_own(worked: Worked) -> None:
    assert worked.ran.status == 0, worked.ran.out + worked.ran.err
    assert "All is done." in worked.ran.out
    assert "looked-around" in worked.results[0]


def test_the_endpoint_is_sent_the_key(worked: Worked) -> None:
    sent = [value for headers in worked.headers for value in headers.values() if KEY in value]
    assert sent
    names = {name for headers in worked.headers for name, value in headers.items() if KEY in value}
    assert names <= {"x-api-key", "authorization", "x-goog-api-key"}


def test_what_its_tools_start_does_not_have_the_key(worked: Worked) -> None:
    assert KEY not in worked.results[0]
    assert "POLIS_AGENT=alice" in worked.results[0]


def test_the_key_is_written_nowhere_but_in_its_account(worked: Worked) -> None:
    """And, for Codex, in the file that it reads it from."""
    state = worked.desk.installation.folder / "state"
    holding = {
        str(path.relative_to(state / "polis")).removeprefix(worked.desk.state.name + "/")
        for path in state.rglob("*")
        if path.is_file() and not path.is_symlink() and KEY.encode() in path.read_bytes()
    }
    expected = {
        "claude": {"accounts/claude/key"},
        "codex": {"accounts/codex/home/.codex/auth.json", "agents/alice/home/.codex/auth.json"},
        "gemini": {"accounts/gemini/key"},
    }
    assert holding - {"agents/alice/home/headers.jsonl"} == expected[worked.name]
