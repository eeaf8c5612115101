"""polis policy: the table of its commands."""

from __future__ import annotations

from cash.cli.table import Table

command = Table(
    name="policy",
    help="Ask what the rules say, see them, check them.",
    entries={
        "explain": "cash.cli.policy.explain",
        "batch": "cash.cli.policy.batch",
        "list": "cash.cli.policy.list",
        "lint": "cash.cli.policy.lint",
        "level": "cash.cli.policy.level",
        "trust": "cash.cli.policy.trust",
        "schema": "cash.cli.policy.schema",
    },
    examples=(
        "polis policy explain 'git push --force'",
        "polis policy list",
        "polis policy lint .polis/policy.yaml",
    ),
)
