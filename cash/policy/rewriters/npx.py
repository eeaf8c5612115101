"""npx, `npm exec` and what else runs a package's program once.

`npx x` runs the project's own x where it is installed, and downloads x otherwise: `pnpm exec x`
or `pnpm dlx x`, as Facts.binaries (names in node_modules/.bin) says; where that is not known,
`pnpm dlx x`.
"""

from __future__ import annotations

from dataclasses import replace

from cash.policy.context import Facts
from cash.policy.rewriters.npm_flags import EVERYWHERE
from cash.policy.rewriters.npm_grammar import GRAMMAR
from cash.policy.rewriters.options import DROPPED, As, Options, Table, read_options, write_options
from cash.policy.rewriters.result import Unchanged, Unclear, literal_word
from cash.policy.rewriters.translation import Translated, Translation
from cash.syntax.command import Word

_NPX = replace(GRAMMAR, short={**GRAMMAR.short, "p": "package", "c": "call"})
_RUNNING: Table = {
    **{name: become for name, become in EVERYWHERE.items() if not name.startswith("workspace")},
    "package": As(("--package={}",)),
    # pnpm 10's exec takes -c for the name of a program unless it stands before exec.
    "call": As(("-c",), leading=True),
    "no-yes": DROPPED,
}


def translate_npx(words: tuple[Word, ...], facts: Facts) -> Translation:
    """What pnpm does for `npx WORDS…`."""
    options = read_options(words, _NPX, until_operand=True)
    if isinstance(options, Unclear):
        return options
    if options.has("usage", "version"):
        return Unchanged()
    return translate_exec(options, facts, program="npx")


def translate_exec(options: Options, facts: Facts, *, program: str = "npm") -> Translation:
    """What pnpm does for `npm exec`: options before the command, then the command's own words."""
    command = (*options.operands, *(options.rest or ()))
    flags = replace(options, items=options.flags, rest=None)
    written = write_options(flags, _RUNNING, program=program)
    if isinstance(written, Unclear):
        return written
    lines = tuple(flag.value for flag in options.flags if flag.name == "call" and flag.value)
    if lines:
        if command:
            return Unclear("npx takes either -c or a command", hint="pnpm -c exec 'LINE'")
        command = lines[-1:]
    elif not command:
        return Unchanged()
    elif command[0].text.startswith((".", "/", "~")):
        return Unclear("pnpm runs packages by name, not by folder", hint="pnpm exec NAME")
    verb = "exec" if _is_installed(options, command, facts) else "dlx"
    head = (literal_word("pnpm"), *written.leading, literal_word(verb))
    return Translated((*head, *written.following, *command), "elsewhere")


def _is_installed(options: Options, command: tuple[Word, ...], facts: Facts) -> bool:
    if options.has("package"):
        return False
    if options.has("call", "no-yes"):
        return True
    return command[0].literal and command[0].text in facts.binaries
