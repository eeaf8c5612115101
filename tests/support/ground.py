"""A real repository with a home and a state of its own, and agents' git without walls."""

from __future__ import annotations

import os
import pickle
import subprocess
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cash.hub.repository import Repository, find_repository
from cash.places import Places, find_places
from cash.workspace.agent import Agent

T = TypeVar("T")
ORDINARY = 54321  # a uid nobody has: an ordinary user without a passwd entry


@dataclass(frozen=True)
class Ground:
    """folder/repo is the user's repository, folder/home the home, folder/state the state."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "repo"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    @property
    def places(self) -> Places:
        return find_places(self.environment)

    @property
    def repository(self) -> Repository:
        return find_repository(self.root)

    @property
    def hub(self) -> Path:
        """polis' folder for the repository."""
        return self.places.state / self.repository.id

    def make(self, *, files: int = 3) -> Ground:
        """main with two commits; every file holds its own name."""
        self.home.mkdir(mode=0o755)
        (self.home / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        )
        self.root.mkdir()
        self.git("init", "--quiet")
        for number in range(files):
            place = self.root / f"folder{number % 10}" / f"file{number}.txt"
            place.parent.mkdir(exist_ok=True)
            place.write_text(f"{place.name}\n")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "first")
        (self.root / "README").write_text("read me\n")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "second")
        return self

    def git(self, *words: str | Path, cwd: Path | None = None) -> str:
        """The user's own git."""
        return self.run("git", *words, cwd=cwd or self.root)

    def inside(self, agent: Agent, *words: str | Path) -> str:
        """git as the agent sees it inside its walls, less the walls."""
        place = {"GIT_DIR": str(agent.git_directory), "GIT_WORK_TREE": str(agent.tree)}
        return self.run("git", *words, cwd=agent.tree, more=place)

    def run(self, *argv: str | Path, cwd: Path, more: dict[str, str] | None = None) -> str:
        ran = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd,
            env=self.environment | (more or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, f"{argv}: {ran.stderr.decode(errors='replace')}"
        return ran.stdout.decode(errors="surrogateescape").rstrip("\n")

    def commit(self, agent: Agent, name: str, text: str) -> str:
        """The agent writes a file and commits it; the commit."""
        place = agent.tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        self.inside(agent, "add", "--", name)
        self.inside(agent, "commit", "--quiet", "-m", f"write {name}")
        return self.inside(agent, "rev-parse", "HEAD")

    def state(self) -> list[str]:
        """Everything polis could have left: refs, worktrees, branches, files of its own."""
        refs = self.git("for-each-ref", "--format=%(refname)").splitlines()
        trees = [line.split()[0] for line in self.git("worktree", "list").splitlines()]
        agents = sorted(str(path) for path in self.hub.glob("agents/*"))
        locks = sorted(str(path) for path in (self.root / ".git").rglob("*.lock"))
        return [*refs, *trees, *agents, *locks]


def run_as(uid: int, function: Callable[[], T]) -> T:
    """The function's value, computed in a child process that has become this user for good."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        answer: tuple[bool, object] = (False, "it did not end")
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            answer = (True, function())
        except BaseException:
            answer = (False, traceback.format_exc())
        finally:
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(pickle.dumps(answer))
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    fine, value = pickle.loads(content)
    assert fine, value
    return value
