"""Each program's own words at its hooks: what is heard of them, and what it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.providers.hooks import PROTOCOLS
from cash.providers.hooks.event import NO_OPINION, Asked, HookEvent, Ruling, Told, read_input

_CLAUDE = {
    "session_id": "s1",
    "transcript_path": "/home/ada/.claude/projects/x.jsonl",
    "cwd": "/tree",
    "permission_mode": "bypassPermissions",
    "tool_use_id": "toolu_1",
}
_GEMINI = {"session_id": "s1", "cwd": "/tree", "timestamp": "2026-11-30T02:58:31.545Z"}
_DENY = Ruling("deny", "polis: denied by x: y\n")
_ASK = Ruling("ask", "polis: asked by x: y\n")


def _read(name: str, event: str = "", entry: str = "", **values: Any) -> HookEvent:
    return PROTOCOLS[name].read(Asked(values, event, entry))


def _claude(event: str, **values: Any) -> HookEvent:
    return _read("claude", **_CLAUDE, hook_event_name=event, **values)


def test_a_shell_call_of_claude() -> None:
    given_ = {"command": "echo hi; false", "description": "A step"}
    assert _claude("PreToolUse", tool_name="Bash", tool_input=given_) == HookEvent(
        kind="tool-begins",
        name="PreToolUse",
        session="s1",
        tool="Bash",
        call="toolu_1",
        arguments=given_,
        line="echo hi; false",
        intent="A step",
        cwd="/tree",
    )


@pytest.mark.parametrize(
    ("tool", "given_", "writes"),
    [
        ("Write", {"file_path": "/tree/x", "content": "y"}, ("/tree/x",)),
        ("Edit", {"file_path": "x", "old_string": "a"}, ("x",)),
        ("MultiEdit", {"file_path": "x", "edits": [{"a": 1}]}, ("x",)),
        ("NotebookEdit", {"notebook_path": "x.ipynb"}, ("x.ipynb",)),
        ("Read", {"file_path": "x"}, ()),
        ("mcp__db__query", {"sql": "drop table"}, ()),
        ("Write", None, ()),
        ("Write", [1], ()),
    ],
)
def test_what_a_tool_of_claude_writes(tool: str, given_: Any, writes: tuple[str, ...]) -> None:
    event = _claude("PreToolUse", tool_name=tool, tool_input=given_)
    assert (event.writes, event.line) == (writes, None)
    assert all(isinstance(value, str) for value in event.arguments.values())


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("claude", {"hook_event_name": "SessionStart", "source": "startup"}, "session-begins"),
        ("claude", {"hook_event_name": "UserPromptSubmit", "prompt": "x"}, "prompted"),
        ("claude", {"hook_event_name": "PostToolUse"}, "tool-ends"),
        ("claude", {"hook_event_name": "PostToolUseFailure"}, "tool-ends"),
        ("claude", {"hook_event_name": "PermissionRequest"}, "asks-permission"),
        (
            "claude",
            {"hook_event_name": "Notification", "notification_type": "permission_prompt"},
            "asks-permission",
        ),
        (
            "claude",
            {"hook_event_name": "Notification", "notification_type": "idle_prompt"},
            "waits-for-input",
        ),
        ("claude", {"hook_event_name": "Notification"}, "other"),
        ("claude", {"hook_event_name": "Stop"}, "turn-ends"),
        ("claude", {"hook_event_name": "SubagentStop"}, "other"),
        ("claude", {"hook_event_name": "StopFailure"}, "failed"),
        ("claude", {"hook_event_name": "SessionEnd", "reason": "other"}, "session-ends"),
        ("claude", {"hook_event_name": "SessionEnd", "reason": "clear"}, "turn-ends"),
        ("claude", {"hook_event_name": "SomethingNew"}, "other"),
        ("codex", {"hook_event_name": "Interrupt"}, "turn-ends"),
        ("codex", {"hook_event_name": "SessionEnd", "reason": "other"}, "session-ends"),
        ("gemini", {"hook_event_name": "BeforeAgent", "prompt": "x"}, "prompted"),
        ("gemini", {"hook_event_name": "AfterAgent"}, "turn-ends"),
        (
            "gemini",
            {"hook_event_name": "Notification", "notification_type": "ToolPermission"},
            "asks-permission",
        ),
        ("gemini", {"hook_event_name": "SessionEnd", "reason": "exit"}, "session-ends"),
        ("cursor", {"hook_event_name": "beforeSubmitPrompt", "prompt": "x"}, "prompted"),
        ("cursor", {"hook_event_name": "stop", "status": "completed"}, "turn-ends"),
        ("cursor", {"hook_event_name": "stop", "status": "error"}, "failed"),
    ],
)
def test_events_that_tell_what_it_is_doing(name: str, values: dict[str, Any], kind: str) -> None:
    assert _read(name, **values).kind == kind


def test_only_claude_at_a_terminal_can_ask() -> None:
    values = {**_CLAUDE, "hook_event_name": "PreToolUse", "tool_name": "Bash"}
    assert _read("claude", entry="cli", **values).can_ask
    assert not _read("claude", entry="sdk-cli", **values).can_ask
    assert not _read("claude", **values).can_ask
    assert not _read("codex", entry="cli", **values).can_ask


def test_a_patch_of_codex_names_its_files() -> None:
    patch = (
        "*** Begin Patch\n*** Add File: a b.txt\n+x\n*** Update File: c.py\n*** Move to: d.py\n"
        "@@\n-x\n+y\n*** Delete File: e\n*** End Patch\n"
    )
    event = _read(
        "codex",
        **_CLAUDE,
        hook_event_name="PreToolUse",
        tool_name="apply_patch",
        tool_input={"command": patch},
    )
    assert event.writes == ("a b.txt", "c.py", "d.py", "e")


def test_a_call_of_gemini_has_one_name_before_and_after() -> None:
    values = {"tool_name": "run_shell_command", "tool_input": {"command": "ls"}}
    before = _read("gemini", **_GEMINI, hook_event_name="BeforeTool", **values)
    after = _read(
        "gemini", **_GEMINI, hook_event_name="AfterTool", **values, tool_response={"llmContent": ""}
    )
    assert before.line == "ls"
    assert before.call.startswith("gemini-")
    assert (after.kind, after.call) == ("tool-ends", before.call)
    values["tool_input"] = {"command": "ls -l"}
    assert _read("gemini", **_GEMINI, hook_event_name="BeforeTool", **values).call != before.call
    write = {"tool_name": "write_file", "tool_input": {"file_path": "/tree/x", "content": ""}}
    assert _read("gemini", **_GEMINI, hook_event_name="BeforeTool", **write).writes == ("/tree/x",)


def test_cursors_events_are_tools_by_their_names() -> None:
    shell = _read("cursor", hook_event_name="beforeShellExecution", command="ls", cwd="/tree")
    assert (shell.kind, shell.tool, shell.line) == ("tool-begins", "Shell", "ls")
    mcp = _read(
        "cursor", hook_event_name="beforeMCPExecution", tool_name="query", tool_input='{"a": "b"}'
    )
    assert (mcp.tool, mcp.arguments, mcp.line) == ("query", {"a": "b"}, None)
    edit = _read("cursor", hook_event_name="afterFileEdit", file_path="/tree/x", edits=[])
    assert (edit.kind, edit.tool, edit.writes) == ("tool-ends", "Edit", ("/tree/x",))


def test_copilots_event_is_named_by_its_command() -> None:
    given_ = {"toolName": "bash", "toolArgs": '{"command": "ls", "description": "look"}'}
    event = _read("copilot", "preToolUse", timestamp=1, cwd="/tree", **given_)
    assert (event.kind, event.line, event.intent) == ("tool-begins", "ls", "look")
    after = _read("copilot", "postToolUse", timestamp=2, cwd="/tree", **given_)
    assert (after.kind, after.call) == ("tool-ends", event.call)
    # As 1.0.102 sends it; and what it tells before every call is no question to anybody.
    seen = given_ | {"toolArgs": {"command": "ls", "description": "look"}}
    assert _read("copilot", "preToolUse", cwd="/tree", **seen) == event
    assert _read("copilot", "permissionRequest", toolName="bash").kind == "other"
    made = {"toolName": "create", "toolArgs": {"path": "/tree/x", "file_text": "one"}}
    assert _read("copilot", "preToolUse", **made).writes == ("/tree/x",)
    with pytest.raises(ValueError, match="does not name"):
        _read("copilot", **given_)


@pytest.mark.parametrize(
    ("name", "event", "said", "told"),
    [
        (
            "claude",
            {"hook_event_name": "PreToolUse"},
            _DENY,
            {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": _DENY.text,
                }
            },
        ),
        (
            "claude",
            {"hook_event_name": "PreToolUse"},
            _ASK,
            {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "ask",
                    "permissionDecisionReason": _ASK.text,
                }
            },
        ),
        ("claude", {"hook_event_name": "PermissionRequest"}, _ASK, None),
        ("claude", {"hook_event_name": "Stop"}, _DENY, None),
        (
            "gemini",
            {"hook_event_name": "BeforeTool"},
            _DENY,
            {"decision": "deny", "reason": _DENY.text},
        ),
        ("gemini", {"hook_event_name": "BeforeTool"}, _ASK, None),
        ("gemini", {"hook_event_name": "AfterAgent"}, _DENY, None),
        (
            "cursor",
            {"hook_event_name": "beforeShellExecution"},
            _ASK,
            {
                "permission": "ask",
                "user_message": _ASK.text,
                "agent_message": _ASK.text,
                "userMessage": _ASK.text,
                "agentMessage": _ASK.text,
            },
        ),
        ("cursor", {"hook_event_name": "stop"}, _DENY, None),
    ],
)
def test_a_ruling_in_its_words(
    name: str, event: dict[str, Any], said: Ruling, told: dict[str, Any] | None
) -> None:
    heard = PROTOCOLS[name].tell(_read(name, **event), said)
    assert heard.status == 0
    assert (json.loads(heard.out) if heard.out else None) == told


def test_a_ruling_for_copilot() -> None:
    event = _read("copilot", "preToolUse", toolName="bash", toolArgs="{}")
    told = PROTOCOLS["copilot"].tell(event, _DENY)
    assert json.loads(told.out)["permissionDecision"] == "deny"
    assert PROTOCOLS["copilot"].tell(event, _ASK) == Told()


_text = st.text('aé"{}[]:,\n\ud800', max_size=6)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_NAMES = (
    *("hook_event_name", "tool_name", "tool_input", "tool_use_id", "session_id", "cwd", "reason"),
    *("notification_type", "message", "prompt", "command", "file_path", "toolName", "toolArgs"),
)


@given(
    st.sampled_from(sorted(PROTOCOLS)),
    st.dictionaries(st.sampled_from(_NAMES), _json),
    st.sampled_from(["", "preToolUse", "x"]),
)
def test_any_json_is_an_event_or_none_and_no_opinion_says_nothing(
    name: str, values: dict[str, Any], event: str
) -> None:
    try:
        heard = PROTOCOLS[name].read(Asked(values, event))
    except ValueError:
        return
    assert PROTOCOLS[name].tell(heard, NO_OPINION) == Told()
    for said in (_DENY, _ASK):
        told = PROTOCOLS[name].tell(heard, said)
        assert "allow" not in told.out
        assert told.status == 0


@pytest.mark.parametrize("payload", [b"", b"x", b"[]", b'"x"', b"[" * 100_000, b"\xff"])
def test_what_is_no_object_is_no_event(payload: bytes) -> None:
    with pytest.raises(ValueError):
        read_input(payload)
