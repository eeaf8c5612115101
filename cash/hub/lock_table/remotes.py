"""The lock table's rows that speak with remotes: whose refs a fetch or push writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cash.hub.git_line import Options
from cash.hub.levels import (
    CONFIG,
    EXCLUSIVE,
    NOTHING,
    PACKED,
    WORKTREES,
    Need,
    branch_ref,
    reading,
    remote,
    writing,
)
from cash.hub.lock_table.case import Case

_FETCH: Final = (
    "-j -o --jobs --depth --deepen --shallow-since --shallow-exclude --upload-pack --server-option "
    "--refmap --negotiation-tip --filter --recurse-submodules-default"
)
_PULL: Final = f"{_FETCH} -s -X --strategy --strategy-option"
_PUSH: Final = "-o --push-option --repo --receive-pack --exec"
# They change which commits have parents, for everybody.
_DEEPENING: Final = (
    *("--depth", "--deepen", "--shallow-since", "--shallow-exclude", "--unshallow"),
    *("--update-shallow", "--refmap"),
)


def fetch(case: Case) -> Need:
    """git fetch."""
    options = case.options(_FETCH)
    return NOTHING if options.says("--dry-run") else _fetching(case, options)


def pull(case: Case) -> tuple[Options, Need]:
    """The part of git pull that fetches."""
    options = case.options(_PULL)
    return options, _fetching(case, options)


def _fetching(case: Case, options: Options) -> Need:
    if options.has(*_DEEPENING):
        return EXCLUSIVE
    names, refspecs = _chosen(case, options)
    if any(_reaches_further(case, name) for name in names):
        return EXCLUSIVE
    need = reading(WORKTREES) | writing(*map(remote, names), shared=[WORKTREES])
    prunes = any(case.is_on(f"remote.{name}.prune") for name in names)
    if options.has("-p", "-P", "--prune", "--prune-tags") or case.is_on("fetch.prune") or prunes:
        need |= writing(PACKED)
    if options.has("--set-upstream"):
        need |= writing(CONFIG)
    return need | _targets(refspecs)


def _chosen(case: Case, options: Options) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The remotes fetched from, and the refspecs given. A remote by its address has no refs."""
    known, words = case.around.remotes(), options.words
    if options.has("--all") or (not words and case.is_on("fetch.all")):
        return tuple(sorted(known)), ()
    if not words:
        return _known(known, [_default(case, ())]), ()
    if any(case.values(f"remotes.{word}") for word in words):  # a group
        return tuple(sorted(known)), ()
    if options.has("--multiple"):
        return _known(known, words), ()
    return _known(known, words[:1]), words[1:]


def _known(known: frozenset[str], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in known)


def _default(case: Case, keys: Sequence[str]) -> str:
    """The first of the keys that is set, else what the branch has as its remote, else origin."""
    branch = case.around.branch().removeprefix("refs/heads/")
    for key in (*keys, f"branch.{branch}.remote"):
        found = case.values(key.replace("BRANCH", branch))
        if found:
            return found[-1]
    return "origin"


def _reaches_further(case: Case, name: str) -> bool:
    """Whether the remote's own refspecs write other refs than refs/remotes/<name>/*: a mirror."""
    for refspec in case.values(f"remote.{name}.fetch"):
        target = refspec.partition(":")[2]
        if target and not target.startswith((f"refs/remotes/{name}/", "refs/tags/")):
            return True
    return False


def _targets(refspecs: Sequence[str]) -> Need:
    need = NOTHING
    words = list(refspecs)
    while words:
        word = words.pop(0)
        if word == "tag" and words:
            word = f":refs/tags/{words.pop(0)}"
        target = word.removeprefix("+").partition(":")[2]
        if "*" in target:
            return EXCLUSIVE
        if target:
            need |= writing(branch_ref(target))
    return need


def push(case: Case) -> Need:
    """git push."""
    options = case.options(_PUSH)
    if options.says("-n", "--dry-run"):
        return NOTHING
    given = options.words[:1] or tuple(filter(None, (options.value("--repo"),)))
    keys = ("branch.BRANCH.pushRemote", "remote.pushDefault")
    name = given[0] if given else _default(case, keys)
    if name == ".":
        return EXCLUSIVE  # it writes the hub's own branches
    known = case.around.remotes()
    need = writing(*map(remote, _known(known, [name])))
    deletes = any(word.lstrip("+").startswith(":") for word in options.words[1:])
    if deletes or options.has("-d", "--delete", "--prune", "--mirror"):
        need |= writing(PACKED)
    if options.has("-u", "--set-upstream") or case.is_on("push.autoSetupRemote"):
        need |= writing(CONFIG)
    return need


def remotes(case: Case) -> Need:
    """git remote."""
    sub, rest = case.with_sub()
    options = rest.options("-t -m --master")
    names = options.words
    match sub:
        case "" | "show" | "get-url":
            # `remote -v update` has its subcommand behind the option.
            return NOTHING if sub or not case.options().words else EXCLUSIVE
        case "add" | "set-url" | "set-branches" if names:
            return writing(CONFIG, remote(names[0]))
        case "set-head" if names:
            gone = writing(PACKED) if options.has("-d", "--delete") else NOTHING
            return gone | writing(f"refs/remotes/{names[0]}/HEAD")
        case "update":
            gone = writing(PACKED) if options.has("-p", "--prune") else NOTHING
            every = sorted(case.around.remotes())
            further = [name for name in every if _reaches_further(case, name)]
            both = gone | writing(*map(remote, every), shared=[WORKTREES])
            return EXCLUSIVE if further else both
        case "prune" if names:
            if options.says("-n", "--dry-run"):
                return NOTHING
            return writing(PACKED, *map(remote, names), shared=[WORKTREES])
        case _:
            return EXCLUSIVE
