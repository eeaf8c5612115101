"""A person's desk: a repository under polis with agent alice, and the real commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from installation import Installation, Ran


@dataclass(frozen=True)
class Desk:
    """Where a person sits: in the repository, with polis at hand."""

    installation: Installation
    repository: Path

    def polis(self, *argv: str | bytes, **how: Any) -> Ran:
        return self.installation.polis(*argv, cwd=self.repository, **how)

    def line(self, text: str | bytes, **how: Any) -> Ran:
        """One line in alice's governed shell."""
        return self.polis("shell", "alice", "-c", text, **how)

    def log(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The journal, oldest first."""
        ran = self.polis("log", "--json", "--limit", "1000")
        assert ran.status == 0, ran.err
        entries = [json.loads(row) for row in ran.out.splitlines()]
        return [entry for entry in entries if kind in (None, entry["kind"])]

    @property
    def state(self) -> Path:
        """The repository's folder in polis' state."""
        stores = (self.installation.folder / "state/polis").glob("*/store.db")
        kept = [store.parent for store in stores]
        if len(kept) > 1:  # a house with more than one repository
            kept = [one for one in kept if one.name.startswith(f"{self.repository.name}-")]
        (found,) = kept
        return found

    def folder_of(self, name: str) -> Path:
        """An agent's folder."""
        return self.state / "agents" / name

    @property
    def tree(self) -> Path:
        return self.folder_of("alice") / "volume/tree"

    def children(self, pid: int) -> list[int]:
        """Its child processes; readable for those too that hide from their own user."""
        threads = Path(f"/proc/{pid}/task").iterdir()
        return [int(one) for each in threads for one in (each / "children").read_text().split()]

    @property
    def zygote(self) -> int:
        """The process that keepers are forked from."""
        (polisd,) = self.pids("-m cash.daemon")
        (found,) = [
            child
            for child in self.children(polisd)
            if b"cash.keeper.zygote" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        return found

    @property
    def keeper(self) -> int:
        """The one that stands: what an earlier one had started is the zygote's child too. It hides
        its environment, from its own user as well."""
        (found,) = [pid for pid in self.children(self.zygote) if _is_keeper(pid)]
        return found

    def pids(self, words: str) -> list[int]:
        """This installation's processes whose command line holds `words`."""
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    argv = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    mine = str(self.installation.folder) in _environment(process)
                except (OSError, UnicodeDecodeError):
                    continue
                if words in argv and mine:
                    found.append(int(process.name))
        return found


def _environment(process: Path) -> str:
    return (process / "environ").read_bytes().decode(errors="replace")


def _is_keeper(pid: int) -> bool:
    """Whether it is a zygote's fork that lives outside."""
    process = Path(f"/proc/{pid}")
    spaces = (process / "status").read_text().partition("NSpid:")[2].partition("\n")[0].split()
    # A keeper's saver may outlive it by a moment.
    is_saver = (process / "comm").read_text() == "polis-saver\n"
    is_fork = b"cash.keeper.zygote" in (process / "cmdline").read_bytes()
    return is_fork and len(spaces) == 1 and not is_saver


def make_desk(installation: Installation, files: Mapping[str, str] | None = None) -> Desk:
    """Another repository under polis with agent alice, whose questions end after two seconds."""
    made = Desk(installation, installation.make_repository(next_name(installation), files))
    for words in (("init",), ("config", "set", "ask-seconds", "2"), ("agents", "add", "alice")):
        ran = made.polis(*words)
        assert ran.status == 0, ran.err
    return made


def next_name(installation: Installation) -> str:
    """What a further repository is called."""
    return f"shop{number}" if (number := len([*installation.folder.glob("shop*")])) else "shop"
