"""The tests' own workers: what one leaves behind fails them all, and who wants to be alone is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from turns import take_turn

_TESTS = Path(__file__).parent
_QUIET = "def test_nothing(): pass\n"


def _run(folder: Path, *texts: str, environment: dict[str, str]) -> tuple[int, str]:
    """Two workers at these test files, with the conftest of the real ones: status and output."""
    (folder / "conftest.py").write_text((_TESTS / "conftest.py").read_text())
    (folder / "pytest.ini").write_text(
        f"[pytest]\nmarkers = alone\npythonpath = {_TESTS}/support\n"
    )
    for number, text in enumerate(texts):
        (folder / f"test_{number}.py").write_text(text)
    words = ("-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def left() -> Path:
    """Where one of them leaves a file: they look for what begins like this."""
    return Path(f"/tmp/polis-left-by-{os.getpid()}")


@pytest.mark.alone  # theirs would be taken for its own
def test_what_is_left_in_the_folder_for_all_is_told_once(tmp_path: Path, left: Path) -> None:
    try:
        status, told = _run(
            tmp_path,
            "import os, pathlib\ndef test_it(): pathlib.Path(os.environ['LEFT']).touch()\n",
            _QUIET,
            environment={"LEFT": str(left), "CI": "1"},
        )
    finally:
        left.unlink(missing_ok=True)
    assert status == 1, told
    assert told.count(f"\nfile: {left}\n") == 2  # the report and the summary
    assert told.splitlines()[-1].startswith("2 passed, 1 error in "), told


@pytest.mark.alone  # theirs would be taken for its own
def test_a_process_that_is_left_is_told_by_its_worker(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = (
        "import os\n"
        "def test_it():\n"
        f"    pid = os.posix_spawn('/bin/sleep', ['sleep', '60'], {{**os.environ}})\n"
        f"    open({str(note)!r}, 'w').write(str(pid))\n"
    )
    try:
        status, told = _run(tmp_path, text, _QUIET, environment={})
    finally:
        os.kill(int(note.read_text()), signal.SIGKILL)
    assert status == 1, told
    assert f"process {note.read_text()}: sleep 60" in told
    assert told.splitlines()[-1].startswith("2 passed, 1 error in "), told


@pytest.mark.alone  # theirs would be taken for its own
def test_what_is_taken_away_again_is_nothing_left(tmp_path: Path) -> None:
    status, told = _run(tmp_path, _QUIET, _QUIET, environment={})
    assert status == 0, told
    assert told.splitlines()[-1].startswith("2 passed in "), told


def test_who_wants_to_be_alone_is_and_is_not_overtaken(tmp_path: Path) -> None:
    order: list[str] = []
    begun, end = threading.Event(), threading.Event()

    def beside() -> None:
        with take_turn(tmp_path, alone=False):
            begun.set()
            end.wait(20)
            order.append("beside")

    def alone() -> None:
        with take_turn(tmp_path, alone=True):
            order.append("alone")
            time.sleep(0.2)
            order.append("alone still")

    def late() -> None:
        with take_turn(tmp_path, alone=False):
            order.append("late")

    threads = []
    for work in (beside, alone, late):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        begun.wait(20)
        time.sleep(0.3)  # the next one comes when this one waits
    assert order == []
    end.set()
    for thread in threads:
        thread.join(20)
    assert order == ["beside", "alone", "alone still", "late"]
