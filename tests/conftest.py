"""The session's own folder, homes in it, and the check that nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from installation import Installation
from leftovers import Snapshot, find_below, find_beside, look
from turns import take_turn

_folder = pytest.StashKey[Path]()
_before = pytest.StashKey[Snapshot]()
_WORKERS = 2

# One verdict for one commit: where CI is set, properties are tried with the same examples each
# time. By hand they are other ones at every run, and what they find becomes a row of a table.
# How long one takes is no verdict: machines are busy.
hypothesis.settings.register_profile("own", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if "CI" in os.environ else "own")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """One short folder for the session: unix sockets have 108 bytes for their path, and what lies
    below it is the tests' own."""
    folder = Path(tempfile.mkdtemp(prefix="polis-tests-", dir="/tmp"))
    folder.chmod(0o711)  # a dedicated uid, or nobody, has to find its way to its own folders
    config.stash[_folder] = folder
    config.option.basetemp = folder / "t"
    os.environ["TMPDIR"] = os.fspath(folder)
    # Nobody's own home, state or sockets are a test's business.
    (folder / "home").mkdir()
    os.environ["HOME"] = os.fspath(folder / "home")
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"):
        os.environ.pop(name, None)
    tempfile.tempdir = None


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if "POLIS_KEEP" not in os.environ:
        shutil.rmtree(config.stash[_folder], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two beside each other where there are two processors: the tests wait half of their time."""
    return _WORKERS if len(os.sched_getaffinity(0)) >= _WORKERS else 0


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker is told where it meets the other."""
    node.workerinput["folder"] = os.fspath(node.config.stash[_folder])


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest-timeout looks at the clock
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if not _is_worker(item.config):
        return (yield)
    alone = item.get_closest_marker("alone") is not None
    with take_turn(Path(item.config.workerinput["folder"]), alone=alone):  # type: ignore[attr-defined]
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the session when a test left a process or a mount."""
    yield
    left = find_below(request.config.stash[_folder])
    assert not left, "left behind:\n" + "\n".join(left)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not _is_worker(session.config):
        session.config.stash[_before] = look()


@pytest.hookimpl(tryfirst=True)  # before the reports are closed
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails the session when a test left a network namespace, a cgroup or a file: once, when all
    workers have ended, for nobody can tell whose they are. After an interrupt they have not."""
    ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if _is_worker(session.config) or not ended:
        return
    if not (left := find_beside(session.config.stash[_before])):
        return
    place = ("tests/conftest.py", None, "what the tests left")
    words = "left behind:\n" + "\n".join(left)
    report = pytest.TestReport("what the tests left", place, {}, "failed", words, "teardown")
    session.config.hook.pytest_runtest_logreport(report=report)
    session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_keyboard_interrupt() -> None:
    """A worker is interrupted again five seconds later, by execnet, whatever it does: what stands
    is taken down to its end first. The programs that do so heed a signal as ever."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        signal.signal(signal.SIGINT, lambda *_: None)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home of its own with nothing in it but a git identity; polis is stopped at the end."""
    made = Installation(tmp_path_factory.mktemp("i")).make()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same for all tests of a module, of which each makes a repository of its own in it."""
    made = Installation(tmp_path_factory.mktemp("h")).make()
    yield made
    made.stop()
