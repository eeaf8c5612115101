"""polis hook shell: what a shell sources, so that `git` in it is `polis git`."""

from __future__ import annotations

import click

from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.content import content_folder
from cash.hub.lock_table.table import LOOKING


@make_command(
    'eval "$(polis hook shell bash)"           # in ~/.bashrc',
    'eval "$(polis hook shell zsh)"            # in ~/.zshrc',
    "polis hook shell fish | source            # in ~/.config/fish/config.fish",
    name="shell",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a function for SHELL by which your own git takes its turn with agents' work.

    What only looks (status, log, diff) starts git itself, at its own speed. Programs that start
    git on their own, as editors do, are not reached.
    """
    name, gap = ("git.fish", " ") if shell == "fish" else ("git.sh", " | ")
    text = (content_folder("hooks") / "shell" / name).read_text()
    print_text(text.replace("@LOOKING@", gap.join(LOOKING)).rstrip())
