"""polis policy lint: whether policy files load, and whether what they suggest is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from cash.cli.policy.here import Judge, judge_here, layers_here
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.faults import USAGE
from cash.policy.layers import Layer
from cash.policy.load import load_policy
from cash.policy.verdict import Decision


@make_command(
    "polis policy lint", "polis policy lint .polis/policy.yaml ci/rules.yaml", name="lint"
)
@click.argument("files", metavar="[FILE]…", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@json_option
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Check policy FILEs together with the layers that hold here; those alone, if none is named.

    Every example is judged, and every hint that is a command must itself be allowed. Exits 64
    when something is wrong.
    """
    judge = judge_here("balanced")
    if files:
        extra = Layer("files", tuple(Path(file) for file in files), tighten_only=False)
        judge = Judge(load_policy((*layers_here(), extra)), judge.context)
    complaints = list(_complain(judge))
    if as_json:
        print_json({"rules": len(judge.policy.rules), "complaints": complaints})
    else:
        for complaint in complaints:
            print_text(complaint)
        print_text(f"{len(judge.policy.rules)} rules, {len(complaints)} complaints")
    return USAGE if complaints else 0


def _complain(judge: Judge) -> Iterator[str]:
    for rule in judge.policy.rules:
        if rule.hint is None:
            continue
        verdict = judge.explain(rule.hint)
        if Decision[verdict["decision"].upper()] >= Decision.ASK:
            by = ", ".join(found["id"] for found in verdict["rules"])
            place = f"{rule.origin.file}:{rule.origin.line}"
            yield f"{place}: the hint of {rule.id} is not allowed itself (by {by}): {rule.hint}"
