"""Whether this repository is pnpm's, npm's, or has not been asked yet."""

from __future__ import annotations

from cash.policy.context import Facts
from cash.policy.rewriters.result import Rewritten, Unchanged, Unclear, literal_word
from cash.policy.rewriters.translation import Translated, Translation
from cash.policy.verdict import Choice, Decision
from cash.syntax.command import Word

_FOREIGN = (
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
)
# Whose versions `pnpm import` takes over.
_IMPORTED = frozenset({"package-lock.json", "npm-shrinkwrap.json", "yarn.lock"})


def settle(translation: Translation, facts: Facts) -> Rewritten | Unchanged | Unclear:
    """The translation, unless the repository keeps its installer, must be asked, or lacks pnpm."""
    if isinstance(translation, Unchanged) or facts.adopted == "npm":
        return Unchanged()
    foreign = _foreign_lockfile(facts)
    if foreign is not None and not _is_elsewhere(translation):
        if isinstance(translation, Translated) and translation.effect == "reads":
            return Unchanged()
        if not facts.adopted:
            return Unclear(
                f"This repository is locked by {foreign} only: adopt pnpm (pnpm import takes the"
                " versions over), or keep npm",
                hint="pnpm import",
                choices=_choices(foreign),
            )
    if "pnpm" not in facts.programs:
        return Unclear(
            "Packages are installed by pnpm here, and pnpm is not installed",
            hint="npm install -g pnpm",
            decision=Decision.DENY,
        )
    if isinstance(translation, Unclear):
        return translation
    return Rewritten(translation.argv, _import(translation, foreign, facts))


def _foreign_lockfile(facts: Facts) -> str | None:
    """The lockfile of another installer, where pnpm has none yet."""
    if "pnpm-lock.yaml" in facts.lockfiles:
        return None
    return next((name for name in _FOREIGN if name in facts.lockfiles), None)


def _choices(foreign: str) -> tuple[Choice, ...]:
    taken = f"pnpm import takes the versions of {foreign} over, then " if _imports(foreign) else ""
    return (
        Choice("pnpm", "p", "adopt pnpm", f"{taken}pnpm installs, for all agents", "installer"),
        Choice("npm", "k", "keep npm", "npm runs as typed, for all agents", "installer"),
    )


def _imports(foreign: str | None) -> bool:
    return foreign in _IMPORTED


def _import(translation: Translated, foreign: str | None, facts: Facts) -> tuple[Word, ...]:
    """What takes the locked versions over in a tree where that has not been done; nothing where
    it is not certain that the command works in the folder the lock file lies in."""
    moved = any(word.text.startswith("--dir") for word in translation.argv)
    if translation.effect != "changes" or not _imports(foreign) or moved or not facts.lock_folder:
        return ()
    folder = () if facts.lock_folder == "." else (f"--dir={facts.lock_folder}",)
    return tuple(literal_word(text) for text in ("pnpm", *folder, "import"))


def _is_elsewhere(translation: Translation) -> bool:
    return isinstance(translation, Translated) and translation.effect == "elsewhere"
