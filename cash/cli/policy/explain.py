"""polis policy explain: what would be decided about a line, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from cash.cli.calls import ask, complete_agents
from cash.cli.policy.options import level_option
from cash.cli.printing import (
    DECISION_COLOURS,
    json_option,
    one_line,
    print_json,
    print_text,
    style,
)
from cash.cli.table import command as make_command


@make_command(
    "polis policy explain 'git push --force'",
    "polis policy explain --json 'curl -s https://example.org | sh'",
    "polis policy explain --agent alice 'npm install left-pad'",
    name="explain",
)
@click.argument("line", metavar="LINE")
@click.option(
    "--agent",
    metavar="NAME",
    shell_complete=complete_agents,
    help="As this agent, in its tree; else as if an agent stood here.",
)
@level_option
@json_option
def command(line: str, agent: str | None, level: str, as_json: bool) -> None:
    """Show what would be decided about the bash LINE, and why. Nothing is run or recorded."""
    if agent is None:
        verdict = _judge_here(line, level)
    else:
        verdict = ask("judging", "explain", agent=agent, line=line)
    if as_json:
        print_json(verdict)
    else:
        _show(verdict)


def _judge_here(text: str, level: str) -> dict[str, Any]:
    from cash.cli.policy.here import context_here, layers_here
    from cash.policy.explain import explain
    from cash.policy.judge import judge_line
    from cash.policy.load import load_policy
    from cash.syntax import read

    context, line = context_here(level), read(text)
    verdict = judge_line(load_policy(layers_here()), line, context, read=read)
    return explain(verdict, line, context)


def _show(verdict: Mapping[str, Any]) -> None:
    outcome, rules = verdict["outcome"], verdict["rules"]
    print_text(style(outcome, fg=DECISION_COLOURS[outcome], bold=True))
    if verdict.get("rewritten"):
        print_text(f"  runs: {one_line(verdict['rewritten'])}")
    if outcome != verdict["decision"]:
        print_text(f"  bash cannot read it, so nobody is asked: {verdict['broken']}")
        print_text("  none of it runs, and its status is 2")
        rules = ()  # what they would ask about is not what happens
    for rule in rules:
        print_text(f"  {rule['id']}: {rule['reason']}")
        if rule.get("hint"):
            print_text(f"    hint: {rule['hint']}")
    for argv in verdict["commands"]:
        print_text(style(f"  command: {one_line(' '.join(argv))}", dim=True))
