"""What the lines of each CLI's own protocol tell."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.sessions.signal import Signal, Source
from cash.sessions.streams.reading import READERS, read_line

CLAUDE, CODEX, GEMINI = "claude-stream-json", "codex-json", "gemini-stream-json"
COPILOT, OPENCODE = "copilot-json", "opencode-json"


def told(output: str, event: dict[str, Any]) -> tuple[str, str, str] | None:
    signal = read_line(output, json.dumps(event), 5.0)
    if signal is None:
        return None
    assert (signal.source, signal.at) == (Source.PROTOCOL, 5.0)
    return signal.status, signal.reason, signal.call


def message(**block: Any) -> dict[str, Any]:
    return {"type": "assistant", "message": {"content": [block]}}


@pytest.mark.parametrize(
    ("output", "event", "expected"),
    [
        (CLAUDE, {"type": "system", "subtype": "init"}, ("running", "it has begun", "")),
        (CLAUDE, {"type": "system", "subtype": "hook_started"}, None),
        (
            CLAUDE,
            message(type="tool_use", id="t1", name="Bash", input={"command": "ls\n-l"}),
            ("running", "Bash: ls", "t1"),
        ),
        (
            CLAUDE,
            message(type="tool_use", id="t1", name="Task", input={}),
            ("running", "Task", "t1"),
        ),
        (
            CLAUDE,
            message(type="tool_result", tool_use_id="t1", is_error=True),
            ("running", "a call has failed", "t1"),
        ),
        (CLAUDE, message(type="text", text="Hm."), ("running", "it answers", "")),
        (
            CLAUDE,
            {
                "type": "control_request",
                "request_id": "r1",
                "request": {"subtype": "can_use_tool", "tool_name": "Bash"},
            },
            ("waiting_approval", "may it use Bash?", "r1"),
        ),
        (
            CLAUDE,
            {"type": "result", "subtype": "success", "is_error": False, "result": "Done."},
            ("completed", "Done.", ""),
        ),
        # It says success of a request that was refused, too.
        (
            CLAUDE,
            {"type": "result", "subtype": "success", "is_error": True, "result": "API Error: 429"},
            ("error", "API Error: 429", ""),
        ),
        (
            CLAUDE,
            {"type": "result", "subtype": "error_max_turns", "is_error": True},
            ("error", "error_max_turns", ""),
        ),
        (CLAUDE, {"type": "result"}, None),
        (CODEX, {"type": "turn.completed", "usage": {}}, ("completed", "its turn is done", "")),
        (
            CODEX,
            {"type": "turn.failed", "error": {"message": "429"}},
            ("error", "429", ""),
        ),
        (CODEX, {"type": "error", "message": "Reconnecting 1/5"}, None),
        (CODEX, {"type": "item.completed", "item": {"id": "i", "type": "error"}}, None),
        (
            CODEX,
            {"type": "item.started", "item": {"id": "i2", "type": "file_change"}},
            ("running", "file_change: ", "i2"),
        ),
        (GEMINI, {"type": "result", "status": "success"}, ("completed", "its turn is done", "")),
        (
            GEMINI,
            {"type": "result", "status": "error", "error": {"message": "quota"}},
            ("error", "quota", ""),
        ),
        (GEMINI, {"type": "result", "status": "new"}, None),
        (
            COPILOT,
            {"type": "user.message", "data": {"content": "Do it."}},
            ("running", "a turn has begun", ""),
        ),
        (
            COPILOT,
            {
                "type": "tool.execution_start",
                "data": {"toolCallId": "t1", "toolName": "bash", "arguments": {"command": "ls\n"}},
            },
            ("running", "bash: ls", "t1"),
        ),
        (
            COPILOT,
            {"type": "tool.execution_complete", "data": {"toolCallId": "t1", "success": False}},
            ("running", "a call has failed", "t1"),
        ),
        (
            COPILOT,
            {"type": "model.call_failure", "data": {"errorMessage": "429", "retryAttempt": 0}},
            ("running", "429", ""),  # it tries again
        ),
        (
            COPILOT,
            {"type": "session.error", "data": {"errorType": "query", "message": "400 quota"}},
            ("error", "400 quota", ""),
        ),
        (COPILOT, {"type": "result", "exitCode": 0}, ("completed", "its turn is done", "")),
        (COPILOT, {"type": "result", "exitCode": 1}, None),  # session.error has said why
        (COPILOT, {"type": "session.background_tasks_changed", "data": {}}, None),
        (OPENCODE, {"type": "step_start", "part": {}}, ("running", "it answers", "")),
        (
            OPENCODE,
            {
                "type": "tool_use",
                "part": {"tool": "bash", "callID": "t1", "state": {"status": "completed"}},
            },
            ("running", "a call has ended: bash", "t1"),
        ),
        (
            OPENCODE,
            {
                "type": "tool_use",
                "part": {"tool": "write", "callID": "t2", "state": {"status": "error"}},
            },
            ("running", "a call has failed: write", "t2"),
        ),
        (
            OPENCODE,
            {"type": "step_finish", "part": {"reason": "tool-calls"}},
            ("running", "a step is done", ""),
        ),
        (
            OPENCODE,
            {"type": "step_finish", "part": {"reason": "stop"}},
            ("completed", "its turn is done", ""),
        ),
        (
            OPENCODE,
            {"type": "error", "error": {"name": "APIError", "data": {"message": "quota"}}},
            ("error", "quota", ""),
        ),
    ],
)
def test_an_event_tells(
    output: str, event: dict[str, Any], expected: tuple[str, str, str] | None
) -> None:
    if (output, event["type"]) == (CODEX, "error"):
        expected = ("running", event["message"], "")  # it tries again
    assert told(output, event) == expected


@pytest.mark.parametrize("line", ["", "null", "[1]", "{", "Reading input…", b"\xff\xfe", "1e999"])
@pytest.mark.parametrize("output", [*READERS, "unheard-of"])
def test_what_is_no_event_tells_nothing(output: str, line: str | bytes) -> None:
    assert read_line(output, line, 0.0) is None


_KEYS = st.sampled_from(
    (
        *("type", "item", "message", "content", "subtype", "input", "id", "name", "status"),
        *("error", "data", "part", "state", "tool", "callID", "toolName", "toolCallId"),
    )
)
_JSON = st.recursive(
    st.sampled_from((None, True, 7, "", "x")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)
_TYPES = st.sampled_from(
    (
        *("assistant", "result", "item.started", "item.completed", "turn.failed", "tool_use"),
        *("message", "tool.execution_start", "tool.execution_complete", "error", "step_finish"),
    )
)


@given(st.sampled_from(tuple(READERS)), st.dictionaries(_KEYS, _JSON, max_size=6), _TYPES)
def test_no_shape_of_an_event_breaks_a_reader(
    output: str, event: dict[str, Any], kind: str
) -> None:
    found = read_line(output, json.dumps(event | {"type": kind}), 0.0)
    assert found is None or isinstance(found, Signal)


def test_a_reason_is_one_short_line() -> None:
    signal = read_line(
        CLAUDE,
        json.dumps(message(type="tool_use", id="t", name="Bash", input={"command": "x" * 5000})),
        0.0,
    )
    assert signal is not None
    assert len(signal.reason) == 200
