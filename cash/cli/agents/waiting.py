"""Waiting for agents, as several commands do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cash.cli.calls import ask


def wait_for(names: Sequence[str], states: Sequence[str], seconds: float | None) -> dict[str, Any]:
    """polisd's answer: states by name, reached, late."""
    fields: dict[str, Any] = {"agents": list(names), "for": list(states)}
    if seconds is not None:
        fields["seconds"] = seconds
    return ask(f"waiting for {', '.join(names)}", "agents.wait", **fields)
