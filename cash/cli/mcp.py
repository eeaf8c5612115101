"""polis mcp: the MCP server, which runs inside the walls only (hooks/inside/mcp.py)."""

from __future__ import annotations

from cash.cli.table import command as make_command
from cash.faults import UsageFault


@make_command("polis exec alice -- polis mcp", name="mcp")
def command() -> None:
    """Serve MCP on standard input and output, for an agent inside its walls: who am I, explain,
    explain a refusal, appeal."""
    raise UsageFault(
        "polis mcp runs inside an agent's walls, started by the agent's own program",
        hint="polis exec NAME -- polis mcp",
    )
