"""`rewrite: pnpm`: what npm, npx and yarn are asked for, done by pnpm."""

from __future__ import annotations

import posixpath

from cash.policy.context import Facts
from cash.policy.rewriters.adoption import settle
from cash.policy.rewriters.npm import translate_npm
from cash.policy.rewriters.npx import translate_npx
from cash.policy.rewriters.result import Rewritten, Unchanged, Unclear
from cash.policy.rewriters.yarn import translate_yarn
from cash.syntax.command import Word


def rewrite_to_pnpm(argv: tuple[Word, ...], facts: Facts) -> Rewritten | Unchanged | Unclear:
    """The pnpm command for a command of npm, npx or yarn. Pure.

    Unchanged: what touches no dependencies (run, test, view …), or the repository keeps npm.
    Unclear: there is no equivalent, the repository has not been asked yet, or pnpm is missing.
    """
    if not argv or not argv[0].literal:
        return Unchanged()
    words = argv[1:]
    match posixpath.basename(argv[0].text):
        case "npm":
            return settle(translate_npm(words, facts), facts)
        case "npx":
            return settle(translate_npx(words, facts), facts)
        case "yarn" | "yarnpkg":
            return settle(translate_yarn(words), facts)
        case _:
            return Unchanged()
