"""What people read of the CLIs' own protocols."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.sessions.streams.reading import READERS
from cash.sessions.streams.telling import last_run, tell_line, tell_run

TRACES = Path(__file__).parents[3] / "agents/traces"


def trace(name: str) -> list[str]:
    """What the program itself has told: a task that goes well, then one that is refused."""
    (path,) = TRACES.glob(f"{name}/*/stream.jsonl")
    return path.read_text().splitlines()


@pytest.mark.parametrize(
    ("name", "output", "calls", "end"),
    [
        (
            "claude",
            "claude-stream-json",
            [
                "→ Bash: echo hello",
                "→ Bash: ls /nowhere; exit 3",
                "✗ Exit code 3",
                "→ Write: /home/ada/shop/notes.txt",
            ],
            "API Error: 400 You exceeded your quota",
        ),
        (
            "codex",
            "codex-json",
            [
                "→ /bin/bash -lc 'echo hello'",
                "→ /bin/bash -lc 'ls /nowhere; exit 3'",
                "✗ ls: cannot access '/nowhere': No such file or directory",
            ],
            "You exceeded your quota",
        ),
        (
            "gemini",
            "gemini-stream-json",
            [
                "→ run_shell_command: echo hello",
                "→ run_shell_command: ls /nowhere; exit 3",
                "→ write_file: /home/ada/shop/notes.txt",
            ],
            "You exceeded your quota",
        ),
    ],
)
def test_a_run_is_its_messages_and_its_calls(
    name: str, output: str, calls: list[str], end: str
) -> None:
    lines = trace(name)
    last = last_run(output, lines)
    before = tell_run(output, lines[: len(lines) - len(last)])
    assert before[-len(calls) - 1 :] == [*calls, "All is done."]
    *_, said = tell_run(output, lines)
    assert end in said
    assert not [line for line in (*before, said) if "session_id" in line]


@pytest.mark.parametrize(
    ("output", "event", "told"),
    [
        (
            "copilot-json",
            {"type": "assistant.message", "data": {"content": "One.\n\nTwo."}},
            ["One.", "Two."],
        ),
        ("copilot-json", {"type": "assistant.message", "data": {"content": ""}}, []),
        (
            "copilot-json",
            {
                "type": "tool.execution_start",
                "data": {"toolName": "bash", "arguments": {"command": "ls"}},
            },
            ["→ bash: ls"],
        ),
        ("copilot-json", {"type": "session.error", "data": {"message": "400"}}, ["400"]),
        ("opencode-json", {"type": "text", "part": {"text": "Done."}}, ["Done."]),
        (
            "opencode-json",
            {
                "type": "tool_use",
                "part": {
                    "tool": "bash",
                    "state": {"status": "error", "input": {"command": "ls"}, "error": "no"},
                },
            },
            ["→ bash: ls", "✗ no"],
        ),
        (
            "claude-stream-json",
            {
                "type": "assistant",
                "message": {"content": [{"type": "text", "text": "a\x1b]0;x\x07b"}]},
            },
            ["ab"],
        ),
        (
            "claude-stream-json",
            {"type": "assistant", "message": {"content": [{"type": "new"}]}},
            [],
        ),
    ],
)
def test_an_event_is_told(output: str, event: dict[str, Any], told: list[str]) -> None:
    assert tell_line(output, json.dumps(event)) == told


def test_what_is_no_event_is_shown_as_it_is() -> None:
    assert tell_line("claude-stream-json", "Error: no model") == ["Error: no model"]
    (torn,) = tell_line("claude-stream-json", '{"type": "' + "x" * 5000)
    assert len(torn) == 2001
    assert tell_line("", '{"type": "text"}') == ['{"type": "text"}']


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_KEYS = st.sampled_from(["type", "item", "message", "content", "data", "part", "state", "error"])
_WORDS = st.sampled_from(["assistant", "result", "tool_use", "item.started", "text", "init"])


@given(st.sampled_from(sorted(READERS)), st.dictionaries(_KEYS, _WORDS | _JSON))
def test_nothing_is_raised_whatever_is_printed(output: str, event: dict[str, Any]) -> None:
    for line in tell_run(output, [json.dumps(event)]):
        assert "\x1b" not in line
