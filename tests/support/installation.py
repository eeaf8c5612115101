"""A home of its own, and the real `polis` run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BIN = Path(sys.executable).parent
_TOOLS = Path(__file__).parents[2] / ".tools/node_modules/.bin"


@dataclass(frozen=True)
class Ran:
    """How a command ended: its status and what it printed."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Installation:
    """One user's polis: HOME, state and sockets below `folder`."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        """A small environment: nothing of the caller's but PATH, the terminal and certificates."""
        carried = {name: value for name, value in os.environ.items() if _is_carried(name)}
        return carried | {
            "PATH": os.pathsep.join([str(_BIN), str(_TOOLS), os.environ["PATH"]]),
            "HOME": os.fspath(self.home),
            "XDG_STATE_HOME": os.fspath(self.folder / "state"),
            "XDG_RUNTIME_DIR": os.fspath(self.folder / "run"),
            "XDG_CONFIG_HOME": os.fspath(self.home / ".config"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def make(self) -> Installation:
        """Makes the folders and git's name and address; polis makes the rest itself."""
        for name in ("home", "run"):
            (self.folder / name).mkdir(mode=0o700, parents=True)
        (self.home / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        )
        return self

    def run(
        self,
        *argv: str | bytes,
        cwd: Path | None = None,
        input: bytes = b"",
        environment: Mapping[str, str] = {},
        timeout: float = 60,
    ) -> Ran:
        """Runs a program (`polis`, `cash`, `git`, …) and waits for it."""
        ended = subprocess.run(
            argv,
            cwd=cwd or self.home,
            input=input,
            capture_output=True,
            env={**self.environment, **environment},
            timeout=timeout,
            check=False,
        )
        return Ran(
            ended.returncode,
            ended.stdout.decode("utf-8", "backslashreplace"),
            ended.stderr.decode("utf-8", "backslashreplace"),
        )

    def polis(self, *argv: str | bytes, **how: object) -> Ran:
        """Runs `polis ARGV…`."""
        return self.run("polis", *argv, **how)  # type: ignore[arg-type]

    def git(self, folder: Path, *argv: str) -> str:
        """Runs git in `folder`; its output. AssertionError when it fails."""
        ran = self.run("git", *argv, cwd=folder)
        assert ran.status == 0, f"git {' '.join(argv)}: {ran.err}"
        return ran.out

    def make_repository(self, name: str = "shop", files: Mapping[str, str] | None = None) -> Path:
        """A repository with one commit of `files`."""
        folder = self.folder / name
        folder.mkdir()
        self.git(folder, "init", "-q")
        for path, text in (files or {"README.md": "A small shop.\n"}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        self.git(folder, "add", ".")
        self.git(folder, "commit", "-q", "-m", "Begin")
        return folder

    def stop(self) -> None:
        """Stops polis if it ever ran."""
        if (self.folder / "state").exists():
            self.polis("down")


def _is_carried(name: str) -> bool:
    return name in {"LANG", "TERM", "CI"} or name.endswith(("_BUNDLE", "_CERT_FILE", "_CA_CERTS"))
