"""What agents do and what a user's repository looks like, for tests of work that comes home."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
from desk import Desk

# What an import may change in the user's git directory, and what reading it leaves.
_POLIS_OWN = ("objects", "worktrees", "polis", "refs/polis", "logs/refs/polis")


def work(desk: Desk, line: str, agent: str = "alice") -> str:
    """A line in the agent's shell, which is allowed and succeeds; its output."""
    ran = desk.polis("shell", agent, "-c", line)
    assert ran.status == 0, f"{line}\n{ran.out}{ran.err}"
    return ran.out


def commit(desk: Desk, path: str, text: str, message: str | None = None) -> str:
    """Alice writes a file and commits it; the commit."""
    place = desk.tree / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    os.chown(place, desk.tree.stat().st_uid, desk.tree.stat().st_gid)
    work(desk, f"git add -- '{path}' && git commit -q -m '{message or f'Write {path}'}'")
    return work(desk, "git rev-parse HEAD").strip()


def picture(root: Path, *, agent: str = "agent/alice") -> dict[str, bytes]:
    """Every file of the user's repository, byte for byte: tree, index, HEAD, refs, reflogs,
    configuration; but for what is polis' own and the agent's branch."""
    skipped = (*_POLIS_OWN, f"refs/heads/{agent}", f"logs/refs/heads/{agent}")
    places = [f"{root}/.git/{name}" for name in skipped]
    found = {}
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            if not any(path == one or path.startswith(f"{one}/") for one in places):
                content = os.readlink(path) if os.path.islink(path) else Path(path).read_bytes()
                mode = f"{os.lstat(path).st_mode:o} ".encode()
                found[os.path.relpath(path, root)] = mode + os.fsencode(content)
    return found


def at_terminal(
    desk: Desk, *words: str, answers: Sequence[tuple[str, str | Callable[[], str]]], **more: str
) -> tuple[int, str]:
    """`polis WORDS…` at a terminal, each question (a part of it) answered, by what a
    function says after it has done something; status and screen."""
    child = pexpect.spawn(
        "polis",
        list(words),
        cwd=str(desk.repository),
        env={**desk.installation.environment, "TERM": "xterm", "PAGER": "cat", **more},
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 160),
    )
    seen = ""
    for question, answer in answers:
        child.expect_exact(question)
        seen += child.before + question
        child.sendline(answer if isinstance(answer, str) else answer())
    child.expect(pexpect.EOF)
    seen += child.before
    child.close()
    status = child.exitstatus if child.exitstatus is not None else 128 + (child.signalstatus or 0)
    return status, seen
