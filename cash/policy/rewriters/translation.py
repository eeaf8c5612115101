"""A command of another package manager, said in pnpm's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cash.policy.rewriters.options import Flag, Options, Table, write_options
from cash.policy.rewriters.result import Unchanged, Unclear, literal_word
from cash.syntax.command import Word

Effect = Literal["changes", "reads", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Translated:
    """A pnpm command. effect: it changes the tree's dependencies, reads them, or leaves this
    repository's dependencies alone (a global install, a program run once)."""

    argv: tuple[Word, ...]
    effect: Effect


Translation = Translated | Unchanged | Unclear


def with_paths_as_filters(options: Options) -> Options:
    """npm's -w takes a name or a folder; pnpm's filter tells them apart by `./`."""
    return Options(tuple(_as_filter(item) for item in options.items), options.rest)


def _as_filter(item: Flag | Word) -> Flag | Word:
    if isinstance(item, Word) or item.name != "workspace" or item.value is None:
        return item
    value = item.value.text
    folder = "/" in value and not value.startswith(("@", "./", "../", "/"))
    return Flag(item.name, literal_word(f"./{value}"), item.words) if folder else item


def pnpm(
    verb: tuple[str, ...],
    options: Options,
    table: Table,
    effect: Effect = "changes",
    *,
    program: str = "npm",
) -> Translation:
    """`pnpm [leading] VERB [options and operands] [what stood behind --]`."""
    written = write_options(with_paths_as_filters(options), table, program=program)
    if isinstance(written, Unclear):
        return written
    head = (literal_word("pnpm"), *written.leading, *(literal_word(word) for word in verb))
    return Translated((*head, *written.following, *(options.rest or ())), effect)
