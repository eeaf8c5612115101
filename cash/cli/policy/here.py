"""The rules and the circumstances where the caller stands, without polisd and without an agent."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cash.cli.calls import here, places
from cash.cli.config.layers import checkout_here
from cash.policy.context import Context, Facts
from cash.policy.explain import explain
from cash.policy.judge import judge_line
from cash.policy.layers import Layer, find_layers
from cash.policy.load import load_policy
from cash.policy.policy import Policy
from cash.policy.verdict import Level
from cash.syntax import read

_LOCKFILES = {"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"}
_PROGRAMS = ("pnpm", "npm", "npx", "yarn", "node")


@dataclass(frozen=True, slots=True)
class Judge:
    """What judges a line here."""

    policy: Policy
    context: Context

    def explain(self, text: str) -> dict[str, Any]:
        """The verdict on a line as JSON (design §6)."""
        line = read(text)
        return explain(judge_line(self.policy, line, self.context), line, self.context)


def layers_here() -> tuple[Layer, ...]:
    """The layers that hold where the caller stands. Nobody has said that the repository's own
    files are trusted: they only tighten."""
    return find_layers(places(), checkout_here(), None, lambda _path: False)


def judge_here(level: str) -> Judge:
    """A judge with the rules of every layer. PolicyFault when they do not load."""
    return Judge(load_policy(layers_here()), _context(Level(level)))


def _context(level: Level) -> Context:
    folder = here()
    tree = checkout_here() or Path(folder)
    return Context(
        level=level,
        tree=os.fspath(tree),
        home=os.path.expanduser("~"),
        cwd=folder,
        facts=Facts(
            lockfiles=frozenset(name for name in _LOCKFILES if (tree / name).exists()),
            programs=frozenset(name for name in _PROGRAMS if shutil.which(name)),
        ),
    )
