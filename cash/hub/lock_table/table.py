"""All rows, and how a line finds its own: aliases are resolved first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cash.hub.git_line import split_alias, split_line
from cash.hub.levels import EXCLUSIVE, NOTHING, Need, reading
from cash.hub.lock_table.branches import branch, checkout, switch, tag
from cash.hub.lock_table.case import Case, Surroundings
from cash.hub.lock_table.history import (
    commit,
    merge,
    own,
    picking,
    pull,
    rebase,
    reset,
    symbolic_ref,
    update_ref,
)
from cash.hub.lock_table.remotes import fetch, push, remotes
from cash.hub.lock_table.subcommands import (
    by_subcommand,
    config,
    init,
    notes,
    replace,
    stash,
    worktree,
)

_DEEPEST_ALIAS: Final = 10
# What looks, whatever its options say.
LOOKING: Final = (
    *("annotate", "archive", "blame", "cat-file", "check-attr", "check-ignore", "check-mailmap"),
    *("check-ref-format", "cherry", "column", "count-objects", "describe", "diff", "diff-files"),
    *("diff-index", "diff-tree", "difftool", "fmt-merge-msg", "for-each-ref", "format-patch"),
    *("fsck", "get-tar-commit-id", "grep", "help", "interpret-trailers", "log", "ls-files"),
    *("ls-remote", "ls-tree", "mailinfo", "mailsplit", "merge-base", "merge-file", "merge-tree"),
    *("name-rev", "patch-id", "range-diff", "request-pull", "rev-list", "rev-parse", "shortlog"),
    *("show", "show-branch", "show-index", "show-ref", "status", "stripspace", "var", "version"),
    *("verify-commit", "verify-pack", "verify-tag", "whatchanged", "bugreport", "diagnose"),
)
_UNLOCKED: Final = (
    # What writes objects, the worktree and its index.
    *("add", "apply", "checkout-index", "clean", "commit-tree", "hash-object", "index-pack"),
    *("merge-index", "merge-one-file", "mergetool", "mktag", "mktree", "mv", "pack-objects"),
    *("read-tree", "rerere", "restore", "rm", "stage", "unpack-file", "unpack-objects"),
    *("update-index", "write-tree"),
    # What stays open for hours and starts gits of its own, and what is about elsewhere.
    *("citool", "credential", "daemon", "gui", "imap-send", "instaweb", "send-email"),
    "web--browse",
)
_ALONE: Final = (
    *("fast-import", "filter-branch", "filter-repo", "gc", "maintenance", "pack-redundant"),
    *("pack-refs", "prune", "prune-packed", "receive-pack", "refs", "repack", "replay"),
    "update-server-info",
)
_TABLE: Final[Mapping[str, Need | Callable[[Case], Need]]] = {
    **dict.fromkeys((*LOOKING, *_UNLOCKED), NOTHING),
    **dict.fromkeys(_ALONE, EXCLUSIVE),
    **dict.fromkeys(("clone", "fast-export", "upload-archive", "upload-pack"), reading()),
    **dict.fromkeys(("bisect", "bundle", "commit-graph", "multi-pack-index"), by_subcommand),
    **dict.fromkeys(("reflog", "sparse-checkout", "submodule"), by_subcommand),
    "am": own,
    "branch": branch,
    "checkout": checkout,
    "cherry-pick": picking,
    "commit": commit,
    "config": config,
    "fetch": fetch,
    "init": init,
    "merge": merge,
    "notes": notes,
    "pull": pull,
    "push": push,
    "rebase": rebase,
    "remote": remotes,
    "replace": replace,
    "reset": reset,
    "revert": picking,
    "stash": stash,
    "switch": switch,
    "symbolic-ref": symbolic_ref,
    "tag": tag,
    "update-ref": update_ref,
    "worktree": worktree,
}


def need_of(words: Sequence[str], around: Surroundings) -> Need:
    """What `git WORDS…` needs of the hub. Never raises for what the words are."""
    line = split_line(words)
    settings: Mapping[str, str] = line.settings
    operation, rest, flags = line.operation, line.words, line.flags
    for _ in range(_DEEPEST_ALIAS):
        if not operation or operation in _TABLE:
            break
        case = Case(operation, rest, settings, around)
        alias = (case.values(f"alias.{operation}") or ("!",))[-1]
        inner = None if around.has_program(operation) else split_alias(alias)
        if inner is None or alias.startswith("!"):
            return EXCLUSIVE
        line = split_line([*inner, *rest])
        operation, rest, flags = line.operation, line.words, flags | line.flags
        settings = {**line.settings, **settings}
    if not operation:
        return NOTHING
    if operation not in _TABLE or "--config-env" in flags:
        return EXCLUSIVE
    return _look_up(Case(operation, rest, settings, around), in_namespace="--namespace" in flags)


def _look_up(case: Case, *, in_namespace: bool) -> Need:
    if case.words == ("-h",) or case.words[:1] == ("--help",):
        return NOTHING
    found = _TABLE[case.operation]
    need = found if isinstance(found, Need) else found(case)
    return EXCLUSIVE if in_namespace and need != NOTHING else need
