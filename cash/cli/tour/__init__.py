"""polis tour: what make demo shows."""

from __future__ import annotations

import os
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
from cash.cli.tour.repository import make_repository
from cash.cli.tour.stops import walk
from cash.faults import FAILED_CLOSED, UsageFault


@make_command("polis tour", "polis tour --repository ~/src/shop", name="tour", hidden=True)
@click.option("--repository", metavar="REPO", help="Yours, instead of a small one made for this.")
@click.option("--folder", metavar="DIR", default=".demo", help="Where the tour keeps its things.")
def command(repository: str | None, folder: str) -> int:
    """Show polis at work: two agents, and commands that are allowed, rewritten, asked and refused.

    The tour has a home, a state and a daemon of its own in DIR and removes its agents at the end.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # polisd is stopped also then
    place = Path(folder).absolute()
    environment = settle(place)
    try:
        root = _own(repository, environment) if repository else make_repository(place / "shop")
        guide = Guide(root, environment)
        walk(guide, shop=repository is None)
        if sys.stdin.isatty() and sys.stdout.isatty() and not guide.surprises:
            _enter(guide)
        if repository:
            guide.polis("uninstall", "--purge")
    finally:
        _polis(environment, place, "down")
    for surprise in guide.surprises:
        print_text(f"not as it should be: {surprise}")
    return FAILED_CLOSED if guide.surprises else 0


def settle(place: Path) -> dict[str, str]:
    """The tour's own home and state below `place`, made anew; its environment."""
    environment = dict(os.environ) | {
        "HOME": os.fspath(place / "home"),
        "XDG_STATE_HOME": os.fspath(place / "state"),
        "XDG_CONFIG_HOME": os.fspath(place / "home/.config"),
        "XDG_RUNTIME_DIR": os.fspath(place / "run"),
    }
    if (place / "state").exists():
        _polis(environment, place, "down")  # of a tour that was killed
    shutil.rmtree(place, ignore_errors=True)
    for name in ("home/.ssh", "run"):
        (place / name).mkdir(parents=True, mode=0o700)
    (place / "home/.ssh/id_ed25519").write_text("a private key, for the tour to look for\n")
    (place / "home/.gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    return environment


def _own(repository: str, environment: Mapping[str, str]) -> Path:
    asked = subprocess.run(
        ["git", "-C", repository, "rev-parse", "--show-toplevel"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        raise UsageFault(f"{repository} is no git repository", hint="REPO=… names another")
    return Path(asked.stdout.strip())


def _enter(guide: Guide) -> None:
    guide.say("Now you: this is alice's shell. Ctrl-D leaves it.")
    subprocess.run(
        [Path(sys.executable).parent / "polis", "shell", "alice"],
        cwd=guide.folder,
        env=guide.environment,
        check=False,
    )


def _polis(environment: Mapping[str, str], place: Path, *argv: str) -> None:
    subprocess.run(
        [Path(sys.executable).parent / "polis", *argv],
        cwd=place,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=False,
    )
