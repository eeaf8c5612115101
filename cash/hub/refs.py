"""Refs of polis' own in the hub (refs/polis/…): what keeps the objects alive that agents borrow.

refs/polis/keep/<agent>/base           the commit the agent started from
refs/polis/keep/<agent>/old/<commit>   a tip of its branch that it has since rewritten
refs/polis/fetching/<agent>/<id>/<n>   what it has just fetched from a remote of the user's
refs/polis/import/<agent>/heads/<x>    its branches as last fetched from inside
refs/polis/trash/<agent>-<inc>/…       what a removed agent left: tree, old/…, heads/…
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cash.hub.git import Git
from cash.hub.quick_reads import read_refs_quickly
from cash.hub.repository import Repository

PREFIX = "refs/polis/"
# 2100-01-01: gc lets reflog entries go 30 to 90 days after their date. An explicit
# `git reflog expire --expire=now` takes them all the same: it is how secrets are purged.
_FAR = "@4102444800 +0000"


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref of the hub. peeled: what an annotated tag points to, else "". symbolic: the ref it
    stands for, else ""."""

    name: str
    object: str
    peeled: str = ""
    symbolic: str = ""


def keep_ref(agent: str) -> str:
    """The ref that keeps the agent's base alive."""
    return f"{PREFIX}keep/{agent}/base"


def list_refs(repository: Repository, *patterns: str) -> tuple[Ref, ...]:
    """The hub's refs below the patterns (`refs/heads/`), sorted by name as bytes."""
    rows = read_refs_quickly(repository, patterns)
    if rows is None:
        layout = "%(refname)%00%(objectname)%00%(*objectname)%00%(symref)"
        text = repository.git.read("for-each-ref", f"--format={layout}", *patterns)
        refs = [Ref(*line.split("\0")) for line in text.splitlines()]
    else:
        refs = [Ref(*row) for row in rows]
    return tuple(sorted(refs, key=lambda ref: os.fsencode(ref.name)))


def delete_refs(repository: Repository, names: Iterable[str]) -> None:
    """Deletes refs, all or none; those that are gone already do not matter."""
    commands = b"".join(b"delete %b\0\0" % os.fsencode(name) for name in names)
    if commands:
        repository.git.run("update-ref", "--no-deref", "-z", "--stdin", given=commands)


def write_refs(
    repository: Repository, values: Iterable[tuple[str, str]], why: str, *, reflog: bool = False
) -> None:
    """Sets refs to objects, all or none. why: the reflog's word."""
    commands = b"".join(
        b"update %b\0%b\0\0" % (os.fsencode(name), value.encode()) for name, value in values
    )
    if not commands:
        return
    log = ("--create-reflog",) if reflog else ()
    repository.git.run("update-ref", "--no-deref", *log, "-m", why, "-z", "--stdin", given=commands)


def keep_objects(repository: Repository, agent: str, base: str, others: Iterable[str]) -> None:
    """Keeps base and the other objects in the hub for as long as the agent lives.

    Only base is a ref. The others (tips of the branches and tags the agent was given) are
    entries of its reflog: `git log --all` of the user's stays as it was, yet gc takes nothing
    even when a branch is deleted."""
    name = os.fsencode(keep_ref(agent))
    values = [*dict.fromkeys(value for value in others if value != base), base]
    commands = b"".join(
        b"start\0update %b\0%b\0\0prepare\0commit\0" % (name, value.encode()) for value in values
    )
    _in_the_far_future(repository.git).run(
        "update-ref",
        "--no-deref",
        "--create-reflog",
        "-m",
        "polis: borrowed by the agent",
        "-z",
        "--stdin",
        given=commands,
    )


def keep_more(repository: Repository, agent: str, objects: Iterable[str]) -> None:
    """Keeps what has come from the agent, too: its git drops what it can borrow (`gc` repacks
    with --local), and goes on to need it where no ref of the hub leads, as a staged file or an
    entry of its reflog. The ref is held."""
    name = keep_ref(agent)
    known: set[str] = set()
    with contextlib.suppress(OSError):
        log = (repository.common_dir / "logs" / name).read_bytes()
        known = {line.split(b" ", 2)[1].decode() for line in log.splitlines()}
    fresh = [value for value in dict.fromkeys(objects) if value not in known]
    if fresh:
        _, base, _ = repository.git.try_run("rev-parse", "--verify", "-q", name)
        keep_objects(repository, agent, base.decode().strip() or fresh[0], fresh)


def _in_the_far_future(git: Git) -> Git:
    return replace(
        git,
        extra={
            **git.extra,
            "GIT_COMMITTER_NAME": "polis",
            "GIT_COMMITTER_EMAIL": "polis@localhost",
            "GIT_COMMITTER_DATE": _FAR,
        },
    )
