"""yarn's commands (classic and berry) as pnpm's. Checked against yarn 1.22 and pnpm 10 and 12."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cash.policy.rewriters.npm_flags import PUBLISHING
from cash.policy.rewriters.options import (
    DROPPED,
    KEPT,
    As,
    Flag,
    Grammar,
    Options,
    Table,
    read_options,
    write_options,
)
from cash.policy.rewriters.result import Unchanged, Unclear, literal_word
from cash.policy.rewriters.translation import Effect, Translated, Translation, pnpm
from cash.syntax.command import Word

_GRAMMAR = Grammar(
    short={
        "v": "version",
        "h": "help",
        "s": "silent",
        "q": "quiet",
        "D": "dev",
        "P": "peer",
        "O": "optional",
        "E": "exact",
        "T": "tilde",
        "C": "caret",
        "W": "ignore-workspace-root-check",
        "A": "audit",
        "S": "scope",
        "L": "latest",
        "i": "interactive",
        "p": "package",
        "R": "recursive",
        "y": "yes",
    },
    valued=frozenset(
        """
        cwd registry modules-folder cache-folder global-folder link-folder
        preferred-cache-folder mutex proxy https-proxy network-concurrency network-timeout
        otp use-yarnrc level groups package prefix scope pattern mode depth access tag
        environment severity
        """.split()  # noqa: SIM905
    ),
)

_EVERYWHERE: Table = {
    "silent": As(("--loglevel=silent",)),
    "json": KEPT,
    "cwd": As(("--dir={}",), leading=True),
    "filter": As(("--filter={}",), leading=True),
    "registry": As(("--registry={}",)),
    **dict.fromkeys(("verbose", "quiet", "no-progress", "non-interactive", "no-emoji"), DROPPED),
}
_QUIETLY: Table = {name: become for name, become in _EVERYWHERE.items() if name != "json"}
_INSTALLING: Table = {
    **_QUIETLY,
    "ignore-scripts": KEPT,
    "offline": KEPT,
    "prefer-offline": KEPT,
    "force": KEPT,
    "ignore-optional": As(("--no-optional",)),
    "network-timeout": As(("--config.fetch-timeout={}",)),
    "network-concurrency": As(("--config.network-concurrency={}",)),
    "mode=skip-build": As(("--ignore-scripts",)),
    "mode=update-lockfile": As(("--lockfile-only",)),
    # pnpm does not check the engines of dependencies unless it is told to.
    **dict.fromkeys(("ignore-engines", "inline-builds", "audit", "check-files"), DROPPED),
}
_FROM_LOCKFILE: Table = {
    **_INSTALLING,
    "frozen-lockfile": KEPT,
    "immutable": As(("--frozen-lockfile",)),
    "no-immutable": As(("--no-frozen-lockfile",)),
    "production": As(("--prod",)),
    "prod": As(("--prod",)),
    "no-production": As(("--prod=false",)),
    "no-lockfile": KEPT,
}
_ADDING: Table = {
    **_INSTALLING,
    "dev": As(("--save-dev",)),
    "peer": As(("--save-peer",)),
    "optional": As(("--save-optional",)),
    "exact": As(("--save-exact",)),
    "tilde": As(("--save-prefix=~",)),
    "caret": As(("--save-prefix=^",)),
    "ignore-workspace-root-check": As(("--workspace-root",), leading=True),
}
_REMOVING: Table = {
    **_QUIETLY,
    "all": As(("--recursive",), leading=True),
    "ignore-workspace-root-check": As(("--workspace-root",), leading=True),
}
_UPDATING: Table = {
    **_QUIETLY,
    "latest": As(("--latest",)),
    "interactive": As(("--interactive",)),
    "ignore-scripts": KEPT,
    "exact": As(("--save-exact",)),
}
_LISTING: Table = {**_EVERYWHERE, "depth": As(("--depth={}",)), "pattern": As(("{}",))}
_AUDITING: Table = {
    **_EVERYWHERE,
    "level": As(("--audit-level={}",)),
    "severity": As(("--audit-level={}",)),
    "groups=dependencies": As(("--prod",)),
    "environment=production": As(("--prod",)),
    "recursive": DROPPED,
    "all": DROPPED,
}
_RUNNING: Table = {**_QUIETLY, "package": As(("--package={}",))}


def translate_yarn(words: tuple[Word, ...]) -> Translation:
    """What pnpm does for `yarn WORDS…`; scripts (`yarn build`) stay yarn's."""
    before = read_options(words, _GRAMMAR, until_operand=True)
    if isinstance(before, Unclear):
        return before
    if before.has("version", "help"):
        return Unchanged()
    if not before.rest:
        return _install(before)
    verb = before.rest[0]
    if not verb.literal:
        return Unclear(f"what yarn shall do is known only when the line runs: {verb.text}")
    if verb.text in ("dlx", "create"):
        return _once(before, verb.text)
    translate = _VERBS.get(verb.text)
    if translate is None:
        return Unchanged()
    options = read_options(words, _GRAMMAR)
    if isinstance(options, Unclear):
        return options
    return Unchanged() if options.has("help") else translate(options.after_verb())


def _yarn(
    verb: tuple[str, ...], options: Options, table: Table, effect: Effect = "changes"
) -> Translation:
    return pnpm(verb, options, table, effect, program="yarn")


def _install(options: Options) -> Translation:
    if options.operands:
        return Unclear("yarn install takes no packages", hint="pnpm add NAME")
    return _yarn(("install",), options, _FROM_LOCKFILE)


def _add(options: Options) -> Translation:
    if not options.operands:
        return Unchanged()
    return _yarn(("add",), options, _ADDING)


def _remove(options: Options) -> Translation:
    return _yarn(("remove",), options, _REMOVING)


def _upgrade(options: Options) -> Translation:
    # Classic upgrade moves the lockfile within the ranges of package.json.
    saving = options.has("latest", "interactive") or any(
        "@" in w.text[1:] for w in options.operands
    )
    return _yarn(("update",) if saving else ("update", "--no-save"), options, _UPDATING)


def _up(options: Options) -> Translation:
    pinned = any("@" in word.text[1:] for word in options.operands)
    verb = ("update",) if pinned or options.has("latest") else ("update", "--latest")
    return _yarn(verb, options, _UPDATING)


def _upgrade_interactive(options: Options) -> Translation:
    return _yarn(("update", "--interactive"), options, _UPDATING)


def _global(options: Options) -> Translation:
    if not options.operands:
        return Unchanged()
    verb, rest = options.operands[0].text, options.after_verb()
    match verb:
        case "add":
            return _yarn(("add", "--global"), rest, _ADDING, "elsewhere")
        case "remove":
            return _yarn(("remove", "--global"), rest, _REMOVING, "elsewhere")
        case "upgrade":
            return _yarn(("update", "--global"), rest, _UPDATING, "elsewhere")
        case "list":
            return _yarn(("list", "--global"), rest, _LISTING, "reads")
        case _:
            return Unchanged()


def _once(before: Options, verb: str) -> Translation:
    """`yarn dlx` and `yarn create`: yarn's options, the verb, its options, then the package's."""
    own = read_options((before.rest or ())[1:], _GRAMMAR, until_operand=True)
    if isinstance(own, Unclear):
        return own
    if not own.rest:
        return Unchanged()
    options = Options((*before.flags, *own.flags))
    written = write_options(options, _RUNNING, program="yarn")
    if isinstance(written, Unclear):
        return written
    head = (literal_word("pnpm"), *written.leading, literal_word(verb))
    return Translated((*head, *written.following, *own.rest), "elsewhere")


def _list(options: Options) -> Translation:
    return _yarn(("list",), options, _LISTING, "reads")


def _why(options: Options) -> Translation:
    return _yarn(("why",), options, {**_EVERYWHERE, "recursive": DROPPED}, "reads")


def _outdated(options: Options) -> Translation:
    return _yarn(("outdated",), options, _EVERYWHERE, "reads")


def _audit(options: Options) -> Translation:
    return _yarn(("audit",), options, _AUDITING, "reads")


def _registry(options: Options) -> Translation:
    """Berry's `yarn npm …`."""
    match [word.text for word in options.operands]:
        case ["audit"]:
            return _audit(options.after_verb())
        case ["publish"]:
            return _yarn(("publish", "--no-git-checks"), options.after_verb(), PUBLISHING, "reads")
        case _:
            return Unchanged()


def _publish(_options: Options) -> Translation:
    return Unclear("yarn publish also raises the version", hint="pnpm publish")


def _pack(options: Options) -> Translation:
    return _yarn(("pack",), options, _EVERYWHERE, "reads")


def _dedupe(options: Options) -> Translation:
    return _yarn(("dedupe",), options, {**_QUIETLY, "check": KEPT})


def _rebuild(options: Options) -> Translation:
    return _yarn(("rebuild",), options, _QUIETLY)


def _init(options: Options) -> Translation:
    if options.operands:
        return Unclear("pnpm init takes no name", hint="pnpm init")
    return _yarn(("init",), options, {**_QUIETLY, "yes": DROPPED}, "elsewhere")


def _import(options: Options) -> Translation:
    return _yarn(("import",), options, _QUIETLY)


def _link(options: Options) -> Translation:
    folders = options.operands and all(w.text.startswith((".", "/", "~")) for w in options.operands)
    if not folders:
        return Unclear("pnpm links a folder, not a name", hint="pnpm link ../FOLDER")
    return _yarn(("link",), options, _QUIETLY)


def _unlink(_options: Options) -> Translation:
    return Unclear("pnpm unlinks by installing again", hint="pnpm unlink NAME")


def _workspace(options: Options) -> Translation:
    """`yarn workspace NAME VERB…`: the same for one package; scripts stay yarn's."""
    if len(options.operands) < 2:
        return Unchanged()
    name, verb = options.operands[0], options.operands[1]
    translate = _VERBS.get(verb.text) if verb.literal else None
    if translate is None or verb.text in ("workspace", "workspaces", "global"):
        return Unchanged()
    inner = options.after_verb().after_verb()
    only = Flag("filter", name, (literal_word("workspace"), name))
    return translate(replace(inner, items=(only, *inner.items)))


def _workspaces(options: Options) -> Translation:
    if options.operands and options.operands[0].text == "focus":
        return Unclear("pnpm installs chosen packages by filter", hint="pnpm --filter NAME install")
    return Unchanged()


_VERBS: dict[str, Callable[[Options], Translation]] = {
    "install": _install,
    "add": _add,
    "remove": _remove,
    "upgrade": _upgrade,
    "up": _up,
    "upgrade-interactive": _upgrade_interactive,
    "global": _global,
    "list": _list,
    "why": _why,
    "outdated": _outdated,
    "audit": _audit,
    "npm": _registry,
    "publish": _publish,
    "pack": _pack,
    "dedupe": _dedupe,
    "rebuild": _rebuild,
    "init": _init,
    "import": _import,
    "link": _link,
    "unlink": _unlink,
    "workspace": _workspace,
    "workspaces": _workspaces,
}
