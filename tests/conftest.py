"""The session's own folder, homes in it, and the check that nothing is left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from installation import Installation
from leftovers import find_leftovers, look

_folder = pytest.StashKey[Path]()

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


@pytest.fixture(scope="session", autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the session when a test left a process, mount, namespace, cgroup or file."""
    before = look()
    yield
    left = find_leftovers(request.config.stash[_folder], before)
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home of its own with nothing in it but a git identity; polis is stopped at the end."""
    made = Installation(tmp_path_factory.mktemp("i")).make()
    yield made
    made.stop()
