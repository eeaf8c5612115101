"""polis policy batch: verdicts on many lines, for corpora and CI."""

from __future__ import annotations

import json
import sys

from cash.cli.policy.options import level_option
from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.faults import UsageFault


@make_command(
    "polis policy batch <lines.jsonl >verdicts.jsonl",
    """echo '{"id": 1, "command": "rm -rf /"}' | polis policy batch""",
    name="batch",
)
@level_option
def command(level: str) -> None:
    """Judge many lines: JSON objects {"id", "command"} on standard input, one a line.

    For each one {"id", "decision", "rules", "commands"} is printed, in the same order; for one
    that is no such object {"id", "error"}, and the exit code is 64.
    """
    from cash.cli.policy.here import context_here, layers_here
    from cash.policy.explain import explain_batch
    from cash.policy.load import load_policy
    from cash.syntax import read

    policy = load_policy(layers_here())
    bad = 0
    for found in explain_batch(sys.stdin.buffer, policy, context_here(level), read):
        bad += "error" in found
        print_text(json.dumps(found))
    if bad:
        rows = "1 row of the input was" if bad == 1 else f"{bad} rows of the input were"
        raise UsageFault(
            f"{rows} not understood",
            hint='one JSON object a line: {"id": 1, "command": "ls -l"}',
        )
