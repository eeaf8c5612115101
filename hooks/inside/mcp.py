"""`polis mcp`: what an agent may ask of polis, as tools of the Model Context Protocol.

It runs inside the walls, where the bytes of an agent's program are its own affair, and knows no
more than `polis whoami`, `polis explain` …: it asks by the same socket. Nothing of polis is
imported, only the official SDK, from the environment in which polis is installed.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

try:
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
except ImportError:
    sys.stderr.write(
        "polis: the MCP SDK is not installed\nhint: outside: pip install 'polis[mcp]'\n"
    )
    sys.exit(69)

_SECONDS = 10.0
_INSTRUCTIONS = (
    "You work inside polis' walls: every command and every write is judged by a policy. Ask here "
    "who you are, why something was refused, and whether a line would be allowed before you send "
    "it. "
    "Nothing here allows anything: a person answers what is asked."
)
server = MCPServer("polis", instructions=_INSTRUCTIONS, log_level="ERROR")


def _ask(head: str, body: str = "") -> dict[str, Any]:
    """The JSON that polisd answers; ToolError with its own words."""
    try:
        with socket.socket(socket.AF_UNIX) as polisd:
            polisd.settimeout(_SECONDS)
            polisd.connect(os.environ.get("POLIS_SOCKET") or "/run/polis/agent.sock")
            polisd.sendall(f"{head}\n{body}".encode("utf-8", "surrogateescape"))
            polisd.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: polisd.recv(65536), b""))
    except OSError as fault:
        raise ToolError(f"polisd does not answer: {fault}") from fault
    numbers, _, rest = answer.partition(b"\n")
    status, length = map(int, numbers.split())
    if status:
        raise ToolError(rest[length:].decode("utf-8", "replace").strip())
    found: dict[str, Any] = json.loads(rest[:length])
    return found


@server.tool()
def whoami() -> dict[str, Any]:
    """Who you are here: name, branch, tree, the policy's level, and which hosts may be reached."""
    return _ask("whoami")


@server.tool()
def explain(line: str) -> dict[str, Any]:
    """What would become of a bash line: allow, rewrite (and to what), ask or deny, with the reason
    and an allowed form. Nothing is run."""
    return _ask("explain", f"{os.getcwd()}\0{line}")


@server.tool()
def explain_refusal() -> dict[str, Any]:
    """The last things of yours that were refused or not answered in time, newest first: what, by
    which rule, why, and what to do instead."""
    return _ask("refusals")


@server.tool()
def appeal(text: str) -> dict[str, Any]:
    """Asks a person something, in plain words: that a rule is in your way, say. Send the same text
    again for the answer. It allows nothing by itself."""
    return _ask("appeal", text)


@server.tool()
def locks() -> dict[str, Any]:
    """Who holds which files of the repository: reservations and locks of all agents, and who
    waits. What another agent holds, you cannot write."""
    return _ask("locks")


@server.tool()
def reserve(globs: list[str], lasting: str = "1h", why: str = "") -> dict[str, Any]:
    """Keeps other agents from writing what the globs name (`src/**`, `!src/generated/**`), relative
    to where you started, for 30s, 10m, 2h or 1d. All or nothing; an error says who holds it. Give
    it back when you are done."""
    return _ask(
        "reserve", "\0".join([os.getcwd(), f"--for={lasting}", f"--why={why}", "--", *globs])
    )


@server.tool()
def release(globs: list[str]) -> dict[str, Any]:
    """Gives back what you have reserved with one of these globs; all of it, if there are none."""
    words = ["--", *globs] if globs else ["--all"]
    return _ask("release", "\0".join([os.getcwd(), *words]))


if __name__ == "__main__":
    server.run("stdio")
