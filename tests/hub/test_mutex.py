"""The mutex by real processes: who excludes whom, in which order, and what a dead holder leaves."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from ground import Ground

from cash.faults import Fault
from cash.hub.account import own_account
from cash.hub.holders import this_process
from cash.hub.levels import EXCLUSIVE, NOTHING, Need, reading, writing
from cash.hub.mutex import BusyFault, Held, hold, locks_folder, name_file, remove_locks

_MAIN = writing("refs/heads/main")
_HOLDING = """
import os, sys, time
from pathlib import Path
from cash.hub.account import own_account
from cash.hub.holders import this_process
from cash.hub.levels import *
from cash.hub.mutex import hold
place, need, script = Path(sys.argv[1]), eval(sys.argv[2]), sys.argv[3]
with hold(place, own_account(), need, this_process("bob", "git gc --auto"), seconds=20) as held:
    exec(script)
"""


def _hold(place: Path, need: Need, seconds: float = 5.0) -> AbstractContextManager[Held]:
    who = this_process("ada", "git test")
    return hold(place, own_account(), need, who, seconds=seconds)


@contextmanager
def _other(place: Path, need: str, script: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `need`, and has run `script` up to its first line of output."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDING, str(place), need, script],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


_WAIT = "print('held', flush=True); sys.stdin.readline()"


def _is_free(place: Path, need: Need) -> bool:
    try:
        with _hold(place, need, seconds=0.2):
            return True
    except BusyFault:
        return False


@pytest.mark.parametrize(
    ("held", "wanted", "is_free"),
    [
        ("reading()", reading(), True),
        ("reading()", _MAIN, True),
        ("reading()", EXCLUSIVE, False),
        ("EXCLUSIVE", reading(), False),
        ("EXCLUSIVE", EXCLUSIVE, False),
        ("EXCLUSIVE", NOTHING, True),
        ("writing('refs/heads/main')", _MAIN, False),
        ("writing('refs/heads/main')", writing("refs/heads/other"), True),
        ("writing('refs/heads/main')", EXCLUSIVE, False),
        ("writing('config')", writing("config", "refs/heads/x"), False),
        ("reading('worktrees')", reading("worktrees"), True),
        ("reading('worktrees')", writing("worktrees"), False),
        ("writing('worktrees')", reading("worktrees"), False),
        ("writing('remote:origin')", writing("remote:up"), True),
    ],
)
def test_who_excludes_whom(tmp_path: Path, held: str, wanted: Need, is_free: bool) -> None:
    with _other(tmp_path, held, _WAIT):
        assert _is_free(tmp_path, wanted) is is_free
    assert _is_free(tmp_path, wanted)


def test_a_timeout_says_who_since_when_doing_what(tmp_path: Path) -> None:
    with _other(tmp_path, "writing('config')", _WAIT) as process:
        with pytest.raises(BusyFault) as caught, _hold(tmp_path, writing("config"), 0.3):
            pass
        told = caught.value.message
        assert told.startswith(
            f"config is held by bob (git gc --auto, process {process.pid}) since "
        )
        assert told.endswith("; waited 0.3 s")
        assert caught.value.status == 125


def test_patience_counts_for_gate_and_lock_together(tmp_path: Path) -> None:
    """Three resources, each of which somebody holds: not three times the patience."""
    with _other(tmp_path, "writing('refs/b')", _WAIT):
        began = time.monotonic()
        with pytest.raises(BusyFault), _hold(tmp_path, writing("refs/a", "refs/b"), 0.5):
            pass
        assert 0.4 < time.monotonic() - began < 3
        assert _is_free(tmp_path, writing("refs/a"))


def test_a_killed_holder_does_not_hold(tmp_path: Path) -> None:
    with _other(tmp_path, "EXCLUSIVE", _WAIT) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert _is_free(tmp_path, EXCLUSIVE)


_CHILD = """
import subprocess
child = subprocess.Popen(["sh", "-c", "read x; exit"], pass_fds=held.descriptors, stdin=0)
print(child.pid, flush=True)
child.wait()
"""


def test_what_git_does_is_held_when_its_starter_is_killed(tmp_path: Path) -> None:
    with _other(tmp_path, "EXCLUSIVE", _CHILD) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not _is_free(tmp_path, EXCLUSIVE)
        assert process.stdin is not None
        process.stdin.close()  # the child ends
        _wait_until(lambda: _is_free(tmp_path, EXCLUSIVE))
        process.stdin = None


def test_what_git_leaves_running_does_not_hold(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        with hold(tmp_path, own_account(), EXCLUSIVE) as held:
            # bash: a plain sh takes no descriptor above 9 in a redirection.
            script = f"(read x <&{reader}) >/dev/null 2>&1 & exit"
            fds = (*held.descriptors, reader)
            subprocess.run(["bash", "-c", script], pass_fds=fds, check=True)
            assert not _is_free(tmp_path, EXCLUSIVE)
        assert _is_free(tmp_path, EXCLUSIVE)
    finally:
        os.close(writer)
        os.close(reader)


@pytest.mark.alone
def test_readers_that_come_and_go_do_not_starve_a_writer(tmp_path: Path) -> None:
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with hold(tmp_path, own_account(), reading()):
                time.sleep(0.01)

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(8)]
        time.sleep(0.1)
        got = 0
        until = time.monotonic() + 2
        while time.monotonic() < until:
            with hold(tmp_path, own_account(), EXCLUSIVE):
                got += 1
        stop.set()
        for reader in readers:
            reader.result()
    assert got >= 10


@pytest.mark.alone
def test_a_writer_that_waits_for_long_lets_readers_pass(tmp_path: Path) -> None:
    """A fetch that hangs, and a gc that waits for it: all others go on."""
    with _other(tmp_path, "reading()", _WAIT), ThreadPoolExecutor(1) as pool:
        waits = pool.submit(_is_held_at_last, tmp_path)
        time.sleep(0.3)
        for _ in range(3):
            with hold(tmp_path, own_account(), _MAIN, seconds=5):
                assert not waits.done()
        assert not waits.result()


def _is_held_at_last(place: Path) -> bool:
    try:
        with hold(place, own_account(), EXCLUSIVE, seconds=7):
            return True
    except BusyFault:
        return False


_CONTENDER = """
import sys, time
from pathlib import Path
from cash.hub.account import own_account
from cash.hub.levels import EXCLUSIVE
from cash.hub.mutex import hold
place, owner, got = Path(sys.argv[1]), own_account(), 0
print("ready", flush=True)
sys.stdin.readline()
until = time.monotonic() + 2
while time.monotonic() < until:
    with hold(place, owner, EXCLUSIVE, seconds=20):
        got += 1
        time.sleep(0.002)
print(got)
"""


@pytest.mark.alone
def test_contenders_are_served_alike(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _CONTENDER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(10)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    got = [int(process.communicate(timeout=60)[0]) for process in started]
    assert sum(got) ** 2 / (len(got) * sum(one * one for one in got)) > 0.95, got


def test_many_resources_in_any_order_do_not_lock_each_other_out(tmp_path: Path) -> None:
    names = ["config", "packed", "worktrees", "refs/heads/a", "refs/heads/b", "remote:o"]

    def work(number: int) -> int:
        for turn in range(20):
            some = [names[(number + turn * step) % len(names)] for step in (1, 2, 3)]
            shared = ["worktrees"] if turn % 2 else []
            with hold(tmp_path, own_account(), writing(*some, shared=shared), seconds=20):
                pass
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))


_NESTED = """
import subprocess
code = "from cash.hub.mutex import *; from cash.hub.account import own_account;" \
    "from cash.hub.levels import *; import sys; from pathlib import Path\\n" \
    "with hold(Path(sys.argv[1]), own_account(), EXCLUSIVE, seconds=1) as held: print(held.need)"
ran = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", code, str(place)],
    env={**os.environ, **dict(held.environment)}, capture_output=True, text=True)
print(ran.returncode, ran.stderr[-100:], flush=True)
"""


def test_a_git_below_works_under_what_is_held(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", _HOLDING, str(tmp_path), "writing('config')", _NESTED],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.strip() == "0"


def test_the_variable_alone_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _other(tmp_path, "EXCLUSIVE", _WAIT) as process:
        said = f"{process.pid}:{this_process('x', 'x').started}:{tmp_path}"
        monkeypatch.setenv("POLIS_GIT_MUTEX", said)
        assert not _is_free(tmp_path, EXCLUSIVE)


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("repo", "repo"),
        ("remote:origin", "remote%3Aorigin"),
        ("refs/heads/a.gate", "refs%2Fheads%2Fa%2Egate"),
        ("refs/heads/a%2E", "refs%2Fheads%2Fa%252E"),
        ("refs/heads/\udcff\n", "refs%2Fheads%2F%FF%0A"),
    ],
)
def test_each_resource_has_a_file_of_its_own(resource: str, name: str) -> None:
    assert name_file(resource) == name


def test_long_names_fit_and_differ(tmp_path: Path) -> None:
    names = [f"refs/heads/{'ä' * 100}{end}" for end in "xy"]
    assert len({name_file(name) for name in names}) == 2
    with hold(tmp_path, own_account(), writing(*names)):
        assert not _is_free(tmp_path, writing(names[0]))


def test_locks_that_are_taken_away_hold_nobody_twice(tmp_path: Path) -> None:
    """Who waited for a file that went takes the one that others find."""
    inside, leave = threading.Event(), threading.Event()

    def wait() -> None:
        with hold(tmp_path, own_account(), EXCLUSIVE, seconds=20):
            inside.set()
            leave.wait(20)

    waiter = threading.Thread(target=wait)
    with hold(tmp_path, own_account(), EXCLUSIVE):
        waiter.start()
        time.sleep(0.3)
        assert not inside.is_set()
        remove_locks(tmp_path)
        (locks_folder(tmp_path)).mkdir(parents=True)
    assert inside.wait(10)
    assert not _is_free(tmp_path, EXCLUSIVE)
    leave.set()
    waiter.join()
    assert _is_free(tmp_path, EXCLUSIVE)


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    folder = locks_folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "repo").symlink_to(mine)
    with pytest.raises(Fault, match="cannot be used"), hold(tmp_path, own_account(), EXCLUSIVE):
        pass
    assert mine.read_text() == "mine"


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    with hold(tmp_path, own_account(), EXCLUSIVE):
        pass
    before = count()
    with _other(tmp_path, "EXCLUSIVE", _WAIT):
        assert not _is_free(tmp_path, EXCLUSIVE)
    for _ in range(20):
        with hold(tmp_path, own_account(), writing("config", "packed")):
            pass
    _wait_until(lambda: count() == before)


def test_the_gate_is_not_the_lock(tmp_path: Path) -> None:
    """Who has the gate and dies lets go of it."""
    folder = locks_folder(tmp_path)
    folder.mkdir(parents=True)
    gate = os.open(folder / "repo.gate", os.O_RDWR | os.O_CREAT)
    fcntl.flock(gate, fcntl.LOCK_EX)
    assert not _is_free(tmp_path, reading())
    os.close(gate)
    assert _is_free(tmp_path, reading())


def test_in_a_real_repository_git_sees_nothing_of_it(ground: Ground) -> None:
    with hold(ground.root / ".git", own_account(), EXCLUSIVE):
        assert ground.git("status", "--porcelain") == ""
        assert ground.git("fsck") == ""


def _wait_until(happened: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)
