"""`polis mcp` inside the walls, spoken to by the official SDK's own client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from desk import Desk
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

pytestmark = pytest.mark.kernel


def _ask(desk: Desk, *calls: tuple[str, dict[str, Any]]) -> tuple[list[str], list[Any]]:
    """The tools there are, and what each call is answered. Its environment is the client's usual
    one, which has nothing of polis'."""
    server = StdioServerParameters(
        command="polis",
        args=["exec", "alice", "--", "env", "-i", "HOME=/tmp", "/run/polis/bin/polis", "mcp"],
        env=desk.installation.environment,
        cwd=desk.repository,
    )

    async def converse() -> tuple[list[str], list[Any]]:
        async with Client(stdio_client(server)) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            return tools, [await client.call_tool(name, given) for name, given in calls]

    return asyncio.run(asyncio.wait_for(converse(), 60))


def _text(result: Any) -> str:
    return str(result.content[0].text)


def test_its_tools_answer_as_polis_does(desk: Desk) -> None:
    assert desk.line("mkfs.ext4 /dev/x").status == 126
    tools, answers = _ask(
        desk,
        ("whoami", {}),
        ("explain", {"line": "rm -rf /"}),
        ("explain_refusal", {}),
        ("appeal", {"text": "may I?"}),
        ("appeal", {"text": ""}),
        ("explain", {}),
    )
    assert tools == [
        *("whoami", "explain", "explain_refusal", "appeal", "locks", "reserve", "release"),
    ]
    who, line, refusals, appeal, empty, nothing = answers
    assert who.structured_content["agent"] == "alice"
    assert line.structured_content["decision"] == "deny"
    assert refusals.structured_content["refusals"][0]["rule"] == "no-disk-tools"
    (question,) = json.loads(desk.polis("approvals", "--json").out)
    assert appeal.structured_content == {"id": question["id"], "answer": None}
    assert (empty.is_error, nothing.is_error) == (True, True)
    assert "there is nothing to ask a person" in _text(empty)
    # A line that is explained has not run, and nothing else was left.
    assert [one["body"]["rules"] for one in desk.log("exec")] == []


def test_an_agent_reserves_and_gives_back(desk: Desk) -> None:
    _, answers = _ask(
        desk,
        ("reserve", {"globs": ["src/**", "!src/x"], "lasting": "10m", "why": "a move"}),
        ("locks", {}),
        ("reserve", {"globs": ["../x"]}),
        ("release", {"globs": []}),
        ("locks", {}),
    )
    made, held, wrong, released, after = answers
    assert made.structured_content["paths"] == ["src/**", "!src/x"]
    claim = {name: made.structured_content[name] for name in held.structured_content["locks"][0]}
    assert held.structured_content["locks"] == [claim]
    assert "is outside of the repository's tree" in _text(wrong)
    assert released.structured_content["released"] == [claim]
    assert after.structured_content["locks"] == []


def test_garbage_on_its_input_ends_in_no_traceback(desk: Desk) -> None:
    ran = desk.polis("exec", "alice", "--", "polis", "mcp", input=b"garbage\n\xff\n{}\n")
    assert ran.status == 0
    assert "Traceback" not in ran.err


def test_without_the_sdk_it_says_what_to_install(desk: Desk) -> None:
    line = "python3 -I -S /run/polis/mcp.py"  # no packages
    ran = desk.line(line)
    assert (ran.status, ran.out) == (69, "")
    assert ran.err == (
        "polis: the MCP SDK is not installed\nhint: outside: pip install 'polis[mcp]'\n"
    )
