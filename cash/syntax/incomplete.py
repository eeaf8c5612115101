"""Whether a text only ends too early: an editor then waits for the next line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product

from cash.syntax.reading import Reading

# shfmt's words for what may merely not have been typed yet; whether it is so, the grammar of the
# other reader tells. (`>` must be followed by a word: bash does not wait for that.)
_PERHAPS = re.compile(r"must be followed by (?:a statement|an expression|`then`|`do`|`in`)")
_ENDINGS = (
    b" :", b"\n:", b"'", b'"', b")", b"\n)", b"`", b"}", b"\n}", b"\nfi", b"\ndone", b"\nesac",
    b"\nthen :\nfi", b"\ndo :\ndone", b"))",
    b" ]]", b" x ]]", b"\n:\nfi", b"\n:\ndone", b"\n:\n}", b"\n:\n)",
)  # fmt: skip
_OUTER = (b"\nfi", b"\ndone", b"\nesac", b"\n}", b"\n)", b'"')
_LONGEST = 2048  # bytes; beyond that nobody types
_CONTINUED = re.compile(rb"(?:^|[^\\])(?:\\\\)*\\\n?\Z")


def can_be_completed(source: bytes, parses: Callable[[bytes], bool]) -> bool:
    """Whether one or two missing ends would make a text valid that is not."""
    if len(source) > _LONGEST:
        return False
    return any(parses(source + ending) for ending in _ENDINGS) or any(
        parses(source + inner + outer) for inner, outer in product(_ENDINGS, _OUTER)
    )


def ends_too_early(source: bytes, readings: Sequence[Reading]) -> bool:
    """Whether more input is needed. readings: the deciding readers', the most knowing last."""
    last = readings[-1]
    if last.failure is None:
        return source.endswith((b"\\", b"\\\n")) and _CONTINUED.search(source) is not None
    if last.incomplete or len(readings) == 1:
        return last.incomplete
    return readings[0].incomplete and _PERHAPS.search(last.failure) is not None
