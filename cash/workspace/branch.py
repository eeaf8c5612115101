"""Which branch an agent gets, and where it starts; or why it cannot have it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from cash.hub.refs import list_refs
from cash.hub.repository import Repository
from cash.hub.worktree import checked_out
from cash.workspace.agent import Agent, AgentFault


@dataclass(frozen=True, slots=True)
class Branch:
    """The agent's branch. fresh: it is made here, and starts at base. before: where an older
    branch of that name stood that holds nothing of its own, else ""."""

    name: str
    base: str
    fresh: bool
    before: str = ""


def plan_branch(
    repository: Repository,
    agent: str,
    start: str | None,
    branch: str | None,
    agents: Iterable[Agent],
) -> Branch:
    """The branch for a new agent. start: where a new branch agent/<agent> begins; branch: one
    that exists instead. agents: those there are. Raises AgentFault."""
    name = branch if branch is not None else f"agent/{agent}"
    _check_free(repository, name, agents)
    tip = _resolve(repository, f"refs/heads/{name}")
    if branch is not None:
        if start is not None:
            raise AgentFault(
                "BRANCH_EXISTS",
                "--branch names a branch that exists, --from starts a new one",
                hint="give one of the two",
            )
        if tip is None:
            raise _unknown_branch(repository, branch)
        return Branch(name=name, base=tip, fresh=False)
    base = _resolve(repository, start or "HEAD")
    if base is None:
        raise AgentFault(
            "BRANCH_UNKNOWN",
            f"{start!r} names no commit",
            hint=f"git -C {repository.root} log --oneline --all lists them",
        )
    if tip is not None and not _contains(repository, base, tip):
        raise AgentFault(
            "BRANCH_EXISTS",
            f"there is a branch {name} with commits of its own",
            hint=f"--branch {name} goes on with it, git branch -D {name} drops it",
        )
    return Branch(name=name, base=base, fresh=True, before=tip or "")


def _check_free(repository: Repository, branch: str, agents: Iterable[Agent]) -> None:
    held = {agent.branch: agent.name for agent in agents}
    tree = checked_out(repository).get(f"refs/heads/{branch}")
    if branch in held:
        raise AgentFault(
            "BRANCH_IN_USE",
            f"branch {branch} is in use by agent {held[branch]}",
            hint=f"--from {branch} starts a new branch there",
        )
    if tree is not None:
        raise AgentFault(
            "BRANCH_IN_USE",
            f"branch {branch} is checked out in {tree}",
            hint=f"--from {branch} starts a new branch there",
        )


def _unknown_branch(repository: Repository, branch: str) -> AgentFault:
    names = [ref.name.removeprefix("refs/heads/") for ref in list_refs(repository, "refs/heads/")]
    near = difflib.get_close_matches(branch, names, n=1)
    remote = _resolve(repository, f"refs/remotes/{branch}") or _resolve(
        repository, f"refs/remotes/origin/{branch}"
    )
    hint = f"did you mean {near[0]}?" if near else "git branch lists them"
    if remote:
        hint = f"git branch --no-track {branch.split('/', 1)[-1]} {remote[:12]} makes it"
    return AgentFault("BRANCH_UNKNOWN", f"there is no branch {branch!r}", hint=hint)


def _resolve(repository: Repository, name: str) -> str | None:
    """The commit a name stands for; `--end-of-options`, because it may begin with a dash."""
    status, out, _ = repository.git.try_run(
        "rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}"
    )
    return out.decode().strip() if status == 0 else None


def _contains(repository: Repository, commit: str, other: str) -> bool:
    status, _, _ = repository.git.try_run("merge-base", "--is-ancestor", other, commit)
    return status == 0
