"""An agent's work is looked into anew exactly when stats say that it may be another."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ground import Ground

from cash.workspace.agent import Agent
from cash.workspace.stamp import stamp_work
from cash.workspace.tree import add_tree


@pytest.fixture
def agent(ground: Ground) -> Agent:
    agent = add_tree(ground.repository, ground.places, "alice")
    (agent.tree / "src").mkdir()
    (agent.tree / "src/a.txt").write_text("one")
    (agent.tree / "src/b.txt").write_text("two")
    return agent


def _settled(agent: Agent) -> str:
    """Once the clock's grain has passed."""
    deadline = time.monotonic() + 10
    while not (stamp := stamp_work(agent)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return stamp


def test_what_nobody_touches_stays_the_same(agent: Agent) -> None:
    stamp = _settled(agent)
    time.sleep(0.1)
    assert {stamp_work(agent), stamp_work(agent)} == {stamp}
    # Read, by git as well.
    assert (agent.tree / "src/a.txt").read_text() == "one"
    assert stamp_work(agent) == stamp


def _rewrite(agent: Agent) -> None:
    path = agent.tree / "src/a.txt"
    found = path.stat()
    path.write_text("eno")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def _swap(agent: Agent) -> None:
    folder = agent.tree / "src"
    (folder / "a.txt").rename(folder / "c.txt")
    (folder / "b.txt").rename(folder / "a.txt")
    (folder / "c.txt").rename(folder / "b.txt")


def _exchange(agent: Agent) -> None:
    fresh = agent.git_directory / "index.new"
    fresh.write_bytes((agent.git_directory / "index").read_bytes())
    fresh.rename(agent.git_directory / "index")


def _write(name: str, text: str) -> Callable[[Agent], object]:
    def write(agent: Agent) -> None:
        path: Path = agent.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)

    return write


_DEEDS: dict[str, Callable[[Agent], object]] = {
    "a file is written, and its time set back": _rewrite,
    "two files change their names": _swap,
    "a file comes": lambda agent: (agent.tree / "src/new").touch(),
    "a file goes": lambda agent: (agent.tree / "src/b.txt").unlink(),
    "a file becomes a program": lambda agent: (agent.tree / "src/a.txt").chmod(0o755),
    "a link takes its place": lambda agent: (
        (agent.tree / "src/b.txt").unlink(),
        (agent.tree / "src/b.txt").symlink_to("a.txt"),
    ),
    "a folder comes": lambda agent: (agent.tree / "src/deep").mkdir(),
    "the index is another": _exchange,
    "a branch moves": _write("git/refs/heads/agent/other", "0" * 40 + "\n"),
    "git is told otherwise": _write("git/config", "[core]\n\tautocrlf = true\n"),
    "something is ignored": _write("git/info/exclude", "*.log\n"),
    "some of it is not looked at": _write("git/info/sparse-checkout", "/src\n"),
    "something is ignored in all": _write("home/.config/git/ignore", "*.log\n"),
    "a submodule is on another commit": _write("git/modules/lib/HEAD", "0" * 40 + "\n"),
}


@pytest.mark.parametrize("deed", _DEEDS)
def test_what_changes_it_shows(agent: Agent, deed: str) -> None:
    stamp = _settled(agent)
    _DEEDS[deed](agent)
    assert stamp_work(agent) != stamp
    assert _settled(agent) != stamp


def test_what_has_just_been_written_has_no_stamp(agent: Agent) -> None:
    _settled(agent)
    # The second write of a tick shows by nothing but what is in the file.
    (agent.tree / "src/a.txt").write_text("two")
    assert stamp_work(agent) == ""


@pytest.mark.parametrize(
    "setting",
    [
        "[core]\n\texcludesFile = /tmp/ignored\n",
        "[core]\n\tattributesFile = /tmp/attributes\n",
        "[core]\n\tworktree = /tmp\n",
        "[include]\n\tpath = /tmp/more\n",
        '[include]\n\tpath = "/run/polis/door/remotes"\n\tpath = /tmp/more\n',
        '[includeIf "onbranch:main"]\n\tpath = /tmp/more\n',
    ],
)
@pytest.mark.parametrize("place", ["git/config", "home/.gitconfig", "home/.config/git/config"])
def test_what_other_files_decide_has_no_stamp(agent: Agent, place: str, setting: str) -> None:
    _settled(agent)
    _write(place, setting)(agent)
    time.sleep(0.1)
    assert stamp_work(agent) == ""


def test_nothing_is_followed_out_of_the_tree(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (agent.tree / "out").symlink_to(tmp_path / "elsewhere")
    stamp = _settled(agent)
    (tmp_path / "elsewhere/file").touch()
    assert stamp_work(agent) == stamp


def test_who_has_no_find_has_no_stamp(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    _settled(agent)
    monkeypatch.setenv("PATH", "/nowhere")
    assert stamp_work(agent) == ""


def test_what_cannot_be_looked_at_has_no_stamp(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settled(agent)
    real = subprocess.run

    def fail(argv: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        return real([*argv[:2], "/nowhere", *argv[2:]], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "run", fail)
    assert stamp_work(agent) == ""
