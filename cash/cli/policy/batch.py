"""polis policy batch: verdicts on many lines, for corpora and CI."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from cash.cli.policy.options import level_option
from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.faults import UsageFault

_KEPT = ("decision", "rules", "commands")


@make_command(
    "polis policy batch <lines.jsonl >verdicts.jsonl",
    """echo '{"id": 1, "command": "rm -rf /"}' | polis policy batch""",
    name="batch",
)
@level_option
def command(level: str) -> None:
    """Judge many lines: JSON objects {"id", "command"} on standard input, one a line.

    For each one {"id", "decision", "rules", "commands"} is printed, in the same order.
    """
    from cash.cli.policy.here import judge_here

    judge = judge_here(level)
    for number, asked in _read():
        verdict = judge.explain(asked["command"])
        rules = [rule["id"] for rule in verdict["rules"]]
        found = {"id": asked.get("id", number), **{key: verdict[key] for key in _KEPT}}
        print_text(json.dumps(found | {"rules": rules}, ensure_ascii=True))


def _read() -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects with their line numbers. UsageFault names the line that is none."""
    for number, text in enumerate(sys.stdin.buffer, 1):
        if not text.strip():
            continue
        try:
            asked = json.loads(text)
            if not isinstance(asked["command"], str):
                raise TypeError("command")
        except (ValueError, TypeError, KeyError) as fault:
            raise UsageFault(
                f"line {number} of the input is no JSON object with a command",
                hint='one a line: {"id": 1, "command": "ls -l"}',
            ) from fault
        yield number, asked
