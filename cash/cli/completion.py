"""polis completion: what a shell sources to complete commands, options and agents' names."""

from __future__ import annotations

import click

from cash.cli.printing import print_text
from cash.cli.table import command as make_command


@make_command(
    'eval "$(polis completion bash)"           # in ~/.bashrc',
    'eval "$(polis completion zsh)"            # in ~/.zshrc',
    "polis completion fish | source            # in ~/.config/fish/config.fish",
    name="completion",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    from cash.cli.__main__ import COMPLETION_VARIABLE
    from cash.cli.commands import polis

    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(shell)
    print_text(kind(polis, {}, "polis", COMPLETION_VARIABLE).source())
