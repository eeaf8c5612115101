from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cash.store.body import JSON

_SIMPLE = re.compile(r"(?i)((?:password|token|secret)[=\s]+)(?!\[redacted)(\S+)")


def redact_text(text: str) -> str:
    return _SIMPLE.sub(r"\1[redacted:value]", text)


def redact_argv(argv: Sequence[str]) -> list[str]:
    return [redact_text(word) for word in argv]


def redact_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {n: redact_text(f"{n}={v}").partition("=")[2] for n, v in environment.items()}


def redact_body(value: JSON) -> JSON:
    match value:
        case str():
            return redact_text(value)
        case Mapping():
            return {name: redact_body(part) for name, part in value.items()}
        case list() | tuple():
            return [redact_body(part) for part in value]
        case _:
            return value
