"""What a judgement may know besides the actions; gathered beforehand, so judging stays pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cash.policy.identity import Identities
from cash.policy.verdict import Level


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rewriters and git rules need to know of the tree.

    lockfiles: names present at the package root (package-lock.json, pnpm-lock.yaml, …).
    programs: tools found inside the walls (pnpm, npm, …).
    binaries: programs of installed packages, the names in the tree's node_modules/.bin.
    lock_folder: where those lock files lie, from the directory the command starts in: ".", "..";
    "" when that is not known.
    adopted: the user has answered how this repository installs: "pnpm", "npm" or "".
    git_config: the agent's effective git configuration, keys lower-case.
    carried: addresses of repositories that polisd itself reaches, for git inside.
    """

    lockfiles: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    binaries: frozenset[str] = frozenset()
    adopted: str = ""
    git_config: Mapping[str, str] = field(default_factory=dict)
    lock_folder: str = "."
    carried: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts, where, and how strictly.

    tree, home, cwd: absolute paths as the agent sees them. enforced: a keeper judges each exec
    again, so a dynamic command name may be left to it (otherwise it is asked about).
    identities: the files behind the policy's program names. hosts: where the agent's own CLI is
    served, so no host is new that stands there. locks: path → the other agent that holds it.
    conflicts: paths, from the tree's root, in which one with another agent's work is foreseen.
    """

    agent: str = ""
    branch: str = ""
    level: Level = Level.BALANCED
    tree: str = "/"
    home: str = "/"
    cwd: str = "/"
    enforced: bool = False
    facts: Facts = field(default_factory=Facts)
    identities: Identities = field(default_factory=Identities)
    hosts: frozenset[str] = frozenset()
    locks: Mapping[str, str] = field(default_factory=dict)
    conflicts: frozenset[str] = frozenset()
