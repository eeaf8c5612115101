"""polis git: the user's own git, under the mutex of the hub."""

from __future__ import annotations

import click

from cash.cli.table import command as make_command


@make_command(
    "polis git fetch --prune",
    "polis git branch -m old new",
    "polis git -C ~/shop worktree add ../fix",
    name="git",
    # Everything is git's own, options and all.
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
)
@click.argument("words", metavar="WORDS…", nargs=-1, type=click.UNPROCESSED)
def command(words: tuple[str, ...]) -> int:
    """Run your own git, one at a time with all others that change the same things.

    Several gits at once in one repository fail over config.lock, take each other's stash and
    leave branches half made. Here those that would collide wait for each other: 5 s, or 30 s for
    what needs the repository for itself, and then say who is in the way. All else is as typed:
    terminal, hooks, signals and exit status. It needs no daemon; in a repository that polis has
    not adopted, git is just git.
    """
    from cash.hub.own_git import run_git

    return run_git(words)
