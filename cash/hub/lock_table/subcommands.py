"""The lock table's rows that depend on a subcommand, and the configuration's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cash.hub.levels import (
    CONFIG,
    EXCLUSIVE,
    NOTHING,
    PACKED,
    WORKTREES,
    Need,
    branch_ref,
    reading,
    writing,
)
from cash.hub.lock_table.case import Case, create, enter

_TREES: Final = (WORKTREES,)
# Operation → subcommand → what it needs; "" is none, another one is not known.
_ROWS: Final[Mapping[str, Mapping[str, Need]]] = {
    "bisect": {
        **dict.fromkeys(("", "log", "view", "visualize", "terms", "help"), NOTHING),
        # It may go on for hours; deleting its refs, git waits for packed-refs by itself.
        "run": reading(WORKTREES),
        **dict.fromkeys(
            ("start", "good", "bad", "new", "old", "skip", "reset", "next", "replay"),
            writing(PACKED, shared=_TREES),
        ),
    },
    "bundle": {
        "create": reading(),
        **dict.fromkeys(("", "verify", "list-heads", "unbundle"), NOTHING),
    },
    "commit-graph": {"": NOTHING, "verify": NOTHING},
    "multi-pack-index": {"": NOTHING, "verify": NOTHING},
    "reflog": dict.fromkeys(("", "show", "list", "exists"), NOTHING),
    "sparse-checkout": {
        **dict.fromkeys(("", "list", "check-rules"), NOTHING),
        **dict.fromkeys(("init", "set", "add", "reapply", "disable"), writing(CONFIG)),
    },
    "submodule": {
        **dict.fromkeys(("", "status", "summary"), NOTHING),
        **dict.fromkeys(
            (
                *("add", "init", "update", "deinit", "sync", "set-branch", "set-url"),
                "absorbgitdirs",
            ),
            writing(CONFIG),
        ),
    },
}


def by_subcommand(case: Case) -> Need:
    """A row of which the subcommand says all."""
    rows = _ROWS[case.operation]
    sub, rest = case.with_sub()
    if not sub and len(rest.options().words) > 0:
        return EXCLUSIVE  # an option stands before the subcommand
    # git reflog REF shows it.
    unknown = NOTHING if case.operation == "reflog" and sub not in _EXPIRING else EXCLUSIVE
    return rows.get(sub, unknown)


_EXPIRING: Final = ("expire", "delete", "drop", "write")


def notes(case: Case) -> Need:
    """git notes."""
    options = case.options("--ref -m -F -c -C")
    sub = (options.words or ("list",))[0]
    if sub in ("list", "show", "get-ref"):
        return NOTHING
    name = options.value("--ref") or (case.values("core.notesRef") or ("commits",))[-1]
    full = name if name.startswith("refs/") else f"refs/notes/{name.removeprefix('notes/')}"
    return writing(full)


def replace(case: Case) -> Need:
    """git replace: its refs are named by objects; one lock serves for all of them."""
    options = case.options("--format")
    if options.says("-l", "--list") or not options.words:
        return NOTHING
    gone = writing(PACKED) if options.has("-d", "--delete") else NOTHING
    return gone | writing("refs/replace")


def init(case: Case) -> Need:
    """git init: in a repository that is there, it writes the configuration."""
    return NOTHING if case.options("-b --template --separate-git-dir").words else writing(CONFIG)


def stash(case: Case) -> Need:
    sub, rest = case.with_sub()
    match sub:
        case "list" | "show" | "create":
            return NOTHING
        case "apply":
            return reading()
        case "pop" | "drop" | "clear":
            return writing("refs/stash", PACKED)
        case "branch":
            made = [branch_ref(name) for name in rest.options().words[:1]]
            return writing("refs/stash", PACKED, *made, shared=[WORKTREES])
        case "" | "push" | "save" | "store":
            return writing("refs/stash") | case.own_branch()
        case _:
            return EXCLUSIVE


def worktree(case: Case) -> Need:
    sub, rest = case.with_sub()
    match sub:
        case "list" | "":
            return NOTHING
        case "add":
            return _worktree_add(rest)
        case "lock" | "unlock" | "move" | "remove" | "repair":
            return writing(WORKTREES)
        case "prune":
            is_dry = rest.options("--expire").says("-n", "--dry-run")
            return NOTHING if is_dry else EXCLUSIVE
        case _:
            return EXCLUSIVE


def _worktree_add(case: Case) -> Need:
    options = case.options("-b -B --reason")
    words, taken = options.words, writing(WORKTREES)
    name = options.value("-b", "-B")
    if name:
        return taken | create(case, options, name, words[1:])
    if options.says("-d", "--detach") or not words:
        return taken
    if len(words) > 1:
        return taken | enter(case, words[1], guess=True)
    made = words[0].rstrip("/").rpartition("/")[2]
    guesses = options.has("--guess-remote") or case.is_on("worktree.guessRemote")
    need = taken | create(case, options, made, ())
    return need | writing(CONFIG) if guesses else need


def config(case: Case) -> Need:
    options = case.options("-f --file --blob --type --default --comment --value --url")
    file = options.value("-f", "--file")
    elsewhere = options.says("--global", "--system") or options.value("--blob")
    if elsewhere or (file and not file.endswith("config")):
        return NOTHING
    reads = ("--get", "--get-all", "--get-regexp", "--get-urlmatch", "--get-color", "--list", "-l")
    if options.says(*reads, "--get-colorbool") or options.words[:1] in (("get",), ("list",)):
        return NOTHING
    changes = ("--unset", "--unset-all", "--add", "--replace-all", "-e", "--edit")
    moves = ("--rename-section", "--remove-section")
    if len(options.words) < 2 and not options.has(*changes, *moves) and file is None:
        return NOTHING
    return writing(CONFIG)
