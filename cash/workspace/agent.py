"""An agent: a name, a branch, and a folder with its tree, git directory and home."""

from __future__ import annotations

import difflib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from cash.faults import UsageFault
from cash.hub.adoption import write_whole

Mode = Literal["auto", "full", "rootless", "degraded"]
MODES: tuple[Mode, ...] = ("auto", "full", "rootless", "degraded")

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")
RULE = "2 to 31 characters: a lower-case letter, then lower-case letters, digits and hyphens"
# The record of what was made, beside the tree; it is written last, so a folder without it was
# never finished.
RECORD = "agent.json"
# What is about to be made, written first: whoever finds it without a record undoes the rest.
INTENT = "making.json"


class AgentFault(UsageFault):
    """The words about an agent were wrong. code: AGENT_EXISTS, AGENT_UNKNOWN, INVALID_NAME,
    BRANCH_IN_USE, BRANCH_UNKNOWN, BRANCH_EXISTS, AGENT_BUSY, AGENT_DIRTY."""

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


@dataclass(frozen=True, slots=True)
class Agent:
    """What was fixed when the agent was made. incarnation: tells it from an earlier one of the
    same name. number: unique on this machine's state, from 1; root's agents get uid 100000 +
    number. base: the commit it started from; start: how that was said (`--from`). created:
    seconds since the epoch. folder: holds everything below."""

    name: str
    incarnation: str
    number: int
    provider: str
    branch: str
    base: str
    start: str
    mode: Mode
    created: float
    folder: Path

    @property
    def volume(self) -> Path:
        """What is shown by one mount: files of the packages can be linked into the tree."""
        return self.folder / "volume"

    @property
    def tree(self) -> Path:
        """The working tree: a linked worktree outside, the agent's checkout inside."""
        return self.volume / "tree"

    @property
    def packages(self) -> Path:
        """Where its package managers keep what they link into the tree."""
        return self.volume / "packages"

    @property
    def git_directory(self) -> Path:
        """The agent's own git directory. The agent writes it: git never runs on it outside."""
        return self.folder / "git"

    @property
    def git_file(self) -> Path:
        """A file that names git_directory, mounted over tree/.git inside."""
        return self.folder / "gitfile"

    @property
    def home(self) -> Path:
        """The agent's private, persistent HOME."""
        return self.folder / "home"

    @property
    def scratch(self) -> Path:
        """What the agent sees as /tmp."""
        return self.folder / "scratch"

    @property
    def saved(self) -> Path:
        """What its commands have changed, as it was before: none of its walls show it."""
        return self.folder / "saved"

    @property
    def imported(self) -> Path:
        """Fingerprint of the refs that were last carried to the hub."""
        return self.folder / "imported"


def check_name(name: str, existing: Iterable[str]) -> str:
    """The name, if a new agent may have it; AgentFault with the rule or the taken name else."""
    if not _NAME.fullmatch(name):
        suggestion = _suggest(name)
        raise AgentFault(
            "INVALID_NAME",
            f"{name!r} cannot be an agent's name: {RULE}",
            hint=f"for example {suggestion}" if suggestion else None,
        )
    if name in existing:
        raise AgentFault(
            "AGENT_EXISTS",
            f"there is an agent {name} already",
            hint=f"polis shell {name} enters it; polis agents remove {name} removes it",
        )
    return name


def find_agent(name: str, agents: Iterable[Agent]) -> Agent:
    """The agent of that name; AgentFault that names the nearest one else."""
    known = {agent.name: agent for agent in agents}
    if name in known:
        return known[name]
    if not known:
        raise AgentFault(
            "AGENT_UNKNOWN", f"there is no agent {name!r}", hint="polis agents add NAME makes one"
        )
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    raise AgentFault(
        "AGENT_UNKNOWN", f"there is no agent {name!r}", hint=f"{hint}known: {', '.join(known)}"
    )


def new_incarnation() -> str:
    """A short random id; never reused in practice, fit for file and ref names."""
    return secrets.token_hex(4)


def write_record(agent: Agent) -> None:
    """Writes what was made into the agent's folder: from now on the agent exists."""
    values = asdict(agent)
    del values["folder"]
    write_whole(agent.folder / RECORD, json.dumps(values, indent=1).encode() + b"\n")


def read_record(folder: Path) -> Agent | None:
    """The agent in this folder, or None when there is no whole one."""
    try:
        values = json.loads((folder / RECORD).read_bytes())
        known = {field.name for field in fields(Agent)} - {"folder"}
        agent = Agent(folder=folder, **{key: values[key] for key in known})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return agent if agent.name == folder.name else None


def check_mode(mode: str) -> Mode:
    """The mode, or a UsageFault that lists them."""
    if mode not in MODES:
        raise UsageFault(f"there is no mode {mode!r}", hint=f"one of {', '.join(MODES)}")
    return mode


def _suggest(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:31].strip("-")
    return plain if _NAME.fullmatch(plain) else ""
