"""polis tour: what make demo shows."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.cli.tour.guide import Guide
from cash.cli.tour.own import check_own, find_own, free_name
from cash.cli.tour.repository import make_repository
from cash.cli.tour.stops import walk


@make_command("polis tour", "polis tour --repository ~/src/shop", name="tour", hidden=True)
@click.option("--repository", metavar="REPO", help="Yours, instead of a small one made for this.")
@click.option("--folder", metavar="DIR", default=".demo", help="Where the tour keeps its things.")
def command(repository: str | None, folder: str) -> None:
    """Show polis at work: two agents, and commands that are allowed, rewritten, asked and refused.

    The tour has a home, a state and a daemon of its own in DIR and removes its agents at the end.
    It stops at the first command that does not end as it should, and exits 125.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # polisd is stopped also then
    place = Path(folder).absolute()
    environment = _environment(place)
    own = find_own(repository) if repository else None
    _clear(place, environment, own)
    if own:
        check_own(own)
    settle(place)
    try:
        guide = Guide(own or make_repository(place / "shop"), environment)
        alice, bob = (free_name(guide.folder, name) for name in ("alice", "bob"))
        if own:
            _warn(own, alice, bob)
        walk(guide, alice, bob, shop=own is None)
        if sys.stdin.isatty() and sys.stdout.isatty():
            _enter(guide, alice)
    finally:
        if own:
            _take_back(own, environment)
        _polis(environment, place, "down")


def _environment(place: Path) -> dict[str, str]:
    """A home and a state of the tour's own below `place`."""
    return dict(os.environ) | {
        "HOME": os.fspath(place / "home"),
        "XDG_STATE_HOME": os.fspath(place / "state"),
        "XDG_CONFIG_HOME": os.fspath(place / "home/.config"),
        "XDG_RUNTIME_DIR": os.fspath(place / "run"),
    }


def _clear(place: Path, environment: Mapping[str, str], own: Path | None) -> None:
    """Removes an earlier tour; one that was killed has left agents in the user's repository."""
    if (place / "state").exists():
        if own:
            _take_back(own, environment)
        _polis(environment, place, "down")
    shutil.rmtree(place, ignore_errors=True)


def settle(place: Path) -> None:
    """Makes the tour's home."""
    for name in ("home/.ssh", "run"):
        (place / name).mkdir(parents=True, mode=0o700)
    (place / "home/.ssh/id_ed25519").write_text("a private key, for the tour to look for\n")
    (place / "home/.gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")


def _enter(guide: Guide, alice: str) -> None:
    guide.say(f"Now you: this is {alice}'s shell. Ctrl-D leaves it.")
    subprocess.run(
        [Path(sys.executable).parent / "polis", "shell", alice],
        cwd=guide.folder,
        env=guide.environment,
        check=False,
    )


def _warn(own: Path, alice: str, bob: str) -> None:
    print_text(f"This works on your own repository, {own}: it adds the agents {alice} and {bob},")
    print_text("each with a branch and a linked worktree, and removes them at the end.")
    print_text("Cut short, the same command again clears up first.")


def _take_back(own: Path, environment: Mapping[str, str]) -> None:
    said = _polis(environment, own, "uninstall", "--purge", "--yes", "--json", quietly=True)
    branches = json.loads(said)["branches"] if said else []
    if branches:
        kept = " ".join(branches)
        print_text(f"\nThe tour's agents are gone from {own}; this deletes their branches:")
        print_text(f"  git -C {shlex.quote(os.fspath(own))} branch -D {kept}")


def _polis(environment: Mapping[str, str], place: Path, *argv: str, quietly: bool = False) -> str:
    ran = subprocess.run(
        [Path(sys.executable).parent / "polis", *argv],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quietly else None,
        text=True,
        check=False,
    )
    return ran.stdout
