"""Rows of agents, in words."""

from __future__ import annotations

from typing import Any

import pytest

from cash.cli.agents.listing import HEADS, cells_of, grouped, summary


def agent(name: str, status: str = "idle", **more: Any) -> dict[str, Any]:
    state = {"source": "hook", "age_seconds": 75.4}
    return {
        "name": name,
        "status": status,
        "mode": "full",
        "provider": "claude",
        "branch": f"agent/{name}",
        "process_kind": "node",
        "cpu_percent": 12.6,
        "memory_bytes": 1_500_000,
        "ports": [],
        "state": state,
        **more,
    }


def test_a_row_says_what_is_known() -> None:
    row = dict(zip(HEADS, cells_of(agent("alice", "running", ports=[3000, 8080])), strict=True))
    assert row == {
        "name": "alice",
        "status": "running",
        "for": "1 min",
        "by": "hook",
        "mode": "full",
        "provider": "claude",
        "branch": "agent/alice",
        "runs": "node",
        "cpu": "13%",
        "memory": "1.5 MB",
        "ports": "3000,8080",
    }


def test_what_is_not_known_is_a_dash() -> None:
    unknown = agent("a", process_kind=None, cpu_percent=None, memory_bytes=None)
    unknown["state"]["age_seconds"] = None
    row = dict(zip(HEADS, cells_of(unknown), strict=True))
    assert [row[head] for head in ("for", "runs", "cpu", "memory", "ports")] == ["-"] * 5


def test_a_batch_stands_together_and_the_rest_comes_first() -> None:
    agents = [agent("a", batch="b1"), agent("b"), agent("c", batch="b2"), agent("d", batch="b1")]
    names = [(batch, [one["name"] for one in rows]) for batch, rows in grouped(agents)]
    assert names == [("", ["b"]), ("b1", ["a", "d"]), ("b2", ["c"])]
    assert grouped([]) == []


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "0 agents"),
        (["idle"], "1 agent: 1 idle"),
        (["idle", "running", "idle", "error"], "4 agents: 2 idle, 1 error, 1 running"),
    ],
)
def test_a_summary_counts(statuses: list[str], expected: str) -> None:
    assert summary([agent("a", status) for status in statuses]) == expected
