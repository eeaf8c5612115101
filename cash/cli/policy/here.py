"""The rules and the circumstances where the caller stands, without polisd and without an agent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cash.cli.calls import here, places
from cash.cli.config.layers import checkout_here, settings_here
from cash.daemon.client import call
from cash.faults import Fault
from cash.policy.context import Context, Facts
from cash.policy.document import PolicyFault
from cash.policy.layers import Layer, find_layers
from cash.policy.load import load_policy
from cash.policy.policy import Policy
from cash.policy.verdict import Level

_LOCKFILES = {"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"}
_PROGRAMS = ("pnpm", "npm", "npx", "yarn", "node")


def layers_here() -> tuple[Layer, ...]:
    """The layers that hold where the caller stands. Nobody has said that the repository's own
    files are trusted: they only tighten."""
    return find_layers(places(), checkout_here(), None, lambda _path: False)


def load_here() -> Policy:
    """The policy that would be in force where the caller stands. The Fault of one that does not
    load says what holds instead."""
    try:
        return load_policy(layers_here())
    except Fault as fault:
        words = f"{fault.message}; {what_holds_instead(stands=is_any_in_force())}"
        told = PolicyFault(words, hint=fault.hint)
        told.more = getattr(fault, "more", ())
        raise told from fault


def what_holds_instead(*, stands: bool) -> str:
    """Of a policy that does not load. stands: there was one before."""
    return "the last good rules stay in force" if stands else "nothing runs until it loads"


def is_any_in_force() -> bool:
    """Whether polisd runs and has rules for this repository, from before if need be."""
    try:
        call(places(), "policy.show", start=False, cwd=here())
    except (Fault, OSError):
        return False
    return True


def context_here(level: str) -> Context:
    """As an agent would be judged that stood here."""
    folder = here()
    tree = checkout_here() or Path(folder)
    return Context(
        level=Level(level),
        tree=os.fspath(tree),
        home=os.path.expanduser("~"),
        cwd=folder,
        facts=Facts(
            lockfiles=frozenset(name for name in _LOCKFILES if (tree / name).exists()),
            lock_folder=os.path.relpath(tree, folder),
            programs=frozenset(name for name in _PROGRAMS if shutil.which(name)),
            adopted=str(settings_here()["installer"].value),
        ),
    )
