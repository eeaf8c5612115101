"""The JSON an event carries: what it may hold, and one text for one value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_DEEPEST = 32


def canonical_json(value: JSON) -> str:
    """One text for one value: sorted keys, no blanks, ASCII (lone surrogates, which stand for
    invalid UTF-8, survive as escapes). ValueError for NaN and infinities."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def shorten(value: JSON, longest: int, depth: int = 0) -> JSON:
    """The value with texts over `longest` characters cut, and saying so. Raises TypeError for
    what is no JSON or nested too deep."""
    if depth > _DEEPEST:
        raise TypeError(f"nested deeper than {_DEEPEST}")
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return value if len(value) <= longest else _cut(value, longest)
        case Mapping():
            if not all(isinstance(name, str) for name in value):
                raise TypeError("names must be text")
            return {name: shorten(part, longest, depth + 1) for name, part in value.items()}
        case list() | tuple():
            return [shorten(part, longest, depth + 1) for part in value]
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON")


def _cut(text: str, longest: int) -> str:
    return f"{text[:longest]}[… {len(text) - longest} more characters]"
