"""A remote of the user's, reached over "ssh": a program of theirs that runs here what would run
there, and notes that it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desk import Desk

ADDRESS = "git@far.example:shop.git"


@dataclass(frozen=True)
class Far:
    """bare: the remote repository. asked: what the user's ssh was asked for, a line each."""

    desk: Desk
    bare: Path
    log: Path

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def git(self, *words: str) -> str:
        """In the remote repository."""
        return self.desk.installation.git(self.bare, *words).strip()

    def tips(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split() for line in lines)

    def commit(self, branch: str = "main", text: str = "from afar") -> str:
        """Somebody else's work, pushed by them."""
        folder = self.desk.installation.folder / f"other-{len(list(self.bare.parent.iterdir()))}"
        git = self.desk.installation.git
        git(self.bare, "clone", "-q", str(self.bare), str(folder))
        git(folder, "switch", "-q", "-C", branch, "origin/main")
        (folder / "far.txt").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", text)
        git(folder, "push", "-q", "-f", "origin", branch)
        return git(folder, "rev-parse", "HEAD").strip()


def make_far(desk: Desk, *, script: str = "") -> Far:
    """The remote `origin` of the user's repository, with its main. script: what their ssh does
    first."""
    folder = desk.installation.folder
    git = desk.installation.git
    far = Far(desk, folder / "shop.git", folder / "asked")
    git(desk.repository, "init", "-q", "--bare", str(far.bare))
    ssh = folder / "ssh"
    ssh.write_text(
        f'#!/bin/bash\necho "$(id -u) $@" >>{far.log}\nexec 3>&-\n{script}\n'
        f'cd {folder} && eval "${{!#}}"\n'
    )
    ssh.chmod(0o755)
    git(desk.repository, "config", "core.sshCommand", str(ssh))
    git(desk.repository, "remote", "add", "origin", ADDRESS)
    git(desk.repository, "push", "-q", "-u", "origin", "main")
    far.log.unlink()
    return far
