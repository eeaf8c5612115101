"""Questions of a command to the person at the terminal; without one, an option answers."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from cash.faults import UsageFault

# The status of a command whose question was answered with no.
_DECLINED = 1


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, yes: bool, hint: str) -> None:
    """Returns when it is to be done. yes: the option was given. UsageFault where nobody can be
    asked; the command ends when the answer is no."""
    if yes:
        return
    if not can_ask():
        raise UsageFault("nobody is there to say yes", hint=hint)
    if not answers_yes(question):
        decline()


def answers_yes(question: str) -> bool:
    """Asks on standard error: standard output is the command's answer. Enter means no."""
    said: str = click.prompt(
        f"{question} [y/N]", default="n", show_default=False, prompt_suffix=" ", err=True
    )
    return said.strip().lower() in ("y", "yes")


def answer_text(question: str, usual: str) -> str:
    """A line of text; Enter takes the usual one."""
    said: str = click.prompt(question, default=usual, err=True)
    return said.strip()


def decline() -> NoReturn:
    """Ends the command: the answer was no."""
    click.echo("nothing was changed", err=True)
    raise click.exceptions.Exit(_DECLINED)
