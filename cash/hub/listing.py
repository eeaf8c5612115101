"""Refs of the hub and of its remotes as git's remote helpers say them, and what an agent borrows
of them kept alive."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager

from cash.hub.levels import PACKED, Need, writing
from cash.hub.mutex import LONG_PATIENCE, hold_hub
from cash.hub.refs import delete_refs, keep_more, keep_ref, list_refs
from cash.hub.repository import Repository

# What an agent's git takes of a remote.
_BORROWED = ("refs/heads/", "refs/tags/")
# Nothing is missing of what they lead to.
_WHOLE = ("--quiet", "--objects", "--stdin", "--not", "--all")


def describe_hub(repository: Repository, own: str) -> tuple[str, ...]:
    """`<object> <ref>` of the hub's branches, but for the agent's own, and of its tags; the
    branch that the user is on as `@<branch> HEAD`."""
    lines: list[str] = [_format(repository)]
    for ref in list_refs(repository, *_BORROWED):
        if ref.name != own and not ref.symbolic:
            lines.append(f"{ref.object} {ref.name}")
            lines += [f"{ref.peeled} {ref.name}^{{}}"] if ref.peeled else []
    _, out, _ = repository.git.try_run("symbolic-ref", "--quiet", "HEAD")
    head = os.fsdecode(out).strip()
    if any(line.endswith(f" {head}") for line in lines):
        lines.insert(1, f"@{head} HEAD")
    return tuple(lines)


def describe_remote(repository: Repository, told: bytes) -> tuple[str, ...]:
    """The same of what `git ls-remote --symref` has told, in its order."""
    pairs = [line.partition("\t") for line in os.fsdecode(told).split("\n")[:-1]]
    symbolic = {name: value[5:] for value, _, name in pairs if value.startswith("ref: ")}
    lines = (
        f"@{symbolic[name]} {name}" if name in symbolic else f"{value} {name}"
        for value, _, name in pairs
        if not value.startswith("ref: ")
    )
    return (_format(repository), *lines)


def _format(repository: Repository) -> str:
    return f":object-format {repository.object_format}"


def keep_listed(repository: Repository, agent: str, lines: Iterable[str]) -> None:
    """What the hub has of it already, git inside borrows without another word. Fault when the hub
    is busy for long."""
    pairs = (line.partition(" ") for line in lines)
    tips = {value for value, _, name in pairs if name.startswith(_BORROWED)}
    asked = "".join(f"{tip}\n" for tip in sorted(tips)).encode()
    told = repository.git.run("cat-file", "--batch-check", given=asked)
    rows = [line.split() for line in told.decode().splitlines()]
    known = [row[0] for row in rows if row[1] in ("commit", "tag")]
    given = "".join(f"{one}\n" for one in known).encode()
    # What lacks a part is none: git inside finds that as well, and asks for it.
    if known and not repository.git.try_run("rev-list", *_WHOLE, given=given)[0]:
        with _held(repository, agent, writing(keep_ref(agent))) as held:
            keep_more(held, agent, known)


def keep_fetched(repository: Repository, agent: str, place: str) -> None:
    """What has just arrived below a place of polis' own, which nobody else writes to, stays
    without the place. Fault as above."""
    with _held(repository, agent, writing(PACKED, keep_ref(agent))) as held:
        refs = list_refs(held, place)
        keep_more(held, agent, [ref.object for ref in refs])
        delete_refs(held, [ref.name for ref in refs])


def _held(repository: Repository, agent: str, need: Need) -> AbstractContextManager[Repository]:
    """No longer than it takes to write refs, and never while a remote is waited for."""
    doing = "keeping what is borrowed"
    return hold_hub(repository, need, doing, who=agent, seconds=LONG_PATIENCE)
