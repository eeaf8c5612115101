"""What others hold, as a keeper alone knows it: which writes it refuses, and how that is said."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from walled import KINDS, Walled, stand_up, tear_down

from cash.guard.claim import Holder, Moment, Wish, pack_claim
from cash.guard.clock import read_clock
from cash.guard.pattern import read_pattern
from cash.guard.table import Table

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module", params=KINDS)
def standing(request: pytest.FixtureRequest) -> Iterator[Walled]:
    made = stand_up(request.param)
    yield made
    tear_down(made)


@pytest.fixture
def walled(standing: Walled) -> Iterator[Walled]:
    """Walls in whose tree bob holds what is below `held`."""
    folder = standing.view.tree / "held"
    folder.mkdir(exist_ok=True)
    os.chown(folder, *standing.view.owner)
    standing.link.claim([_claim("held/**")], whole=True)
    yield standing
    standing.link.claim([], whole=True)


def _claim(*globs: str, seconds: float = 3600.0, at: Moment | None = None) -> dict[str, Any]:
    table = Table(iter(range(1, 1000)).__next__)
    wish = Wish("reservation", read_pattern(globs), Holder("bob", "b"), why="work", seconds=seconds)
    claim = table.take(wish, at or read_clock())
    assert claim is not None
    return pack_claim(claim)


def test_a_held_file_cannot_be_written_and_others_can(walled: Walled) -> None:
    ran = walled.sh("echo x > held/a; echo x > free && rm free; cat held/a")
    first, second, busy, missing = ran.err.splitlines()
    assert first.startswith("polis: held/a is held by bob since ")
    assert first.endswith(", with held/**: work")
    assert second.startswith("hint: ")
    assert busy.endswith("held/a: Device or resource busy")
    assert missing.endswith("No such file or directory")


def test_it_is_said_once_a_command_and_path(walled: Walled) -> None:
    ran = walled.sh("for n in 1 2 3; do echo x > held/a; done; echo x > held/b")
    assert ran.err.count("polis: held/a is held") == 1
    assert ran.err.count("polis: held/b is held") == 1
    assert ran.err.count("busy") == 4


def test_what_comes_and_goes_is_in_force_at_once(walled: Walled) -> None:
    assert "busy" in walled.sh("touch held/a").err
    walled.link.claim([], [1])
    assert walled.sh("touch held/a && rm held/a").err == ""
    walled.link.claim([_claim("held/x")])
    assert walled.sh("touch held/a && rm held/a").err == ""
    assert "busy" in walled.sh("touch held/x").err


def test_time_runs_out_without_anybody_saying_so(walled: Walled) -> None:
    walled.link.claim([_claim("held/**", seconds=1.0)], whole=True)
    assert "busy" in walled.sh("touch held/a").err
    time.sleep(1.1)
    assert walled.sh("touch held/a && rm held/a").err == ""


def test_who_reads_nothing_does_not_hold_the_keeper_up(walled: Walled) -> None:
    """The writer's standard error is a pipe that is full."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    try:
        while True:
            os.write(theirs, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(theirs, True)
    program = "import os\ntry: open('held/a', 'w')\nexcept OSError as e: os._exit(e.errno)"
    argv = ("/usr/bin/python3", "-I", "-S", "-c", program)
    client = walled.start(*argv, descriptors={2: theirs})
    frames = walled.finish(client)
    assert frames[-1][1] == b"16"
    os.close(ours)
    os.close(theirs)
    assert walled.sh("echo on").out == "on\n"


@pytest.mark.parametrize("kind", ["pipe", "socket", "nothing", "closed"])
def test_it_is_said_wherever_the_writers_errors_go(walled: Walled, kind: str) -> None:
    ours, theirs = os.pipe() if kind == "pipe" else _pair()
    line = {"nothing": "exec 2>/dev/null; ", "closed": "exec 2>&-; "}.get(kind, "")
    os.fchown(theirs, *walled.view.owner)  # as its own user's client makes it
    client = walled.start("bash", "-c", f"{line}>held/a", descriptors={2: theirs})
    os.close(theirs)
    assert walled.finish(client)[-1][1] == b"1"
    with open(ours, "rb") as file:
        said = file.read()
    assert (b"polis: held/a is held by bob" in said) is (kind in ("pipe", "socket"))


def _pair() -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


def test_a_thread_other_than_the_first_is_told_too(walled: Walled) -> None:
    ran = walled.python(
        "import threading\n"
        "def write():\n"
        "    try: open('held/a', 'w')\n"
        "    except OSError as fault: print(fault.errno)\n"
        "one = threading.Thread(target=write); one.start(); one.join()\n"
    )
    assert ran.out == "16\n"
    assert "polis: held/a is held by bob" in ran.err


def test_a_folder_takes_nothing_held_along(walled: Walled) -> None:
    walled.sh("mkdir -p top/x new/y && touch top/x/held new/y/held")
    walled.link.claim([_claim("top/*/held", "to/y/held")], whole=True)
    ran = walled.sh("mv top other; mv top/x y; mv new to")
    assert ran.err.count("busy") == 3, ran.err
    assert walled.sh("ls -d top/x/held new/y/held").status == 0
    walled.link.claim([], whole=True)
    walled.sh("rm -rf top new")


def test_a_passing_name_of_a_held_file_is_held(walled: Walled) -> None:
    # polis' own hand has its folder open, and what stands there by then is renamed in it.
    walled.sh("mkdir -p d && touch d/x.txt.tmp.12.9011500000000")
    walled.link.claim([_claim("res/x.txt")], whole=True)
    ran = walled.sh("mv d res; echo x > res/x.txt.tmp.1.abcdef0123456789")
    assert ran.err.count("busy") + ran.err.count("No such file") == 2, ran.err
    assert walled.sh("ls d/x.txt.tmp.12.9011500000000 && ! ls -d res").status == 0
    walled.link.claim([], whole=True)
    walled.sh("rm -rf d res")


def test_ten_thousand_are_told_at_once(walled: Walled) -> None:
    many = [pack for n in range(10_000) for pack in [_claim(f"held/{n}/x")]]
    for number, pack in enumerate(many):
        pack["fence"] = number + 1
    walled.link.claim(many, whole=True)
    began = time.monotonic()
    assert "busy" in walled.sh("mkdir -p held/9999; touch held/9999/x").err
    assert walled.sh("for n in $(seq 200); do echo > held/$n.tmp; done; rm held/*.tmp").err == ""
    assert time.monotonic() - began < 60
