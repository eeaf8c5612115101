"""polis uninstall: undo what init and agents add did."""

from __future__ import annotations

from typing import Any

import click

from cash.cli.asking import confirm
from cash.cli.calls import ask, places
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.cli.work import counted
from cash.faults import UsageFault


@make_command("polis uninstall", "polis uninstall --purge --yes", name="uninstall")
@click.option("--purge", is_flag=True, help="Also delete the journal and archives.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
def command(purge: bool, yes: bool, as_json: bool) -> None:
    """Remove polis from this repository.

    First it shows which agents go and what of their work is merged nowhere, and asks. Agents'
    branches stay, and what was on no branch becomes branches polis-saved/…. Then every agent, its
    walls and its state are removed; the journal stays unless purged, and so do the archives that
    were kept for 30 days of agents removed before.
    """
    answer = _remove(purge=purge, yes=yes)
    if as_json:
        print_json(answer)
        return
    if answer["agents"]:
        print_text(f"removed: {', '.join(answer['agents'])}, with tree, walls and private home")
    branches = answer["branches"]
    for branch in branches:
        print_text(f"kept: branch {branch} (git log -p HEAD..{branch})")
    if branches:
        print_text(f"those that are merged go with: git branch -d {' '.join(branches)}")
    archives = _archives(answer["archives"])
    if answer["journal"]:
        print_text(f"kept: the journal{archives}, {answer['journal']} (rm -r deletes it)")
    elif archives:
        print_text(f"gone: the journal{archives}")
    for name in [] if answer["others"] else _accounts():
        print_text(f"kept: your account of {name} (polis agents logout {name} forgets it)")
    print_text("polis is removed from this repository")


def _accounts() -> list[str]:
    """The providers whose account is in polis' state: the user's, not a repository's."""
    found = (places().state / "accounts").glob("*/*")
    return sorted({one.parent.name for one in found if one.name in ("key", "home")})


def _remove(*, purge: bool, yes: bool) -> dict[str, Any]:
    """polisd does it. It is started only where something can be removed, and does not stay when
    it was down before or has nothing left to care for."""
    from cash.daemon.client import is_running, stop
    from cash.hub.adoption import adopted_roots

    was_running = is_running(places())
    if not was_running and not adopted_roots(places()):
        raise UsageFault("no repository is under polis", hint="nothing is left to remove")
    others = 1
    try:
        if not yes:
            _confirm(ask("looking at what is there", "uninstall.look"), purge=purge)
        answer = ask("removing", "uninstall", purge=purge)
        others = answer["others"]
    finally:
        if not was_running or not others:
            stop(places())
    return answer


def _confirm(found: dict[str, Any], *, purge: bool) -> None:
    for agent in found["agents"]:
        click.echo(f"  {agent['name']:<10}  {agent['branch']}: {_standing(agent)}", err=True)
    if found["agents"]:
        click.echo("branches stay; what is on none becomes branches polis-saved/…", err=True)
    archives = _archives(found["archives"])
    goes = ("go too" if purge else "stay") if archives else ("goes too" if purge else "stays")
    journal = f"the journal{archives}, {found['journal']}, {goes}"
    click.echo(journal, err=True)
    again = f"polis uninstall{' --purge' if purge else ''} --yes"
    confirm(f"Remove polis from {found['root']}?", yes=False, hint=again)


def _archives(count: int) -> str:
    """Of agents removed before (polis agents remove says where each is)."""
    return f" and {counted(count, 'archive')} of removed agents' files" if count else ""


def _standing(agent: dict[str, Any]) -> str:
    """What of an agent's work is not on the user's own branch."""
    unmerged = counted(agent["unmerged"], "commit") + " not merged" if agent["unmerged"] else ""
    said = [
        unmerged,
        "work not carried over yet" if agent["unimported"] else "",
        "uncommitted files" if agent["dirty"] else "",
        agent["trouble"],
    ]
    standing = ", ".join(filter(None, said)) or "all merged"
    return f"{standing}; commands run" if agent["running"] else standing
