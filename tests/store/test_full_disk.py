"""A full disk: whoever submits hears so with a hint, nothing is half made, and when there is room
again the journal goes on."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.store.event import Event
from cash.store.head import head_file
from cash.store.journal import Journal
from cash.store.state import State
from cash.store.verify import verify_journal
from cash.store.writer import Writer

Make = Callable[..., Event]

# Makes the disk full, or gives it room again (0). Without root, no file may then grow over the
# limit, in bytes, instead.
Fill = Callable[[int], None]
_LIMIT = 400 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Fill]:
    """Makes the disk below tmp_path/disk full, or gives it room: a small tmpfs for root, else
    a limit on how long this process's files may grow (the kernel's answer is EFBIG then)."""
    (tmp_path / "disk").mkdir()
    if os.geteuid() == 0:
        yield from _small_tmpfs(tmp_path / "disk")
    else:
        yield from _small_files()


def _small_tmpfs(folder: Path) -> Iterator[Fill]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "polis-test", folder], check=True)
    filler = folder / "filler"

    def fill(limit: int) -> None:
        filler.unlink(missing_ok=True)
        if limit:
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(1024)):
                        pass
                except OSError:
                    return

    try:
        yield fill
    finally:
        subprocess.run(["umount", folder], check=True)


def _small_files() -> Iterator[Fill]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(limit: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit or before[0], before[1]))

    try:
        yield fill
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def _write_until_it_fails(writer: Writer, event: Make, first: int) -> tuple[int, Fault]:
    for number in range(first, first + 2000):
        failed = writer.submit(event(number, body={"line": "echo " + "x" * 3000})).exception(10)
        if failed is not None:
            assert isinstance(failed, Fault)
            return number, failed
    raise AssertionError("the disk never filled up")


def test_the_journal_goes_on_when_there_is_room_again(
    tmp_path: Path, event: Make, small: Fill
) -> None:
    path = tmp_path / "disk" / "state" / "store.db"
    writer = Writer.open(path)
    assert writer.submit(event(1)).result(10) == 1
    small(_LIMIT)
    failed, fault = _write_until_it_fails(writer, event, 2)
    assert "store" in fault.message
    assert fault.hint
    assert verify_journal(path).ok
    again = [writer.submit(event(failed, body={"line": "x" * 3000})) for _ in range(3)]
    assert all(isinstance(future.exception(10), Fault) for future in again)
    report = verify_journal(path)
    assert (report.ok, report.count) == (True, failed - 1)

    small(0)
    assert writer.submit(event(failed)).result(10) == failed
    writer.close()
    assert verify_journal(path).ok
    assert verify_journal(path).head == "level"
    assert not list(path.parent.glob("*.new"))


def test_state_is_not_half_made(tmp_path: Path, event: Make, small: Fill) -> None:
    path = tmp_path / "disk" / "state" / "store.db"
    state = State.open(path)
    writer = Writer.open(path)
    small(_LIMIT)
    _write_until_it_fails(writer, event, 1)
    with pytest.raises(Fault) as caught:
        state.set_setting("large", "x" * 2_000_000)
    assert caught.value.hint
    assert state.setting("large") == ""
    small(0)
    state.set_setting("small", "x")
    assert state.setting("small") == "x"
    writer.close()
    state.close()


def test_opening_on_a_full_disk_is_a_fault_and_harms_nothing(tmp_path: Path, small: Fill) -> None:
    path = tmp_path / "disk" / "state" / "store.db"
    small(2000)
    with pytest.raises(Fault) as caught:
        Journal.open(path)
    assert caught.value.hint
    small(0)
    journal = Journal.open(path)
    assert journal.verify().ok
    journal.close()


def test_a_head_that_cannot_be_written_is_only_behind(ten: Path, event: Make) -> None:
    journal = Journal.open(ten)
    # A folder in the way stands for any reason: the event is on the disk all the same.
    head_file(ten).rename(ten.parent / "aside")
    head_file(ten).mkdir()
    assert journal.append([event(11)]) == [11]
    assert not list(ten.parent.glob("*.new"))
    head_file(ten).rmdir()
    (ten.parent / "aside").rename(head_file(ten))
    assert verify_journal(ten).head == "behind"
    assert journal.append([event(12)]) == [12]
    assert verify_journal(ten).head == "level"
    journal.close()


def test_a_limit_on_file_size_is_heard_of_too(tmp_path: Path) -> None:
    """The way without root, in a process of its own: limits are for good."""
    run = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path / "store.db")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert run.stdout.splitlines()[-1:] == ["ok"], run.stderr


_LIMITED = """
import resource, signal, sys
from pathlib import Path
from cash.faults import Fault
from cash.store.event import Event
from cash.store.verify import verify_journal
from cash.store.writer import Writer

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
writer = Writer.open(path)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
number = 0
while True:
    number += 1
    failed = writer.submit(Event(f"k{number}", 1.0, "", "line", {"line": "x" * 3000})).exception()
    if failed:
        break
assert isinstance(failed, Fault) and failed.hint, failed
assert verify_journal(path).count == number - 1
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert writer.submit(Event("after", 1.0, "", "line", {})).result() == number
writer.close()
assert verify_journal(path).ok
print("ok")
"""
