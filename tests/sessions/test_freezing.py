"""Everything of an agent stands still, by the freezer or by signals."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cash.daemon.hosting import Hosted
from cash.daemon.stillness import Stillness
from cash.faults import Fault
from cash.sessions import freezing
from cash.sessions.census import read_table
from cash.sessions.front import shell_in_front
from cash.workspace.agent import Agent

FAMILY = "while :; do :; done & while :; do (sleep 0.01); done"


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A process that counts, and one that starts others all the time."""
    with subprocess.Popen(["sh", "-c", FAMILY], start_new_session=True) as started:
        time.sleep(0.3)
        yield started
        for pid in _members(started.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)


def _members(group: int) -> frozenset[int]:
    found = read_table(0.0).processes.values()
    return frozenset(one.pid for one in found if one.group == group)


def _taken(group: int) -> int:
    ticks = 0
    for pid in _members(group):
        with contextlib.suppress(OSError):  # it has just ended
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks


KINDS = {"cgroup": "freezer.state", "cgroup2": "cgroup.freeze"}


@pytest.mark.parametrize("kind", ["cgroup", "cgroup2", "signal"])
def test_a_family_stands_still_and_goes_on(
    family: subprocess.Popen[bytes], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test-{os.getpid()}"
    all_places = freezing.places()
    wanted = [place for place in all_places if _kind_of(place) == kind]
    if kind != "signal" and not any(os.access(place, os.W_OK) for place in wanted):
        pytest.skip(f"no {kind} can be made here")
    monkeypatch.setattr(freezing, "places", lambda: wanted)

    def find() -> frozenset[int]:
        return _members(family.pid)

    done = freezing.freeze(name, find)
    assert done == ("signal" if kind == "signal" else "freezer")
    members, taken = find(), _taken(family.pid)
    time.sleep(0.5)
    assert (find(), _taken(family.pid)) == (members, taken)
    group = freezing._group(name)
    if kind == "signal":
        assert group is None
    else:
        assert group is not None
        assert (group / KINDS[kind]).exists()
    freezing.thaw(name, find)
    time.sleep(0.5)
    assert _taken(family.pid) > taken
    assert group is None or not group.is_dir()
    freezing.thaw(name, find)  # again is fine


def _kind_of(place: Path) -> str:
    """By the file that each group of the second version has, and none of the first."""
    return "cgroup2" if (place / "cgroup.controllers").exists() else "cgroup"


def test_what_cannot_be_held_still_goes_on(
    family: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "places", list)
    fresh = iter(range(1 << 22, 1 << 23))  # numbers that no process has

    def find() -> frozenset[int]:
        return _members(family.pid) | {next(fresh)}

    with pytest.raises(Fault, match="starts processes faster than they are found"):
        freezing.freeze("test", find)
    taken = _taken(family.pid)
    time.sleep(0.5)
    assert _taken(family.pid) > taken


def test_what_has_no_terminal_is_told_by_its_program() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60; true"]) as shell:
        time.sleep(0.2)
        assert shell_in_front(read_table(0.0), shell.pid, ()) in ("dash", "sh", "bash")
        (sleep,) = Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()
        assert shell_in_front(read_table(0.0), int(sleep), ()) == ""
        os.kill(int(sleep), 15)
    assert shell.pid not in read_table(0.0).processes


def test_a_number_that_is_a_strangers_by_now_is_left_alone() -> None:
    """What has ended may still be among the roots, and polisd, as root perhaps, signals them."""
    words = ["unshare", "--user", "--pid", "--fork", "--kill-child", "sh", "-c", "sleep 60; true"]
    with subprocess.Popen(words) as started, subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            time.sleep(0.3)
            (holder,) = read_table(0.0).children[started.pid]
            (own,) = read_table(0.0).children[holder]
            household = SimpleNamespace(roots=(holder, stranger.pid))
            keeping = SimpleNamespace(standing=lambda _key: household)
            hosted = SimpleNamespace(keeping=keeping, key_of=str)
            found = Stillness(cast(Hosted, hosted)).inside(cast(Agent, "alice"))
            assert found == {own}
        finally:
            started.kill()
            stranger.kill()
