"""A keeper that is killed is replaced: what ran goes on, and nothing runs unjudged meanwhile."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest
from governed import DENIED, Governed, forbidding_shred
from walled import PATIENCE, Walled, wait_gone

from cash import wire
from cash.keeper.link import ExecVerdict, Prediction, Ready, Seen, Wrote

pytestmark = pytest.mark.kernel

_KILLS = 20


def _replace(governed: Governed) -> Ready:
    walled, before = governed.walled, governed.walled.ready
    governed.kill_keeper()
    ready = walled.succeed(governed.snapshot)
    assert ready.keeper != before.keeper
    assert ready.holder == before.holder
    return ready


def _until_up(walled: Walled) -> None:
    """Not as soon as the file is there: it is empty at first."""
    up = walled.view.tree / "up"
    _until(lambda: up.exists() and up.stat().st_size > 0)


def _until(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# Every step is an exec, a file made, written, renamed and deleted. What dies is what was judged
# just then, and is done again.
_BUILD = """
i=0
while [ $i -lt 300 ]; do
  /usr/bin/touch made-$i || { echo "lost $?"; continue; }
  echo $i > out-$i && mv out-$i kept-$i || { echo "lost $?"; continue; }
  rm made-$i || { echo "lost $?"; continue; }
  shred --version 2>/dev/null; s=$?; [ $s = 126 ] || echo "judged $s"
  i=$((i + 1))
done
echo over
exit 7
"""


def test_a_build_goes_on_through_many_deaths(governed: Governed) -> None:
    walled = governed.walled
    out, err = os.memfd_create("out"), os.memfd_create("err")
    client = walled.start("bash", "-c", _BUILD, descriptors={1: out, 2: err})
    number = f"run-{walled.count}"
    _until((walled.view.tree / "kept-0").exists)
    died: list[tuple[str, ...]] = []
    for _ in range(_KILLS):
        time.sleep(random.uniform(0.0, 0.08))
        died += _replace(governed).died
    assert walled.finish(client)[-1] == (wire.EXIT, b"7")
    ended = walled.ended(number)
    assert (ended.status, ended.lost) == (7, "")
    assert ended.user + ended.system > 0
    said = os.pread(out, 1 << 20, 0).decode().split("\n")[:-1]
    for descriptor in (out, err):
        os.close(descriptor)
    assert said.pop() == "over"
    _check_what_was_lost(said, len(died))
    trees = {*(".git", "README"), *(f"kept-{one}" for one in range(300))}
    assert trees <= set(os.listdir(walled.view.tree))
    _until(lambda: _is_all_told(walled))
    assert walled.run("shred", "--version").status == DENIED
    assert walled.sh("uname && exit 3").status == 3


_OPENS = """
import os, time
wrong = []
while not os.path.exists("enough"):
    taken = os.open("opened", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    if taken < 3:
        wrong.append(taken)
    else:
        os.close(taken)
print(wrong, flush=True)
"""


def test_an_open_returns_its_own_descriptor_through_many_deaths(governed: Governed) -> None:
    walled = governed.walled
    out = os.memfd_create("out")
    client = walled.start("python3", "-c", _OPENS, descriptors={1: out})
    _until((walled.view.tree / "opened").exists)
    for _ in range(_KILLS):
        time.sleep(random.uniform(0.02, 0.08))
        _replace(governed)
    (walled.view.tree / "enough").touch()
    assert walled.finish(client)[-1] == (wire.EXIT, b"0")
    assert os.pread(out, 1 << 20, 0) == b"[]\n"
    os.close(out)


def _check_what_was_lost(said: list[str], died: int) -> None:
    """What was being judged was killed, and is told."""
    assert [one for one in said if not one.endswith(" 137")] == []
    assert len([one for one in said if one.endswith(" 137")]) <= died, (said, died)


def _is_all_told(walled: Walled) -> bool:
    """Whether the journal knows of everything that was started and written."""
    seen = [argv for one in walled.news if isinstance(one, Seen) for argv, _, _ in one.execs]
    wrote = [path for one in walled.news if isinstance(one, Wrote) for path, _ in one.files]
    tree = str(walled.view.tree)
    return all(
        ("rm", f"made-{one}") in seen and f"{tree}/kept-{one}" in wrote for one in range(300)
    )


def test_an_exec_that_waits_for_a_verdict_dies_and_is_told(governed: Governed) -> None:
    walled = governed.walled
    walled.judge = lambda one: None if "uname" in one["argv"] else ExecVerdict("allow")
    client = walled.start("sh", "-c", "echo began > began; uname --all", descriptors={})
    number = f"run-{walled.count}"
    _until(lambda: any("uname" in one["argv"] for one in walled.asked))
    walled.judge = governed.judge
    assert _replace(governed).died == (("uname", "--all"),)
    assert walled.finish(client)[-1] == (wire.EXIT, b"137")
    assert walled.ended(number).status == 137


def test_a_late_verdict_for_an_earlier_keeper_is_none_for_the_next(governed: Governed) -> None:
    walled = governed.walled
    walled.judge = lambda _question: None
    first = walled.start("uname", descriptors={})
    _until(lambda: walled.asked)
    before = walled.asked[-1]["number"]
    _replace(governed)
    walled.finish(first)
    walled.ended(f"run-{walled.count}")
    second = walled.start("uname", descriptors={})
    _until(lambda: walled.asked[-1]["number"] != before)
    walled.link.settle(before, ExecVerdict("allow"))
    walled.link.settle(walled.asked[-1]["number"], ExecVerdict("refuse", "no\n", DENIED))
    assert walled.finish(second)[-1] == (wire.EXIT, b"%d" % DENIED)
    walled.ended(f"run-{walled.count}")


def test_a_write_that_waits_for_a_verdict_is_asked_about_again(governed: Governed) -> None:
    walled = governed.walled
    walled.judge_writes = False
    policy = (
        f"{forbidding_shred('uname')}  - id: secrets\n    on: write\n    path: secret\n"
        "    decide: ask\n    reason: Secret.\n    examples: {ask: ['echo > secret']}\n"
    )
    governed.enforce(policy)
    client = walled.start("sh", "-c", "echo x > secret; echo y > plain", descriptors={})
    number = f"run-{walled.count}"
    _until(lambda: [one for one in walled.asked if "write" in one])
    governed.kill_keeper()
    walled.judge_writes = walled.may_write = True
    walled.succeed(governed.snapshot)
    assert walled.finish(client)[-1] == (wire.EXIT, b"0")
    walled.ended(number)
    assert (walled.view.tree / "secret").read_text() == "x\n"
    assert (walled.view.tree / "plain").read_text() == "y\n"


def test_what_waits_for_a_fifos_reader_waits_on(governed: Governed) -> None:
    walled = governed.walled
    line = "mkfifo pipe; echo made > made; echo through > pipe"
    client = walled.start("sh", "-c", line, descriptors={})
    number = f"run-{walled.count}"
    _until((walled.view.tree / "made").exists)
    time.sleep(0.1)
    _replace(governed)
    assert walled.sh("cat pipe").out == "through\n"
    assert walled.finish(client)[-1] == (wire.EXIT, b"0")
    walled.ended(number)


def test_a_terminal_its_size_and_signals_are_still_there(governed: Governed) -> None:
    walled = governed.walled
    script = "trap 'stty size > size; exit 9' INT; echo > up; while :; do sleep 0.1; done"
    client = walled.start("sh", "-c", script, descriptors={}, terminals="111", rows=20)
    number = f"run-{walled.count}"
    kind, _, (master,) = wire.receive_frame(client, 1)
    assert kind == wire.TERMINAL
    _until_up(walled)
    _replace(governed)
    client.sendall(wire.pack_frame(wire.WINDOW, b"31\x0077"))
    client.sendall(wire.pack_frame(wire.SIGNAL, b"INT"))
    assert walled.finish(client)[-1] == (wire.EXIT, b"9")
    assert walled.ended(number).status == 9
    assert (walled.view.tree / "size").read_text() == "31 77\n"
    os.close(master)


def test_a_client_that_goes_hangs_its_command_up(governed: Governed) -> None:
    walled = governed.walled
    reader, writer = os.pipe()
    client = walled.start("sh", "-c", "echo > up; read x", descriptors={0: reader})
    number = f"run-{walled.count}"
    _until_up(walled)
    _replace(governed)
    client.close()
    assert walled.ended(number).status == 129
    os.close(reader)
    os.close(writer)


def test_what_ends_while_no_keeper_is_there_is_told(governed: Governed) -> None:
    walled = governed.walled
    reader, writer = os.pipe()
    client = walled.start("sh", "-c", "echo > up; read x; exit 5", descriptors={0: reader})
    number = f"run-{walled.count}"
    os.close(reader)
    _until_up(walled)
    governed.kill_keeper()
    os.close(writer)
    time.sleep(0.1)
    walled.succeed(governed.snapshot)
    assert walled.finish(client)[-1] == (wire.EXIT, b"5")
    assert walled.ended(number).status == 5


def test_what_was_foretold_is_no_surprise_to_the_next(governed: Governed) -> None:
    walled = governed.walled
    line = "echo > up; until [ -e on ]; do sleep 0.02; done; uname --kernel-name; uname --all"
    client = walled.start("sh", "-c", line, descriptors={})
    number = f"run-{walled.count}"
    _until_up(walled)
    walled.link.predict(number, Prediction((("uname", "--all"),), ()), "")
    _until(lambda: any(piece["what"] == "prediction" for piece, _ in walled.estate.pieces()))
    for _ in range(2):
        _replace(governed)
    (walled.view.tree / "on").touch()
    assert walled.finish(client)[-1] == (wire.EXIT, b"0")
    walled.ended(number)
    surprises = {one["argv"][1]: one["surprise"] for one in walled.asked if "uname" in one["argv"]}
    assert surprises == {"--kernel-name": True, "--all": False}


def test_with_nobody_left_nothing_runs(governed: Governed) -> None:
    """The listeners' last copies are closed, and the lifeline's: calls fail, and the walls end."""
    walled = governed.walled
    line = "echo > up; while :; do shred --version && echo ran; uname && echo ran; done"
    out = os.memfd_create("out")
    client = walled.start("sh", "-c", line, descriptors={1: out})
    _until_up(walled)
    governed.kill_keeper()
    size = os.fstat(out).st_size
    time.sleep(0.3)
    assert os.fstat(out).st_size == size  # calls wait
    walled.estate.close()
    wait_gone(walled.ready.holder)
    assert os.fstat(out).st_size == size
    client.close()
    os.close(out)
