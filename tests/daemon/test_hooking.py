"""A hook's event on its way: the program inside, polisd's ruling, the journal; and every way in
which it can fail, which is no opinion."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, make_desk
from installation import Installation, Ran
from running import kill_pids

from cash.daemon.hooking import signal_of
from cash.providers.hooks.event import HookEvent
from cash.sessions.signal import Signal, Source

pytestmark = pytest.mark.kernel

_PROGRAM = "/run/polis/bin/polis"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all that look only."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    yield make_desk(installation)
    installation.stop()


def _hook(desk: Desk, payload: bytes | dict[str, Any], *words: str) -> Ran:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return desk.polis("exec", "alice", "--", _PROGRAM, "hook", *(words or ("claude",)), input=data)


def _tool(tool: str, call: str = "toolu_1", **given: Any) -> dict[str, Any]:
    return {
        "hook_event_name": "PreToolUse",
        "session_id": "s1",
        "tool_name": tool,
        "tool_input": given,
        "tool_use_id": call,
    }


def _reason(ran: Ran) -> tuple[str, str]:
    assert (ran.status, ran.err) == (0, "")
    said = json.loads(ran.out)["hookSpecificOutput"]
    return said["permissionDecision"], said["permissionDecisionReason"]


@pytest.mark.parametrize(
    "event",
    [
        _tool("Bash", command="ls; git status"),
        _tool("Bash", command="npm install x"),
        _tool("Bash", command="git push -f origin main"),  # nobody at a terminal: the walls ask
        _tool("Write", file_path="src/a.py", content="x"),
        _tool("Read", file_path="/etc/shadow"),
        {"hook_event_name": "Stop", "session_id": "s1"},
        {"hook_event_name": "SomethingNew"},
    ],
    ids=str,
)
def test_what_is_no_refusal_is_no_word(shared: Desk, event: dict[str, Any]) -> None:
    ran = _hook(shared, event)
    assert (ran.status, ran.out, ran.err) == (0, "", "")


def test_an_edit_that_a_rule_refuses_is_refused_with_its_reason(desk: Desk) -> None:
    ran = _hook(desk, _tool("Edit", file_path=".polis/policy.yaml", old_string="a"))
    decision, reason = _reason(ran)
    assert decision == "deny"
    assert reason.startswith("polis: denied by ")
    (told,) = [one["body"] for one in desk.log("tool")]
    assert (told["tool"], told["call"], told["approval"]) == ("Edit", "toolu_1", "refused")
    assert told["paths"] == [str(desk.tree / ".polis/policy.yaml")]
    assert "old_string" not in json.dumps(told)


def test_a_path_is_known_by_whatever_name(shared: Desk) -> None:
    for path in (
        ".polis/policy.yaml",
        "./src/../.polis/policy.yaml",
        f"{shared.tree}//.polis/policy.yaml",
    ):
        assert _reason(_hook(shared, _tool("Write", file_path=path)))[0] == "deny", path
    event = {**_tool("Write", file_path="policy.yaml"), "cwd": str(shared.tree / ".polis")}
    assert _reason(_hook(shared, event))[0] == "deny"


def test_a_call_that_only_its_tool_tells_of_is_asked_once(desk: Desk) -> None:
    """No wall meets a tool of an MCP server that runs elsewhere."""
    folder = desk.installation.home / ".config/polis/policies"
    folder.mkdir(parents=True)
    (folder / "tools.yaml").write_text(
        "version: 1\nrules:\n  - id: ask-the-database\n    on: tool\n    tool: mcp__db__*\n"
        "    arguments: {sql: '*drop*'}\n    decide: ask\n    reason: That cannot be undone.\n"
        "    examples:\n      cases:\n"
        "        - {tool: mcp__db__query, arguments: {sql: drop table x}, expect: ask}\n"
        "        - {tool: mcp__db__query, arguments: {sql: select 1}, expect: pass}\n"
    )
    listed = desk.polis("policy", "list")
    assert "ask-the-database" in listed.out, listed.err
    time.sleep(1)
    call = _tool("mcp__db__query", sql="drop table users")
    decision, reason = _reason(_hook(desk, call))
    assert decision == "deny"
    assert "polis: asked by ask-the-database: That cannot be undone." in reason
    assert "send it again when allowed (polis approvals allow q1)" in reason
    assert desk.polis("approvals", "allow", "q1").status == 0
    assert _hook(desk, call).out == ""
    assert _reason(_hook(desk, call))[0] == "deny"  # once
    assert _hook(desk, _tool("mcp__db__query", sql="select 1")).out == ""


def test_what_a_person_denied_stays_denied(desk: Desk) -> None:
    write = _tool("Write", file_path=".github/workflows/ci.yml", content="x")
    _, reason = _reason(_hook(desk, write))
    assert "asked as q1" in reason
    assert desk.polis("approvals", "deny", "q1", "--for", "1h").status == 0
    assert _reason(_hook(desk, write)) == ("deny", "polis: denied by a person\n")


def test_an_allowed_edit_goes_on_and_the_answer_is_the_walls_to_use(desk: Desk) -> None:
    write = _tool("Write", file_path=".github/workflows/ci.yml", content="x")
    assert _reason(_hook(desk, write))[0] == "deny"
    assert desk.polis("approvals", "allow", "q1").status == 0
    for _ in range(2):  # the hook foretells; it takes nothing away
        assert _hook(desk, write).out == ""
    (desk.tree / ".github/workflows").mkdir(parents=True)
    (desk.tree / "save.py").write_text("open('.github/workflows/ci.yml', 'w')")
    assert desk.line("python3 save.py").status == 0, desk.log("write")
    assert (desk.tree / ".github/workflows/ci.yml").exists()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", ("claude",)),
        (b"garbage", ("claude",)),
        (b"[1]", ("gemini",)),
        (b"{}", ("codex",)),
        (b"\xff\xfe\0", ("claude",)),
        (b"[" * 200_000, ("claude",)),
        (b"{}", ("copilot",)),
        (b"{}", ("unknown",)),
        (b"{}", ("../../x",)),
        (b'{"hook_event_name": "' + b"x" * (1 << 21) + b'"}', ("claude",)),
    ],
    ids=lambda value: str(value)[:30],
)
def test_nonsense_is_no_opinion(shared: Desk, payload: bytes, words: tuple[str, ...]) -> None:
    before = shared.log("tool")
    ran = _hook(shared, payload, *words)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith("polis: this hook has no opinion: ")
    assert ran.err.count("\n") == 1
    assert shared.log("tool") == before


@pytest.mark.alone
def test_without_polisd_there_is_no_opinion_at_once(desk: Desk) -> None:
    script = f"until [ -e go ]; do sleep 0.05; done; {_PROGRAM} hook claude </dev/null; echo $?"
    (desk.tree / "wait.sh").write_text(script)
    assert desk.line("sh wait.sh >/tmp/told 2>&1 &").status == 0
    (polisd,) = desk.pids("-m cash.daemon")
    kill_pids([polisd])
    (desk.tree / "go").touch()
    told = desk.state / "agents/alice/scratch/told"
    began = time.monotonic()
    while not told.read_text().endswith("0\n"):
        assert time.monotonic() - began < 4, told.read_text()
        time.sleep(0.05)
    assert "no opinion: polisd does not answer" in told.read_text()
    assert desk.line("true").status == 0  # the next polisd has taken the walls up again


def test_a_polisd_that_hangs_is_waited_for_a_few_seconds(desk: Desk) -> None:
    script = (
        "until [ -e go ]; do sleep 0.05; done\n"
        f"echo '{{}}' | {_PROGRAM} hook claude; echo ended $?\n"
    )
    (desk.tree / "wait.sh").write_text(script)
    assert desk.line("sh wait.sh >/tmp/told 2>&1 &").status == 0
    told = desk.state / "agents/alice/scratch/told"
    (polisd,) = desk.pids("-m cash.daemon")
    os.kill(polisd, signal.SIGSTOP)
    try:
        (desk.tree / "go").touch()
        began = time.monotonic()
        while "ended 0" not in told.read_text():
            assert time.monotonic() - began < 12, told.read_text()
            time.sleep(0.1)
    finally:
        os.kill(polisd, signal.SIGCONT)
    assert "no opinion" in told.read_text()


def test_outside_a_hook_speaks_for_the_workspace_it_is_in(desk: Desk) -> None:
    assert desk.line("true").status == 0
    call = json.dumps(_tool("Bash", command="mkfs.ext4 /dev/x")).encode()
    run = desk.installation.run
    ran = run("polis", "hook", "claude", cwd=desk.tree, input=call)
    assert _reason(ran)[0] == "deny"
    assert desk.log("tool")[0]["agent"] == "alice"
    for place in (desk.repository, desk.installation.home, Path("/")):
        ran = run("polis", "hook", "claude", cwd=place, input=call)
        assert (ran.status, ran.out) == (0, "")
        assert "no opinion: this is no agent's workspace" in ran.err
    desk.polis("agents", "stop", "alice")
    ran = run("polis", "hook", "claude", cwd=desk.tree, input=call)
    assert (ran.status, ran.out) == (0, "")


def test_a_tree_elsewhere_that_looks_like_an_agents_is_none(desk: Desk, tmp_path: Path) -> None:
    """Whoever makes such folders hears nothing of what is done in them."""
    fake = tmp_path / "agents/x/volume/tree"
    fake.mkdir(parents=True)
    (fake.parent / "door").mkdir()
    ran = desk.installation.run("polis", "hook", "claude", cwd=fake, input=b"{}")
    assert "this is no agent's workspace" in ran.err


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (HookEvent("session-begins", "SessionStart"), "idle"),
        (HookEvent("prompted", "UserPromptSubmit"), "running"),
        (HookEvent("tool-begins", "PreToolUse", tool="Bash", call="c"), "running"),
        (HookEvent("asks-permission", "PermissionRequest", tool="Bash"), "waiting_approval"),
        (HookEvent("waits-for-input", "Notification"), "waiting_input"),
        (HookEvent("turn-ends", "Stop"), "idle"),
        (HookEvent("session-ends", "SessionEnd"), "completed"),
        (HookEvent("failed", "StopFailure"), "error"),
        (HookEvent("other", "SubagentStop"), None),
    ],
)
def test_what_an_event_tells_of_the_agents_state(event: HookEvent, status: str | None) -> None:
    told = signal_of(event, 5.0)
    if status is None:
        assert told is None
    else:
        reason = f"{event.name} {event.tool}".strip()
        assert told == Signal(Source.HOOK, status, reason, 5.0, event.call)  # type: ignore[arg-type]
