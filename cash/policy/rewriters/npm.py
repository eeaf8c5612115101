"""npm's commands as pnpm's. Checked against npm 11 and pnpm 10 and 12."""

from __future__ import annotations

from collections.abc import Callable

from cash.policy.context import Facts
from cash.policy.rewriters.npm_flags import (
    ADDING,
    AUDITING,
    EVERYWHERE,
    FROM_LOCKFILE,
    LISTING,
    OUTDATED,
    PACKING,
    PRUNING,
    PUBLISHING,
    REMOVING,
    TIDYING,
    UPDATING,
)
from cash.policy.rewriters.npm_grammar import GRAMMAR, command_of
from cash.policy.rewriters.npx import translate_exec
from cash.policy.rewriters.options import DROPPED, KEPT, Flag, Options, read_options
from cash.policy.rewriters.result import Unchanged, Unclear
from cash.policy.rewriters.translation import Effect, Translation, pnpm
from cash.syntax.command import Word

# Package managers install themselves: without npm there would be no first pnpm.
_MANAGERS = frozenset({"npm", "pnpm", "@pnpm/exe", "corepack"})


def translate_npm(words: tuple[Word, ...], facts: Facts) -> Translation:
    """What pnpm does for `npm WORDS…`; Unchanged for what does not touch dependencies."""
    before = read_options(words, GRAMMAR, until_operand=True)
    if isinstance(before, Unclear):
        return before
    if not before.rest or before.has("usage", "version"):
        return Unchanged()
    verb = before.rest[0]
    if not verb.literal:
        return Unclear(f"what npm shall do is known only when the line runs: {verb.text}")
    command = command_of(verb.text)
    if command not in _VERBS and command != "exec":
        return Unchanged()
    options = read_options(words, GRAMMAR)
    if isinstance(options, Unclear):
        return options
    if options.has("usage"):
        return Unchanged()
    if command == "exec":
        return translate_exec(options.after_verb(), facts)
    return _VERBS[command](options.after_verb())


def _install(options: Options) -> Translation:
    everywhere = options.has("global") or any(
        f.name == "location" and f.value is not None and f.value.text == "global"
        for f in options.flags
    )
    packages = (*options.operands, *(options.rest or ()))
    if everywhere:
        return _install_globally(options, packages)
    if options.has("no-save"):
        return Unclear(
            "pnpm always notes an added package in package.json",
            hint="pnpm dlx NAME to run it once, or pnpm add -D NAME",
        )
    # `npm install .` installs the project itself.
    if all(package.text in (".", "./") for package in packages):
        kept = tuple(item for item in options.items if isinstance(item, Flag))
        return pnpm(("install",), Options(kept), FROM_LOCKFILE)
    return pnpm(("add",), options, ADDING)


def _install_globally(options: Options, packages: tuple[Word, ...]) -> Translation:
    if packages and all(_package_name(package.text) in _MANAGERS for package in packages):
        return Unchanged()
    if not packages or options.has("prefix"):
        return Unclear(
            "what npm would install globally here has no pnpm form", hint="pnpm add -g ."
        )
    return pnpm(("add",), options, ADDING, "elsewhere")


def _package_name(spec: str) -> str:
    """`@scope/name@1.2` → `@scope/name`."""
    at = spec.find("@", 1)
    return spec if at < 0 else spec[:at]


def _clean_install(options: Options) -> Translation:
    return pnpm(("install", "--frozen-lockfile"), options.without("frozen-lockfile"), FROM_LOCKFILE)


def _uninstall(options: Options) -> Translation:
    if options.has("no-save"):
        return Unclear("pnpm always notes a removal in package.json", hint="pnpm remove NAME")
    if not options.operands and not options.rest:
        return Unclear("npm unlink without a package has no pnpm form", hint="pnpm remove NAME")
    effect: Effect = "elsewhere" if options.has("global") else "changes"
    return pnpm(("remove",), options, REMOVING, effect)


def _update(options: Options) -> Translation:
    # npm leaves the ranges in package.json alone unless told to --save; pnpm moves them.
    if options.has("global"):
        return pnpm(("update",), options.without("save", "no-save"), UPDATING, "elsewhere")
    verb = ("update",) if options.has("save") else ("update", "--no-save")
    return pnpm(verb, options.without("save", "no-save"), UPDATING)


def _init(options: Options) -> Translation:
    if not options.operands and not options.rest:
        return pnpm(("init",), options, {**EVERYWHERE, "force": DROPPED}, "elsewhere")
    unknown = [f for f in options.flags if f.name not in EVERYWHERE and f.name != "force"]
    if unknown:
        return Unclear(
            f"npm reads {unknown[0].text} itself; what is meant for the starter stands behind --",
            hint="pnpm create NAME ARGUMENTS…",
        )
    return pnpm(("create",), options, {**EVERYWHERE, "force": DROPPED}, "elsewhere")


def _link(options: Options) -> Translation:
    if not options.operands:
        return Unclear("pnpm links a folder, not a name", hint="pnpm add -g .")
    if not all(word.text.startswith((".", "/", "~")) for word in options.operands):
        return Unclear("pnpm links a folder, not a name", hint="pnpm link ../FOLDER")
    return pnpm(("link",), options, EVERYWHERE)


def _list(options: Options) -> Translation:
    return pnpm(("list",), options, LISTING, "reads")


def _list_long(options: Options) -> Translation:
    return pnpm(("list", "--long"), options.without("long"), LISTING, "reads")


def _explain(options: Options) -> Translation:
    return pnpm(("why",), options, {**EVERYWHERE, "json": KEPT}, "reads")


def _outdated(options: Options) -> Translation:
    return pnpm(("outdated",), options.without("all"), OUTDATED, "reads")


def _audit(options: Options) -> Translation:
    match [word.text for word in options.operands]:
        case []:
            return pnpm(("audit",), options, AUDITING, "reads")
        case ["fix"]:
            return Unclear(
                "npm audit fix upgrades packages, pnpm writes overrides instead",
                hint="pnpm audit --fix",
            )
        case _:
            return Unclear("pnpm's audit has no such part", hint="pnpm audit")


def _publish(options: Options) -> Translation:
    # npm publishes from any branch; pnpm checks the branch unless told not to.
    return pnpm(("publish", "--no-git-checks"), options, PUBLISHING, "reads")


def _pack(options: Options) -> Translation:
    if options.operands or options.has("dry-run"):
        return Unchanged()
    return pnpm(("pack",), options, PACKING, "reads")


def _prune(options: Options) -> Translation:
    return pnpm(("prune",), options, PRUNING)


def _dedupe(options: Options) -> Translation:
    return pnpm(("dedupe",), options, TIDYING)


def _rebuild(options: Options) -> Translation:
    return pnpm(("rebuild",), options, EVERYWHERE)


def _install_test(options: Options) -> Translation:
    if options.operands:
        return Unclear("pnpm installs and tests in two steps", hint="pnpm add NAME && pnpm test")
    return pnpm(("install-test",), options, FROM_LOCKFILE)


def _install_ci_test(_options: Options) -> Translation:
    return Unclear(
        "pnpm installs and tests in two steps",
        hint="pnpm install --frozen-lockfile && pnpm test",
    )


def _approve(_options: Options) -> Translation:
    return Unclear("pnpm keeps its own list of approved build scripts", hint="pnpm approve-builds")


def _shrinkwrap(_options: Options) -> Translation:
    return Unclear("pnpm has no shrinkwrap; pnpm-lock.yaml is its lockfile", hint="pnpm install")


_VERBS: dict[str, Callable[[Options], Translation]] = {
    "install": _install,
    "ci": _clean_install,
    "uninstall": _uninstall,
    "update": _update,
    "init": _init,
    "link": _link,
    "ls": _list,
    "ll": _list_long,
    "explain": _explain,
    "outdated": _outdated,
    "audit": _audit,
    "publish": _publish,
    "pack": _pack,
    "prune": _prune,
    "dedupe": _dedupe,
    "rebuild": _rebuild,
    "install-test": _install_test,
    "install-ci-test": _install_ci_test,
    "approve-scripts": _approve,
    "deny-scripts": _approve,
    "install-scripts": _approve,
    "shrinkwrap": _shrinkwrap,
}
