"""Whether this repository is pnpm's, npm's, or has not been asked yet."""

from __future__ import annotations

from cash.policy.context import Facts
from cash.policy.rewriters.result import Rewritten, Unchanged, Unclear
from cash.policy.rewriters.translation import Translated, Translation
from cash.policy.verdict import Decision

_FOREIGN = (
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
)


def settle(translation: Translation, facts: Facts) -> Rewritten | Unchanged | Unclear:
    """The translation, unless the repository keeps its installer, must be asked, or lacks pnpm."""
    if isinstance(translation, Unchanged) or facts.adopted == "npm":
        return Unchanged()
    foreign = _foreign_lockfile(facts)
    if foreign is not None and not _is_elsewhere(translation):
        if isinstance(translation, Translated) and translation.effect == "reads":
            return Unchanged()
        return Unclear(
            f"This repository is locked by {foreign} only: adopt pnpm (pnpm import takes the"
            " versions over), or keep npm",
            hint="pnpm import",
        )
    if "pnpm" not in facts.programs:
        return Unclear(
            "Packages are installed by pnpm here, and pnpm is not installed",
            hint="npm install -g pnpm",
            decision=Decision.DENY,
        )
    return translation if isinstance(translation, Unclear) else Rewritten(translation.argv)


def _foreign_lockfile(facts: Facts) -> str | None:
    """The lockfile of another installer, when the choice is still open."""
    if facts.adopted or "pnpm-lock.yaml" in facts.lockfiles:
        return None
    return next((name for name in _FOREIGN if name in facts.lockfiles), None)


def _is_elsewhere(translation: Translation) -> bool:
    return isinstance(translation, Translated) and translation.effect == "elsewhere"
