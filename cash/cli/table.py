"""Groups that know their commands by a literal table and import a command only when it runs."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

# What is no slip of the fingers, but the habit of another program.
_OTHER_NAMES = {
    **dict.fromkeys(("rm", "del", "delete"), ("remove", "uninstall")),
    **dict.fromkeys(("ls", "ps", "status"), ("list", "agents")),
    **dict.fromkeys(("new", "create", "mk"), ("add",)),
    **dict.fromkeys(("info", "cat", "describe", "view", "get"), ("show", "list")),
    **dict.fromkeys(("kill", "halt"), ("stop", "down")),
    **dict.fromkeys(("check", "validate"), ("lint", "doctor")),
    **dict.fromkeys(("run",), ("exec", "agents")),
    **dict.fromkeys(("start",), ("up", "shell")),
    **dict.fromkeys(("approve", "allow"), ("allow", "approvals")),
    **dict.fromkeys(("deny", "questions"), ("deny", "approvals")),
    **dict.fromkeys(("history", "journal", "logs"), ("log",)),
    **dict.fromkeys(("adopt",), ("init",)),
}


class Command(click.Command):
    """A command whose help ends in examples."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, one a line as typed."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class Table(click.Group):
    """entries: command name → "module:attribute". default: the command that a bare name stands
    for (`polis approvals` is `polis approvals list`)."""

    def __init__(
        self,
        *,
        entries: Mapping[str, str],
        default: str | None = None,
        hidden_entries: frozenset[str] = frozenset(),
        examples: Sequence[str] = (),
        **attributes: Any,
    ) -> None:
        super().__init__(no_args_is_help=default is None, **attributes)
        self.entries = entries
        self.default = default
        self.hidden_entries = hidden_entries
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names in the table's order, the hidden ones left out."""
        return [name for name in self.entries if name not in self.hidden_entries]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """Imports the command of that name; None when there is none."""
        place = self.entries.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute or "command")
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A bare group, or one with options of its default command, means that command."""
        if self.default is not None and not self._names_a_command(args):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def _names_a_command(self, args: Sequence[str]) -> bool:
        if not args:
            return False
        return args[0] in ("--help", "-h") or not args[0].startswith("-")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, naming the nearest command when there is none of that name."""
        if args and args[0] not in self.entries:
            if ctx.resilient_parsing:  # half a line, to be completed: nothing can follow
                return args[0], click.Command(args[0], add_help_option=False), args[1:]
            near = self._other_name(args[0]) or nearest(args[0], self.list_commands(ctx))
            message = f"there is no command {ctx.command_path} {args[0]}"
            raise click.UsageError(message + (f"; did you mean {near}?" if near else ""), ctx)
        return super().resolve_command(ctx, args)

    def _other_name(self, word: str) -> str | None:
        """The command here that other programs call so."""
        return next((one for one in _OTHER_NAMES.get(word, ()) if one in self.entries), None)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, one a line as typed."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


def command(*examples: str, **attributes: Any) -> Callable[[Callable[..., Any]], Command]:
    """Makes a function a command with these examples in its help."""
    return click.command(cls=Command, examples=examples, **attributes)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """The section every help text ends in."""
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def nearest(word: str, choices: Sequence[str]) -> str | None:
    """The choice most like `word`, or None when none is."""
    found = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return found[0] if found else None
