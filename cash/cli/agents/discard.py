"""polis agents discard: take an agent's work back; it is kept first."""

from __future__ import annotations

import click

from cash.cli.asking import confirm
from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.cli.work import Work, counted, look, pathspecs, show_changes, show_commits
from cash.faults import UsageFault
from cash.hub.changes import Commit, list_changes, list_commits


@make_command(
    "polis agents discard alice",
    "polis agents discard alice src/shop.py",
    "polis agents discard alice --all --yes",
    "polis agents discard alice --undo",
    name="discard",
)
@agent_argument
@click.argument("paths", metavar="[PATH…]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Its commits too, but for merged ones.")
@click.option("--undo", is_flag=True, help="Bring back what was discarded last, or as --number.")
@click.option("--number", metavar="N", default="", help="With --undo: which time it was.")
@click.option("--force", is_flag=True, help="Even while the agent works.")
@click.option("--yes", is_flag=True, help="Discard without asking.")
@json_option
def command(
    name: str,
    paths: tuple[str, ...],
    everything: bool,
    undo: bool,
    number: str,
    force: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Throw away what the agent NAME has not committed: all of it, or PATHs.

    First it shows what would go, and asks. The tree is kept as it was, and the way back is
    printed. Ignored files stay, and with --all what your branch has of its commits.
    """
    if undo:
        _bring_back(name, number, force=force, as_json=as_json)
        return
    work = look(name)
    if work.running and not force:
        raise UsageFault(f"{name} is running", hint=f"polis agents stop {name}, or --force")
    wanted = pathspecs(work, paths)
    to = work.since if everything else work.head
    changes = list_changes(work.repository, to, work.work, wanted)
    if not changes and to == work.head:
        if everything:
            raise UsageFault(f"{name} has nothing that is not merged")
        raise UsageFault(
            f"{name} has nothing uncommitted{' there' if paths else ''}",
            hint=f"polis agents diff {name} shows its work; --all takes its commits too",
        )
    goes = "goes" if len(changes) == 1 else "go"
    click.echo(f"{counted(len(changes), 'file')} of {name} {goes} back to {to[:12]}:", err=True)
    show_changes(changes)
    gone, stay = _commits(work, to) if everything and not paths else ((), 0)
    if gone:
        click.echo(f"with {counted(len(gone), 'commit')}:", err=True)
        show_commits(gone)
    they = "it stays" if stay == 1 else "they stay"
    merged = f"; your branch has {counted(stay, 'commit')} before that: {they}" if stay else ""
    hint = f"polis agents discard {name}{' --all' if everything else ''} --yes"
    confirm(f"Discard this work of {name}?", yes=yes, hint=hint)
    fields = {"seen": work.work, "to": to, "paths": wanted, "force": force}
    answer = ask("discarding", "work.discard", agent=name, **fields)
    back = f"polis agents discard {name} --undo --number {answer['saved'].split('/')[-2]}"
    if as_json:
        told = {"to": to, "commits": [one.id for one in gone], "kept_commits": stay}
        print_json({**answer, **told, "way_back": back})
        return
    files, them = (
        counted(len(answer["paths"]), "file"),
        "it" if len(answer["paths"]) == 1 else "them",
    )
    taken = f", and {counted(len(gone), 'commit')} with {them}" if gone else ""
    print_text(f"{files} of {name} went back to {to[:12]}{taken}{merged}")
    print_text(f"the way back: {back}")


def _commits(work: Work, to: str) -> tuple[tuple[Commit, ...], int]:
    """Those that go, newest first, and how many since its start stay."""
    gone = list_commits(work.repository, work.head, [to])
    return gone, len(list_commits(work.repository, to, [work.begun]))


def _bring_back(name: str, number: str, *, force: bool, as_json: bool) -> None:
    answer = ask("bringing it back", "work.restore", agent=name, number=number, force=force)
    if as_json:
        print_json(answer)
        return
    if not answer["paths"]:  # its branch brought all of it
        print_text(f"{name} is on its commit again, with its files as they were")
        return
    are = "is as it was" if len(answer["paths"]) == 1 else "are as they were"
    print_text(f"{counted(len(answer['paths']), 'file')} of {name} {are}")
