"""polis agents prompt: says something to an agent at work."""

from __future__ import annotations

import sys

import click

from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command(
    'polis agents prompt alice "now the tests"',
    "git diff | polis agents prompt alice -",
    name="prompt",
)
@agent_argument
@click.argument("text", metavar="TEXT|-")
@json_option
def command(name: str, text: str, as_json: bool) -> None:
    """Give the agent NAME, which is at work, the prompt TEXT; - reads it from standard input.

    It is pasted as it is, up to 1 MB, line breaks included, and sent; this returns when that is
    seen to have had an effect. Never into a shell, nor while it waits for an answer.
    """
    said = read_text(text)
    answer = ask(f"prompting {name}", "agents.prompt", agent=name, text=said)
    if as_json:
        print_json(answer)
    else:
        print_text(f"{name} has it")


def read_text(text: str) -> str:
    """The text, or standard input for "-", without the line break it ends in."""
    if text != "-":
        return text
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape").removesuffix("\n")
