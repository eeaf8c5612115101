"""What is said of a write to polisd, and what is answered, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cash.faults import UsageFault
from cash.guard.change import Append, Change, Delete, Move, Order, Replace, Write
from cash.guard.naming import name_in_tree
from cash.guard.tool_file_writer import Written


def read_order(
    change: str, path: str, to: str, texts: Sequence[bytes], cwd: str, tree: str
) -> Order:
    """An order from what was said. UsageFault when that is none."""
    found: Change
    match change, texts:
        case "write", [content]:
            found = Write(content)
        case "append", [content]:
            found = Append(content)
        case "replace", [old, new]:
            found = Replace(old, new)
        case "delete", []:
            found = Delete()
        case "move", []:
            found = Move(name_in_tree(to, cwd, tree))
        case _:
            raise UsageFault("there is no such change", hint="write, append, replace, delete, move")
    return Order(name_in_tree(path, cwd, tree), found)


def describe_written(written: Written) -> dict[str, Any]:
    """The JSON of a write that was done."""
    return {
        "path": written.paths[-1],
        "from": written.paths[0] if len(written.paths) > 1 else None,
        "change": written.kind,
        "before": written.hashes.before,
        "after": written.hashes.after,
        "fence": written.fence,
        "since": written.since,
    }


def split_texts(body: bytes) -> list[bytes]:
    """Texts of which each stands behind its length and a NUL. UsageFault for anything else."""
    found = []
    while body:
        length, mark, rest = body.partition(b"\0")
        if not mark or not length.isdigit() or len(length) > 9 or len(rest) < int(length):
            raise UsageFault("that is no change")
        found.append(rest[: int(length)])
        body = rest[int(length) :]
    return found
