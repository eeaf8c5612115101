"""A repository under polis with two agents: what most tests of the shell need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from installation import Installation
from screen import Terminal

Sit = Callable[..., Terminal]


class Shop:
    """The agents alice and bob on a repository with one commit."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.repository = installation.make_repository()
        # What npm is rewritten to; this one says what it was asked for.
        pnpm = installation.folder / "tools/pnpm"
        pnpm.parent.mkdir()
        pnpm.write_text('#!/bin/sh\necho "asked: pnpm $*"\n')
        pnpm.chmod(0o755)
        path = f"{pnpm.parent}:{installation.environment['PATH']}"
        for words in (("init",), ("agents", "add", "alice"), ("agents", "add", "bob")):
            ran = installation.polis(*words, cwd=self.repository, environment={"PATH": path})
            assert ran.status == 0, ran.err
        (self.tree,) = installation.folder.glob("state/polis/*/agents/alice/volume/tree")

    @property
    def environment(self) -> dict[str, str]:
        return self.installation.environment

    def log(self, agent: str = "alice") -> str:
        """The journal as text."""
        return self.installation.polis("log", "--agent", agent, "--json", cwd=self.repository).out

    def open_terminal(self, *argv: str, cwd: Path | None = None, **size: int) -> Terminal:
        """A terminal with a program on it; the caller leaves its context."""
        environment = {**self.environment, "PS1": "OUT> ", "PS2": ""}
        return Terminal(argv, environment=environment, cwd=cwd or self.repository, **size)
