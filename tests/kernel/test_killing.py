"""Each process of polis killed in mid-command: what is lost, what is said, what is left."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from walled import PATIENCE, Walled, is_alive, spawn, stand_up, tear_down, wait_gone

from cash import wire
from cash.keeper.forking import Zygote
from cash.keeper.link import Ended, Failed, Gone, Ready, attach
from cash.walls.view import Mount

pytestmark = pytest.mark.kernel


def _start(walled: Walled, line: str) -> tuple[socket.socket, int]:
    """A command that runs, and a pipe that ends with the last process that holds it."""
    reader, writer = os.pipe()
    client = walled.start("bash", "-c", f"echo up; {line}", descriptors={1: writer})
    os.close(writer)
    assert os.read(reader, 3) == b"up\n"
    return client, reader


def _ends(reader: int) -> bool:
    ready, _, _ = select.select([reader], [], [], PATIENCE)
    with os.fdopen(reader, "rb") as pipe:
        return bool(ready) and pipe.read() == b""


def _closes(client: socket.socket) -> list[bytes]:
    kinds = []
    with client:
        try:
            while True:
                kinds.append(wire.receive_frame(client, 1)[0])
        except wire.ConnectionEnded:
            return kinds


_DAEMON = "(setsid sleep 1000 & ) ; sleep 1000"


def test_the_holder(fragile: Walled) -> None:
    client, reader = _start(fragile, _DAEMON)
    os.kill(fragile.ready.holder, signal.SIGKILL)
    assert int(fragile.finish(client)[-1][1]) == 137
    assert _ends(reader)
    assert fragile.ended("run-1").status == 137
    failed = fragile.hear(lambda found: isinstance(found, Failed))
    assert failed == Failed(
        "the walls of alice have ended: their first process was killed", fatal=True
    )
    wait_gone(fragile.ready.keeper)
    _works_again(fragile)


def test_the_keeper(fragile: Walled) -> None:
    client, reader = _start(fragile, _DAEMON)
    os.kill(fragile.ready.keeper, signal.SIGKILL)
    assert fragile.hear(lambda found: isinstance(found, Gone))
    fragile.estate.close()  # nobody takes its place
    assert wire.EXIT not in _closes(client)  # so the client knows that it was lost
    assert _ends(reader)
    wait_gone(fragile.ready.holder)
    _works_again(fragile)


def test_the_zygote(fragile: Walled) -> None:
    client, _ = _start(fragile, "sleep 0.3; exit 4")
    os.kill(fragile.zygote.pid, signal.SIGKILL)
    wait_gone(fragile.zygote.pid)
    assert not fragile.zygote.alive
    assert fragile.finish(client)[-1] == (wire.EXIT, b"4")
    assert fragile.ended("run-1").status == 4
    assert fragile.sh("exit 5").status == 5
    fragile.stop()
    _works_again(fragile)


def test_the_starter(fragile: Walled) -> None:
    """An agent can do this to itself; the next command gets a new one."""
    client, _ = _start(fragile, "sleep 0.5; exit 6")
    assert fragile.sh("kill -STOP -1; echo on").out == "on\n"
    assert fragile.sh("kill -CONT -1; exit 3").status == 3
    # The sender is spared; the starter, which would have been waited for, is not needed for it.
    assert fragile.sh("kill -9 -1; exit 12").status == 12
    deadline = time.monotonic() + PATIENCE
    while (status := fragile.sh("exit 7").status) != 7:
        assert status == 125
        assert time.monotonic() < deadline
    assert int(fragile.finish(client)[-1][1]) == 137


def test_the_command(fragile: Walled) -> None:
    client, reader = _start(fragile, "sleep 1000")
    children = Path(f"/proc/{fragile.ready.keeper}/task/{fragile.ready.keeper}/children")
    pids = [int(word) for word in children.read_text().split()]
    command = max(pids)
    os.kill(command, signal.SIGKILL)
    assert fragile.finish(client)[-1] == (wire.EXIT, b"137")
    assert fragile.ended("run-1").lost == ""
    os.close(reader)


def test_stop_takes_everything_along(fragile: Walled) -> None:
    client, reader = _start(fragile, _DAEMON)
    fragile.link.stop()
    assert int(fragile.finish(client)[-1][1]) == 137
    assert _ends(reader)
    fragile.ended("run-1")
    wait_gone(fragile.ready.keeper)
    assert not fragile.address.exists()


def test_a_keeper_outlives_polisd_and_tells_what_it_missed(fragile: Walled) -> None:
    if fragile.kind == "rootless" and os.geteuid() == 0:
        # Another user's keeper does not listen to anybody else, not even to root.
        link = attach(fragile.address)
        if link is not None:  # it may close the door before or after it is asked
            select.select([link], [], [], PATIENCE)
            assert link.receive() == [Gone()]
        return
    client, reader = _start(fragile, "sleep 0.2; exit 8")
    fragile.run("sh", "-c", "exit 9")  # acknowledged: does not come again
    fragile.link.close()
    assert fragile.finish(client)[-1] == (wire.EXIT, b"8")
    os.close(reader)
    link = attach(fragile.address)
    assert link is not None
    fragile.link = link
    ready = fragile.hear(lambda found: isinstance(found, Ready))
    assert ready == fragile.ready
    missed = fragile.hear(lambda found: isinstance(found, Ended))
    assert isinstance(missed, Ended)
    assert (missed.id, missed.status, missed.report) == ("run-1", 8, b"report \xff of 1")
    link.acknowledge("run-1")
    assert fragile.sh("exit 10").status == 10
    again = attach(fragile.address)
    assert again is not None
    fragile.link = again
    fragile.hear(lambda found: isinstance(found, Ready))
    assert fragile.others == []
    link.close()


def test_a_keeper_that_nobody_comes_back_to_ends_by_itself(fragile: Walled) -> None:
    fragile.stop()
    impatient = (
        "import sys; sys.path[:0] = sys.argv[2:]; import cash.keeper.keeper as k; "
        "k._ALONE = 0.2; from cash.keeper.zygote import main; main(int(sys.argv[1]))"
    )
    wrapper = fragile.folder / "impatient"
    words = f'exec {fragile.zygote._python} -I -S -c "{impatient}" "$5" "$6"'
    wrapper.write_text(f"#!/bin/sh\n{words}\n")
    wrapper.chmod(0o755)
    zygote = Zygote(python=str(wrapper), package=fragile.zygote._package)
    fresh = spawn(fragile.kind, fragile.folder, fragile.view, zygote)
    zygote.stop()
    client, reader = _start(fresh, "sleep 0.5; (setsid sleep 1000 &)")
    fresh.link.close()
    time.sleep(0.3)
    assert is_alive(fresh.ready.keeper)  # a command runs
    assert fresh.finish(client)[-1] == (wire.EXIT, b"0")
    assert _ends(reader)  # what it left behind ends with the walls, a moment later
    wait_gone(fresh.ready.holder)
    try:
        assert is_alive(fresh.ready.keeper)  # with the report, for who comes after all
        if fragile.kind != "rootless" or os.geteuid() != 0:
            link = attach(fresh.address)
            assert link is not None
            fresh.link = link
            assert fresh.ended("run-1").status == 0
    finally:
        os.kill(fresh.ready.keeper, signal.SIGKILL)
        wait_gone(fresh.ready.keeper)
        fresh.link.close()


def test_walls_that_cannot_be_say_why(fragile: Walled) -> None:
    fragile.stop()
    fragile.others.clear()
    (fragile.view.git_file).unlink()
    link = fragile.zygote.spawn(fragile.view, fragile.address)
    fragile.link = link
    failed = fragile.hear(lambda found: isinstance(found, Failed))
    assert isinstance(failed, Failed)
    assert (
        failed.message == f"{fragile.view.git_file} is to be shown to the agent, but is not there"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's repositories have their owner mapped")
def test_a_file_system_that_cannot_translate_owners_is_named() -> None:
    walled = stand_up("dedicated")
    try:
        walled.stop()
        walled.others.clear()
        view = replace(walled.view, mounts=(Mount(Path("/sys/kernel"), Path("/srv/kernel")),))
        walled.link = walled.zygote.spawn(view, walled.address)
        failed = walled.hear(lambda found: isinstance(found, Failed))
        assert isinstance(failed, Failed)
        words = "the file system of /sys/kernel cannot translate owners"
        assert failed.message.endswith(words)
        assert failed.hint.startswith("keep it on ext4")
    finally:
        tear_down(walled)


# A kernel without Landlock, as far as this process can tell: its calls are answered ENOSYS.
_WITHOUT_LANDLOCK = """
import struct, sys
from cash.walls import enter, probe, seccomp, syscalls, trial
from pathlib import Path
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (6, 0, 0, 0x50000 | 38), (6, 0, 0, 0x7FFF0000)]
syscalls.prctl(38, 1)
seccomp.install(b"".join(struct.pack("=HBBI", *line) for line in code))
print(next(found for found in probe._kernel() if found.name == "landlock").holds)
view = trial.make_view(Path(sys.argv[1]))
try:
    enter.raise_walls(dataclasses.replace(view, landlock=True))
except Exception as fault:
    print(fault)
walls = enter.raise_walls(view)
print(view.landlock, walls.ruleset)
"""


def test_a_kernel_without_landlock_is_refused_unless_the_user_goes_without(tmp_path: Path) -> None:
    script = "import dataclasses\n" + _WITHOUT_LANDLOCK
    ran = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False
    )
    refusal = (
        "the walls could not be built: confinement: this kernel's Landlock cannot guard an agent "
        "(ABI 0, 2 is needed)"
    )
    assert ran.stdout.splitlines() == ["False", refusal, "False None"], ran.stderr


def test_what_an_agent_left_in_its_home_does_not_lead_the_next_walls_astray(
    fragile: Walled,
) -> None:
    target = fragile.folder / "target"
    target.mkdir(mode=0o777)
    # A parent of a decoy can be moved and replaced by a link to anywhere.
    line = f"mv ~/.config ~/c && ln -s {target} ~/.config && ln -s /old/etc ~/.config2"
    assert fragile.sh(line).status == 0
    fragile.stop()
    fresh = spawn(fragile.kind, fragile.folder, fragile.view, fragile.zygote)
    status = fresh.sh("test -d ~/.config/gcloud && test -L ~/.config.aside-1").status
    fresh.stop()
    assert (status, list(target.iterdir())) == (0, [])


def test_nothing_is_left(fragile: Walled) -> None:
    client, reader = _start(fragile, _DAEMON)
    before = _mounts(), _namespaces()
    fragile.stop()
    client.close()
    assert _ends(reader)
    assert (_mounts(), _namespaces() < before[1]) == (before[0], True)
    assert not is_alive(fragile.ready.holder)
    assert list(fragile.address.parent.iterdir()) == []


def _mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def _namespaces() -> int:
    found = set()
    for process in Path("/proc").glob("[0-9]*/ns/mnt"):
        try:
            found.add(os.readlink(process))
        except OSError:
            continue
    return len(found)


def _works_again(walled: Walled) -> None:
    fresh = spawn(walled.kind, walled.folder, walled.view, walled.zygote)
    status = fresh.sh("exit 11").status
    fresh.stop()
    assert status == 11
