"""An agent's work as the commands show it that bring it home: diff, merge, discard, pr."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cash.cli.asking import answer_text, answers_yes, can_ask
from cash.cli.calls import ask, here
from cash.cli.printing import one_line, style
from cash.faults import UsageFault
from cash.hub.changes import Change, Commit, find_base
from cash.hub.repository import Repository, find_repository
from cash.hub.squashed import find_squashed, list_squashes

_MOST_FILES = 30
_MOST_COMMITS = 20


@dataclass(frozen=True, slots=True)
class Work:
    """What polisd said of it. head: the agent's commit; branch: of the hub, "" when it is on
    none. work: head and all that is not committed. since: where the agent's own work begins.
    begun: the commit the agent was made at. folder: polis' own for the repository."""

    name: str
    repository: Repository
    folder: Path
    path: Path
    head: str
    branch: str
    work: str
    since: str
    begun: str
    left_out: tuple[str, ...]
    running: bool

    @property
    def uncommitted(self) -> bool:
        """Whether there is anything beyond the last commit."""
        return self.work != self.head


def look(name: str) -> Work:
    """Everything the agent has done, carried over to the hub. Raises Fault."""
    return read_work(ask(f"looking at the work of {name}", "work.look", agent=name))


def read_work(answer: dict[str, Any]) -> Work:
    """What polisd answers about an agent's work."""
    repository = find_repository(Path(answer["root"]))
    mine = repository.git.read("rev-parse", "--verify", "HEAD^{commit}")
    squashes = list_squashes(repository).get(answer["name"], ())
    squashed = find_squashed(repository, squashes, mine, answer["head"])
    return Work(
        name=answer["name"],
        repository=repository,
        folder=Path(answer["folder"]),
        path=Path(answer["path"]),
        head=answer["head"],
        branch=answer["branch"],
        work=answer["work"],
        since=find_base(repository, answer["base"], mine, answer["head"], squashed),
        begun=answer["base"],
        left_out=tuple(answer["left_out"]),
        running=answer["running"],
    )


def offer_commit(work: Work, message: str | None, files: int, *, yes: bool) -> Work:
    """Commits what the agent has not, where `message` says so or the person does; else says that
    it stays behind. files: how many."""
    if not work.uncommitted:
        return work
    said = f"{work.name} has not committed {counted(files, 'file')}"
    if message is None and not yes and can_ask() and answers_yes(f"{said}. Commit them now?"):
        message = answer_text("Message", f"Work of {work.name}")
    if message is None:
        tell(f"{said}: left behind (--commit TEXT takes them along)")
        return work
    doing = f"committing the work of {work.name}"
    done = read_work(ask(doing, "work.commit", agent=work.name, message=message))
    tell(f"{work.name} has committed it as {done.head[:12]}, which stays, whatever becomes of it")
    return done


def tell(line: str) -> None:
    """A line for the person, beside what the command answers."""
    click.echo(f"polis: {line}", err=True)


def show_changes(changes: Sequence[Change]) -> None:
    """The files on standard error, with their lines added and removed."""
    width = max((len(_shown(change)) for change in changes[:_MOST_FILES]), default=0)
    for change in changes[:_MOST_FILES]:
        counts = "binary" if change.added is None else f"+{change.added} -{change.removed}"
        click.echo(f"  {change.kind:<8}  {_shown(change):<{width}}  {counts}", err=True)
    if len(changes) > _MOST_FILES:
        click.echo(f"  … {len(changes) - _MOST_FILES} more files", err=True)


def _shown(change: Change) -> str:
    before = f"{change.before} → " if change.before else ""
    return one_line(f"{before}{change.path}")


def show_commits(commits: Sequence[Commit]) -> None:
    """The commits on standard error, newest first."""
    for commit in commits[:_MOST_COMMITS]:
        click.echo(f"  {style_id(commit.id)} {one_line(commit.subject)}", err=True)
    if len(commits) > _MOST_COMMITS:
        click.echo(f"  … {len(commits) - _MOST_COMMITS} more commits", err=True)


def style_id(commit: str) -> str:
    """A commit's id as one reads it."""
    return style(commit[:10], fg="yellow")


def counted(number: int, thing: str) -> str:
    """1 file, 2 files."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def pathspecs(work: Work, paths: Iterable[str]) -> list[str]:
    """Paths as typed, seen from the top of the tree: of the repository, or of the agent's.
    UsageFault for one outside."""
    cwd = Path(here())
    top = next((top for top in (work.path, work.repository.root) if cwd.is_relative_to(top)), None)
    found = []
    for path in paths:
        if path.startswith(":"):  # git's own way of naming them
            found.append(path)
            continue
        full = Path(os.path.normpath(cwd / path))
        tops = [top] if top and full.is_relative_to(top) else [work.path, work.repository.root]
        inside = next((one for one in tops if full.is_relative_to(one)), None)
        if inside is None:
            raise UsageFault(f"{path} lies outside the repository", hint="name a path in it")
        relative = full.relative_to(inside).as_posix()
        found.append(":(top)" if relative == posixpath.curdir else relative)
    return found
