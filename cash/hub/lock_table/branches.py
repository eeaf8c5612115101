"""The lock table's rows about branches and tags: made, moved, checked out, deleted."""

from __future__ import annotations

from typing import Final

from cash.hub.git_line import Options
from cash.hub.levels import CONFIG, NOTHING, PACKED, WORKTREES, Need, branch_ref, reading, writing
from cash.hub.lock_table.case import Case, create, enter

_LISTING: Final = (
    *("--list", "-l", "--contains", "--no-contains", "--merged", "--no-merged", "--points-at"),
)


def branch(case: Case) -> Need:
    options = case.options("-u --set-upstream-to --sort --format")
    names, shared = options.words, [WORKTREES]
    if options.has("-d", "-D", "--delete"):
        place = "refs/remotes/" if options.has("-r", "--remotes") else "refs/heads/"
        return writing(CONFIG, PACKED, *(place + name for name in names), shared=shared)
    if options.has("-m", "-M", "-c", "-C", "--move", "--copy"):
        refs = {branch_ref(name) for name in names}
        own = case.around.branch() if len(names) < 2 else ""
        return writing(CONFIG, PACKED, *refs, *filter(None, (own,)), shared=shared)
    if options.has("-u", "--set-upstream-to", "--unset-upstream", "--edit-description"):
        return writing(CONFIG)
    if not names or options.says(*_LISTING, "-a", "--all", "-r", "--remotes", "--show-current"):
        return NOTHING
    return create(case, options, names[0], names[1:])


def checkout(case: Case) -> Need:
    options = case.options("-b -B --orphan --conflict --pathspec-from-file")
    words = options.words
    name = options.value("-b", "-B")
    if name:
        return create(case, options, name, words)
    if options.paths or options.has("-p", "--patch", "--pathspec-from-file") or len(words) > 1:
        return NOTHING
    if options.has("-t", "--track") and words:
        local = words[0].removeprefix("refs/").removeprefix("remotes/").partition("/")[2]
        return create(case, options, local or words[0], words)
    if options.has("--orphan", "--detach", "-d") or not words:
        return reading(WORKTREES)
    if words[0] in (".", ".."):
        return NOTHING
    return enter(case, words[0], guess=_guesses(case, options))


def switch(case: Case) -> Need:
    options = case.options("-c -C --create --force-create --orphan --conflict")
    words = options.words
    name = options.value("-c", "-C", "--create", "--force-create")
    if name:
        return create(case, options, name, words)
    if options.has("-t", "--track") and words:
        return create(case, options, words[0].partition("/")[2] or words[0], words)
    if options.has("--orphan", "--detach", "-d") or not words:
        return reading(WORKTREES)
    return enter(case, words[0], guess=_guesses(case, options))


def _guesses(case: Case, options: Options) -> bool:
    is_off = case.setting("checkout.guess") in ("false", "no", "off", "0")
    return options.has("--guess") or not (options.says("--no-guess") or is_off)


def tag(case: Case) -> Need:
    options = case.options("-m -F -u --message --file --local-user --cleanup --sort --format")
    names = [f"refs/tags/{name}" for name in options.words]
    if options.has("-d", "--delete"):
        return writing(PACKED, *names)
    if not names or options.says(*_LISTING, "-v", "--verify"):
        return NOTHING
    return writing(names[0])
