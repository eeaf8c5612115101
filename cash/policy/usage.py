"""What is known of how a program reads its flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Usage:
    """values: flags whose value is the next word. aliases: spelling → the whole group.
    bundles: `-abc` is `-a -b -c`. known: values is complete, so nothing is guessed. leading: what
    follows the first operand is another program's (a shell's script)."""

    values: frozenset[str] = frozenset()
    aliases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    bundles: bool = True
    known: bool = False
    leading: bool = False


def make_usage(
    values: str = "", aliases: str = "", *, bundles: bool = True, leading: bool = False
) -> Usage:
    """values: flags with blanks between. aliases: groups of spellings with commas between. A flag
    takes a value when any flag of its group does."""
    groups = [frozenset(group.split()) for group in aliases.split(",") if group.strip()]
    takes = set(values.split())
    for group in groups:
        if group & takes:
            takes |= group
    table = {flag: group for group in groups for flag in group}
    return Usage(frozenset(takes), table, bundles, known=True, leading=leading)
