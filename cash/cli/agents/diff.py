"""polis agents diff: what an agent has changed, committed or not."""

from __future__ import annotations

import signal

import click

from cash.cli.calls import agent_argument
from cash.cli.printing import flush_output, json_option, print_json, print_text, shows_colour
from cash.cli.table import command as make_command
from cash.cli.work import Work, look, pathspecs, tell
from cash.faults import Fault
from cash.hub.changes import PLAIN, list_changes

# Whoever reads the output stopped reading: the pager was left.
_UNREAD = (-signal.SIGPIPE, 128 + signal.SIGPIPE)


@make_command(
    "polis agents diff alice",
    "polis agents diff alice --stat src",
    "polis agents diff alice --json | jq -r '.files[].path'",
    name="diff",
)
@agent_argument
@click.argument("paths", metavar="[PATH…]", nargs=-1)
@click.option("--stat", is_flag=True, help="Only the files, and how many lines each.")
@json_option
def command(name: str, paths: tuple[str, ...], stat: bool, as_json: bool) -> None:
    """Show what the agent NAME has changed: committed, not committed, and new files.

    It is compared with the commit at which the agent left what you have. Ignored files are not
    looked at.
    """
    work = look(name)
    wanted = pathspecs(work, paths)
    if as_json:
        print_json(_describe(work, wanted))
        return
    for path in work.left_out:
        tell(f"not shown, git cannot take it: {path}")
    git = work.repository.git
    if git.try_run("diff", "--quiet", *PLAIN, work.since, work.work, "--", *wanted)[0] == 0:
        print_text(f"{name} has changed nothing{' there' if paths else ''}")
        return
    flush_output()
    # Of what git would take for a terminal's: NO_COLOR is not known to it.
    colour = () if shows_colour() else ("--no-color",)
    form = ("--stat",) if stat else ()
    status = git.attend("diff", *PLAIN, *colour, *form, work.since, work.work, "--", *wanted)
    if status in _UNREAD:
        raise BrokenPipeError
    if status:
        raise Fault("git diff failed", hint="it says above why")


def _describe(work: Work, paths: list[str]) -> dict[str, object]:
    changes = list_changes(work.repository, work.since, work.work, paths)
    return {
        "name": work.name,
        "branch": work.branch or None,
        "base": work.since,
        "head": work.head,
        "work": work.work,
        "uncommitted": work.uncommitted,
        "left_out": list(work.left_out),
        "files": [change.describe() for change in changes],
    }
