"""A succession that is itself broken off, or begins in the middle of something."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import socket
import time

import pytest
from governed import Governed
from walled import KINDS, PATIENCE, is_alive, wait_gone

from cash import wire
from cash.keeper.link import Ended, Gone, Kept, LetGo, Message, Ready
from cash.keeper.starter import LISTENER
from cash.walls.passing import send_with

pytestmark = pytest.mark.kernel


def _until_up(governed: Governed) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (governed.walled.view.tree / "up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_polisd_that_dies_while_it_hands_down_takes_the_walls_along(governed: Governed) -> None:
    walled = governed.walled
    client = walled.start("sh", "-c", "echo > up; sleep 60", descriptors={})
    _until_up(governed)
    governed.kill_keeper()
    walled.hear(lambda found: isinstance(found, Gone))
    link = walled.zygote.spawn(walled.view, walled.address, succeeds=True)
    link.enforce(governed.snapshot)
    for piece, descriptors in itertools.islice(walled.estate.pieces(), 2):
        link._send({"do": "inherit", **piece}, descriptors)
    link.close()
    walled.estate.close()
    wait_gone(walled.ready.holder)
    client.close()


def test_an_end_is_told_before_it_is_forgotten(governed: Governed) -> None:
    """Killed at any moment of a command's end, a keeper leaves to polisd either the end, or all
    that the next one needs to tell it."""
    walled, told = governed.walled, list[Message]()
    receive = walled.link.receive
    walled.link.receive = lambda: [told.append(one) or one for one in receive()]  # type: ignore
    assert walled.run("true").status == 0
    (end,) = [at for at, one in enumerate(told) if isinstance(one, Ended)]
    known = set[str]()
    for message in told[:end]:
        match message:
            case Kept(what, "run-1", _, descriptors):
                known.add(what)
                if what == "command":
                    (known.add if descriptors else known.discard)("news")
            case LetGo(what, "run-1"):
                known.discard(what)
        if "command" in known:
            assert known & {"news", "process"}
    assert {"command", "process"} <= known


def test_a_command_of_which_nothing_is_known_ends(governed: Governed) -> None:
    walled = governed.walled
    reader, writer = os.pipe()
    client = walled.start("sh", "-c", "echo > up; read x", descriptors={0: reader})
    _until_up(governed)
    governed.kill_keeper()
    os.close(reader)
    os.close(writer)
    walled.estate.let_go("process", "run-1")
    walled.succeed(governed.snapshot)
    assert walled.finish(client)[-1] == (wire.EXIT, b"125")
    assert walled.ended("run-1").status == 125


def test_what_ignored_the_end_of_its_client_is_killed_by_the_next_keeper(
    governed: Governed,
) -> None:
    walled = governed.walled
    reader, writer = os.pipe()
    line = "trap '' HUP; echo > up; while read x; do :; done"
    client = walled.start("sh", "-c", line, descriptors={0: reader})
    _until_up(governed)
    client.close()
    time.sleep(0.2)
    governed.kill_keeper()
    walled.succeed(governed.snapshot)
    assert walled.ended("run-1").status == 137
    os.close(reader)
    os.close(writer)


def test_what_is_asked_for_while_a_keeper_takes_over_is_done_then(governed: Governed) -> None:
    walled = governed.walled
    governed.kill_keeper()
    walled.hear(lambda found: isinstance(found, Gone))
    estate, snapshot = walled.estate, governed.snapshot
    walled.link = walled.zygote.succeed(walled.view, walled.address, estate, snapshot)
    client = walled.start("sh", "-c", "exit 3", descriptors={})
    assert walled.finish(client)[-1] == (wire.EXIT, b"3")
    walled.ended("run-1")
    ready = walled.hear(lambda found: isinstance(found, Ready))
    assert isinstance(ready, Ready)
    walled.ready = ready


def test_a_stop_while_a_keeper_takes_over_counts(governed: Governed) -> None:
    walled = governed.walled
    walled.start("sh", "-c", "echo > up; sleep 60", descriptors={}).detach()
    _until_up(governed)
    governed.kill_keeper()
    walled.hear(lambda found: isinstance(found, Gone))
    estate, snapshot = walled.estate, governed.snapshot
    walled.link = walled.zygote.succeed(walled.view, walled.address, estate, snapshot)
    walled.link.stop()
    deadline = time.monotonic() + 10
    while is_alive(walled.ready.holder):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_keeper_killed_while_a_command_starts_loses_at_most_that(governed: Governed) -> None:
    """And says so: what did not end with its own status had not begun. 125: it had not been handed
    to a starter; handing it over again might run it twice."""
    walled = governed.walled
    told = list[int]()
    for number in range(12):
        client = walled.start("sh", "-c", f"echo > ran-{number}; exit 4", descriptors={})
        time.sleep(0.0007 * number)
        governed.kill_keeper()
        ready = walled.succeed(governed.snapshot)
        status = 0
        with contextlib.suppress(wire.ConnectionEnded):  # it had not been read yet
            status = int(walled.finish(client)[-1][1])
            assert walled.ended(f"run-{walled.count}").status == status
        told.append(status)
        assert is_alive(ready.keeper)
        assert (walled.view.tree / f"ran-{number}").exists() == (status == 4)
    assert set(told) <= {0, 4, 125, 137}
    assert walled.sh("exit 4").status == 4


def test_a_listener_that_is_told_of_twice_lets_one_start_pass(governed: Governed) -> None:
    """As when a keeper is killed between leaving it and taking the word of it."""
    walled, ours = governed.walled, socket.socketpair()
    line = b"echo > up; until [ -e go ]; do :; done; shred --version; echo $? > said"
    ours[0].settimeout(PATIENCE)
    with ours[1]:
        words, client = [b"bash", b"-c", line], ours[1].fileno()
        walled.link.run("twice", words, [], b"", client, {}, judged="line")
    _until_up(governed)
    governed.kill_keeper()
    walled.hear(lambda found: isinstance(found, Gone))
    pieces = {piece["what"]: (piece, held) for piece, held in walled.estate.pieces()}
    hearing, telling = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    send_with(telling, LISTENER, [pieces["listener"][1][0]])
    command = Kept("command", "twice", pieces["command"][0]["values"], (hearing.detach(),))
    walled.estate.keep(command)
    walled.link = walled.zygote.succeed(
        walled.view, walled.address, walled.estate, governed.snapshot
    )
    (walled.view.tree / "go").touch()
    assert walled.finish(ours[0])[-1] == (wire.EXIT, b"0")
    telling.close()
    walled.ended("twice")
    assert (walled.view.tree / "said").read_text() == "126\n"


_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")
# Those that wait try again several times a second; whoever reads is there all the time.
_READER = """
import os, time
said, end = b'', time.monotonic() + 25
pipe = os.open('pipe', os.O_RDONLY)
while said.count(b'\\n') < 400 and time.monotonic() < end:
    said += os.read(pipe, 65536) or time.sleep(0.01) or b''
print(len(set(said.split())))
"""


def test_hundreds_of_calls_that_wait_outlive_a_keeper(governed: Governed) -> None:
    walled = governed.walled
    line = "mkfifo pipe; for i in $(seq 400); do echo $i > pipe & done; echo > up; wait"
    client = walled.start("bash", "-c", line, descriptors={})
    _until_up(governed)
    time.sleep(1.5)
    governed.kill_keeper()
    walled.succeed(governed.snapshot)
    assert walled.run(*_PYTHON, _READER).out == "400\n"
    assert walled.finish(client)[-1] == (wire.EXIT, b"0")
    walled.ended("run-1")


def test_a_thousand_that_wait_for_a_fifos_reader_do_not_hold_a_keeper_up(
    governed: Governed,
) -> None:
    walled = governed.walled
    program = (
        "import os, threading\nos.mkfifo('pipe')\nopen('up', 'w')\n"
        "for _ in range(1000): threading.Thread(target=open, args=('pipe', 'w')).start()"
    )
    client = walled.start("/usr/bin/python3", "-c", program, descriptors={})
    _until_up(governed)
    time.sleep(1.5)
    began = time.monotonic()
    walled.link.stop()
    wait_gone(walled.ready.holder)
    assert time.monotonic() - began < 5
    client.close()


# Another user's limits are not this one's to set.
_OWN_KINDS = [kind for kind in KINDS if kind != "rootless" or os.geteuid() != 0]


@pytest.mark.parametrize("governed", _OWN_KINDS, indirect=True)
def test_what_commands_leave_behind_costs_a_keeper_no_descriptor_that_it_needs(
    governed: Governed,
) -> None:
    """Each daemon keeps its command's listener open; the usual limit is its commands' own."""
    walled, nothing = governed.walled, os.open("/dev/null", os.O_RDWR)
    resource.prlimit(walled.zygote.pid, resource.RLIMIT_NOFILE, (64, 4096))
    governed.kill_keeper()
    walled.succeed(governed.snapshot)
    for _ in range(50):
        client = walled.start("sh", "-c", "sleep 60 & exit 3", descriptors={1: nothing})
        assert walled.finish(client)[-1] == (wire.EXIT, b"3")
        walled.ended(f"run-{walled.count}")
    os.close(nothing)
    governed.kill_keeper()
    walled.succeed(governed.snapshot)
    assert walled.sh("ulimit -Sn; ulimit -Hn").out == "64\n4096\n"
