"""polis policy list: the rules that hold here."""

from __future__ import annotations

import os

from cash.cli.printing import json_option, print_columns, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis policy list", "polis policy list --json | jq -r '.[].id'", name="list")
@json_option
def command(as_json: bool) -> None:
    """List the rules of every layer that hold where you stand."""
    from cash.cli.policy.here import load_here

    policy = load_here()
    rules = [
        {
            "id": rule.id,
            "on": sorted(rule.kinds),
            "decision": rule.decision.word,
            "reason": rule.reason,
            "hint": rule.hint,
            "locked": rule.locked,
            "layer": rule.origin.layer,
            "file": rule.origin.file,
            "line": rule.origin.line,
        }
        for rule in policy.rules
    ]
    if as_json:
        print_json(rules)
        return
    heads = ("rule", "on", "decides", "from")
    rows = [
        (
            rule.id,
            ",".join(sorted(rule.kinds)),
            rule.decision.word,
            f"{rule.origin.layer}: {os.path.basename(rule.origin.file)}:{rule.origin.line}",
        )
        for rule in policy.rules
    ]
    print_columns(heads, rows)
    for note in policy.notes:
        print_text(f"note: {note}")
