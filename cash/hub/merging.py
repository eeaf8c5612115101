"""Merging an agent's commits into a branch of the user's: foreseen, shown, then done by the user's
own git, with a way back.

What is foreseen touches nothing but the object store. What is done is `git merge` in the user's
tree: identity, hooks, signature and settings are theirs, as if they had typed it.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cash.faults import Fault, UsageFault
from cash.hub.changes import Change, Commit, is_ancestor, list_changes, list_commits
from cash.hub.collisions import Collisions, find_collisions
from cash.hub.forecast import Conflict, forecast_merge
from cash.hub.git import OWN_SETTINGS, Git, GitFault, last_line
from cash.hub.hooks import changed_hooks
from cash.hub.levels import WORKTREES, Need, branch_ref, writing
from cash.hub.refs import PREFIX
from cash.hub.repository import Repository
from cash.hub.saving import save_commits
from cash.hub.squashed import find_squashed, list_squashes, remember_squash
from cash.hub.targets import Target

Way = Literal["nothing", "fast-forward", "merge", "squash"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be merged, and how. agent: whose work; branch: the hub's branch for it, "" when
    the agent is on none; head: its commit. message: "" for git's own."""

    agent: str
    branch: str
    head: str
    squash: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What merging would do. result: the tree it gives. hooks: files that the merge changes and
    that git would then run (a hooks folder inside the working tree)."""

    target: Target
    wish: Wish
    way: Way
    result: str
    commits: tuple[Commit, ...]
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    collisions: Collisions
    hooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """before, after: where the branch stood and stands. way_back: the command that undoes it.
    saved: the refs that keep what it was made of."""

    before: str
    after: str
    way_back: str
    saved: tuple[str, ...]


def plan_merge(repository: Repository, target: Target, wish: Wish) -> Plan:
    """What would be done; touches no tree, index or ref. Raises GitFault."""
    git = repository.git
    squashes = list_squashes(repository).get(wish.agent, ())
    squashed = find_squashed(repository, squashes, target.tip, wish.head)
    way = "nothing" if squashed == wish.head else _way(repository, target, wish)
    result = git.read("rev-parse", f"{wish.head}^{{tree}}")
    conflicts: tuple[Conflict, ...] = ()
    if way == "nothing":
        result = git.read("rev-parse", f"{target.tip}^{{tree}}")
    elif not is_ancestor(git, target.tip, wish.head):
        forecast = forecast_merge(repository, target, wish.head)
        result, conflicts = forecast.tree, forecast.conflicts
    collisions = Collisions()
    hooks: tuple[str, ...] = ()
    changes = list_changes(repository, target.tip, result)
    if target.tree is not None and way != "nothing" and not conflicts:
        commits = way != "fast-forward"
        collisions = find_collisions(repository, target.tree, target.tip, result, commits=commits)
        hooks = changed_hooks(repository, target.tree, changes)
    without = [target.tip, *([squashed] if squashed else [])]
    commits_in = list_commits(repository, wish.head, without)
    return Plan(target, wish, way, result, commits_in, changes, conflicts, collisions, hooks)


def _way(repository: Repository, target: Target, wish: Wish) -> Way:
    git = repository.git
    if is_ancestor(git, wish.head, target.tip):
        return "nothing"
    if wish.squash:
        return "squash"
    _, said, _ = git.try_run("config", "--get", "merge.ff")
    forward = is_ancestor(git, target.tip, wish.head)
    if said.decode().strip() == "only" and not forward:
        raise UsageFault(
            f"{target.branch} has commits that {wish.agent} does not have, and merge.ff is only",
            hint=f"polis exec {wish.agent} -- git rebase {target.tip[:12]}",
        )
    apart = wish.message or said.decode().strip().lower() in ("false", "no", "off", "0")
    return "fast-forward" if forward and not apart else "merge"


def needs_of(plan: Plan) -> Need:
    """What carry_out has to hold: where it goes, where it comes from, and what is kept of it."""
    came = [branch_ref(plan.wish.branch)] if plan.wish.branch else []
    kept = f"{PREFIX}merged/{plan.wish.agent}"
    return writing(plan.target.ref, *came, kept, shared=[WORKTREES])


def carry_out(repository: Repository, plan: Plan, work: str) -> Merged:
    """Merges; what it needs is held. work: the snapshot of the agent's tree, kept with the branch's
    position. Raises Fault, and then the user's branch, index and tree are as they were."""
    target, wish = plan.target, plan.wish
    kept = {"before": target.tip, "work": work}
    saved = save_commits(repository, wish.agent, "merged", kept)
    if target.tree is None:
        after = _merge_beside(repository, plan)
        back = f"git branch -f {shlex.quote(target.branch)} {target.tip[:12]}"
    else:
        own = _own_git(repository, plan)
        if wish.squash:
            _squash(own, plan)
        else:
            _merge(own, plan)
        after = own.read("rev-parse", "HEAD", cwd=target.tree)
        # Not --hard: it keeps what the user has not committed in other files.
        back = f"git -C {shlex.quote(str(target.tree))} reset --keep {target.tip[:12]}"
    if wish.squash:
        saved = (*saved, *remember_squash(repository, saved, wish.head, after))
    return Merged(target.tip, after, back, saved)


def _own_git(repository: Repository, plan: Plan) -> Git:
    # Hooks that the merge itself brings are an agent's programs, and this is outside its walls.
    closed = ("core.hooksPath=/dev/null",) if plan.hooks else ()
    return replace(repository.git, directory=None, usual=OWN_SETTINGS, settings=closed)


def _merge(git: Git, plan: Plan) -> None:
    wish, tree = plan.wish, _tree(plan)
    words = ["merge", "--quiet", "--no-edit", "--no-autostash", "--no-stat"]
    if plan.way == "merge":
        words.append("--no-ff")
    name = wish.branch
    _, found, _ = git.try_run("rev-parse", "--verify", "-q", f"{name}^{{commit}}", cwd=tree)
    if not name or found.decode().strip() != wish.head:  # a tag of the same name, say
        name = wish.head
    if wish.message or name == wish.head:
        words += ["-m", wish.message or f"Merge the work of {wish.agent}"]
    status = _attend(git, tree, *words, name)
    if status == 0:
        return
    if git.try_run("rev-parse", "--verify", "-q", "MERGE_HEAD", cwd=tree)[0] == 0:
        git.run("merge", "--abort", cwd=tree)
    raise _failed(plan)


def _squash(git: Git, plan: Plan) -> None:
    wish, tree = plan.wish, _tree(plan)
    if _attend(git, tree, "merge", "--quiet", "--squash", "--no-autostash", "--no-stat", wish.head):
        raise _failed(plan)
    message = wish.message or squash_message(plan)
    if _attend(git, tree, "commit", "--quiet", "-m", message):
        git.run("reset", "--merge", cwd=tree)  # nothing else was staged: it was looked for
        raise _failed(plan)


def squash_message(plan: Plan) -> str:
    """The message of one commit for all: the subject of the first, and a list."""
    oldest_first = plan.commits[::-1]
    if len(oldest_first) == 1:
        return oldest_first[0].subject
    listed = "\n".join(f"* {commit.subject}" for commit in oldest_first)
    return f"{oldest_first[0].subject}\n\n{listed}"


def _attend(git: Git, tree: Path, *words: str) -> int:
    sys.stdout.flush()
    # Standard output is what this command answers; what git tells goes to the person.
    return git.attend(*words, cwd=tree, out=2)


def _tree(plan: Plan) -> Path:
    if plan.target.tree is None:
        raise Fault(f"{plan.target.branch} is checked out nowhere")
    return plan.target.tree


def _failed(plan: Plan) -> Fault:
    return Fault(
        f"git did not merge {plan.wish.agent} into {plan.target.branch}; nothing was changed",
        hint="git says above why: a hook of the repository's own, mostly",
    )


def _merge_beside(repository: Repository, plan: Plan) -> str:
    """A branch that no tree shows: the commit is made in the object store, and the branch moves
    if it still stands where it stood."""
    target, wish = plan.target, plan.wish
    after = wish.head if plan.way == "fast-forward" else _commit_beside(repository, plan)
    why = f"merge {wish.branch or wish.head}: by polis"
    command = f"update {target.ref}\0{after}\0{target.tip}\0"
    repository.git.run(
        *("update-ref", "--no-deref", "-m", why, "-z", "--stdin"), given=os.fsencode(command)
    )
    return after


def _commit_beside(repository: Repository, plan: Plan) -> str:
    target, wish = plan.target, plan.wish
    parents = [target.tip] if plan.way == "squash" else [target.tip, wish.head]
    name = f"branch '{wish.branch}'" if wish.branch else f"the work of {wish.agent}"
    message = wish.message or f"Merge {name} into {target.branch}"
    if plan.way == "squash":
        message = wish.message or squash_message(plan)
    own = repository.git
    git = replace(own, extra={**own.extra, **_identity(own)})
    _, signs, _ = git.try_run("config", "--type=bool", "--get", "commit.gpgSign")
    words = ["commit-tree", *(("-S",) if signs.strip() == b"true" else ()), "-m", message]
    for parent in parents:
        words += ["-p", parent]
    status, out, err = git.try_run(*words, plan.result)
    if status:
        raise GitFault(f"the merge cannot be committed: {last_line(err)}", stderr=err)
    return out.decode().strip()


def _identity(git: Git) -> dict[str, str]:
    """Who the caller says to be, and what a signature needs."""
    wanted = ("GPG_TTY", "GNUPGHOME", "SSH_AUTH_SOCK", "GIT_AUTHOR_", "GIT_COMMITTER_")
    if git.account.foreign:
        return {}
    return {key: value for key, value in os.environ.items() if key.startswith(wanted)}
