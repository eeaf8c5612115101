"""The lock table's rows that move the branch HEAD is on, or a ref by its full name."""

from __future__ import annotations

from cash.hub.git_line import Options
from cash.hub.levels import (
    EXCLUSIVE,
    NOTHING,
    PACKED,
    WORKTREES,
    Need,
    branch_ref,
    reading,
    writing,
)
from cash.hub.lock_table.case import Case, may_be_branch
from cash.hub.lock_table.remotes import pull as pull_from


def own(case: Case) -> Need:
    return case.own_branch()


def commit(case: Case) -> Need:
    texts = "-m -F -C -c -t --message --file --reuse-message --reedit-message --template --author"
    options = case.options(
        f"{texts} --date --fixup --squash --cleanup --trailer --pathspec-from-file"
    )
    return NOTHING if options.says("--dry-run") else case.own_branch()


def merge(case: Case) -> Need:
    options = case.options("-m -F -s -X --message --file --strategy --strategy-option --into-name")
    return case.own_branch() | _autostash(case, options, "merge.autoStash")


def rebase(case: Case) -> Need:
    options = case.options(
        "-x -s -X -C --exec --onto --strategy --strategy-option --whitespace --empty"
    )
    if options.has("--update-refs") or case.is_on("rebase.updateRefs"):
        return EXCLUSIVE
    if options.says("--show-current-patch"):
        return NOTHING
    other = [branch_ref(name) for name in options.words[1:2] if may_be_branch(name)]
    need = case.own_branch() | writing(PACKED, *other, shared=[WORKTREES])
    return need | _autostash(case, options, "rebase.autoStash")


def picking(case: Case) -> Need:
    return case.own_branch() | writing(PACKED)


def reset(case: Case) -> Need:
    return NOTHING if case.options("--pathspec-from-file").paths else case.own_branch()


def pull(case: Case) -> Need:
    options, need = pull_from(case)
    return picking(case) | need | _autostash(case, options, "rebase.autoStash")


def update_ref(case: Case) -> Need:
    options = case.options("-m")
    if options.has("--stdin") or not options.words:
        return EXCLUSIVE
    gone = writing(PACKED) if options.has("-d") else NOTHING
    return gone | _named(case, options.words[0])


def symbolic_ref(case: Case) -> Need:
    options = case.options("-m")
    if not options.has("-d", "--delete") and len(options.words) < 2:
        return NOTHING
    name = (options.words or ("",))[0]
    return _named(case, name) if name.startswith("refs/") else reading(WORKTREES)


def _named(case: Case, name: str) -> Need:
    """A ref by its full name; one that is no ref belongs to the worktree, but for HEAD's branch."""
    if name.startswith("refs/"):
        return writing(name, shared=[WORKTREES])
    return case.own_branch() if name in ("HEAD", "@") else reading()


def _autostash(case: Case, options: Options, key: str) -> Need:
    """What cannot be put back at the end becomes an entry of the stash."""
    if options.has("--autostash") or case.is_on(key):
        return writing("refs/stash", PACKED)
    return NOTHING
