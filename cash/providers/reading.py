"""A manifest's YAML as values; every mistake has a line and a column. See agents/schema.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cash.policy.document import Mistakes, Node
from cash.providers.facets import (
    PURPOSES,
    Account,
    Capability,
    Hooks,
    Settled,
    Shell,
    Sign,
    Start,
    Version,
    Words,
)
from cash.providers.scalars import (
    PLACES,
    read_filling,
    read_memory,
    read_name,
    read_number,
    read_path,
    read_pattern,
    read_seconds,
    read_status,
    read_texts,
    read_value,
    read_variable,
    read_version_pattern,
)

_REQUIRED = ("name", "description", "tool_timeout", "memory", "hosts")


def read_manifest(root: Node) -> dict[str, Any]:
    """The fields of a Manifest. Raises PolicyFault, with all that is wrong."""
    entries = root.known_entries(MANIFEST)
    mistakes = Mistakes()
    for name in _REQUIRED:
        if name not in entries:
            mistakes.add(root.fault(f"{name} is missing"))
    found: dict[str, Any] = {}
    for name, (_, node) in entries.items():
        with mistakes.noted():
            found[name] = MANIFEST[name](node)
    mistakes.tell()
    _check_needs(root, found)
    return found


def _check_needs(root: Node, found: Mapping[str, Any]) -> None:
    """What is needed must be a capability that is told how to find."""
    starts = found.get("starts", {}).values()
    groups = [*found.get("always", ()), *found.get("model", ())]
    groups += [group for start in starts for group in start.groups]
    needed = [one.needs for one in (*groups, *found.get("settled", ()))]
    if found.get("hooks"):
        needed.append(found["hooks"].needs)
    for name in needed:
        if name and name not in found.get("capabilities", {}):
            raise root.fault(f"{name} is needed, but capabilities does not say how to find it")


def _group(node: Node) -> Words:
    if node.is_text:
        return Words((read_filling(node),))
    if node.is_list:
        return Words(tuple(read_filling(one) for one in node.items()))
    return Words(**{"words": (), **_fields(node, KEYS["group"])})


def _words(node: Node) -> tuple[str, ...]:
    return tuple(read_filling(one) for one in node.items())


def _groups(node: Node) -> tuple[Words, ...]:
    return tuple(_group(one) for one in node.items())


def _starts(node: Node) -> dict[str, Start]:
    return {name: _start(value) for name, (_, value) in node.known_entries(PURPOSES).items()}


def _start(node: Node) -> Start:
    if node.is_list:
        return Start(_groups(node))
    found = _fields(node, KEYS["start"])
    return Start(found.pop("words", ()), **found)


def _fields(node: Node, readers: Mapping[str, Callable[[Node], Any]]) -> dict[str, Any]:
    return {name: readers[name](value) for name, (_, value) in node.known_entries(readers).items()}


def _whole(
    kind: type[Any], readers: Mapping[str, Callable[[Node], Any]], *required: str
) -> Callable[[Node], Any]:
    """Reads a mapping as a value of `kind`."""

    def read(node: Node) -> Any:
        found = _fields(node, readers)
        for name in required:
            if name not in found:
                raise node.fault(f"{name} is missing")
        return kind(**found)

    return read


def _table(
    read: Callable[[Node], Any], key: Callable[[Node], Any] = Node.filled
) -> Callable[[Node], dict[Any, Any]]:
    return lambda node: {key(name): read(value) for name, value in node.entries().values()}


def _many(read: Callable[[Node], Any]) -> Callable[[Node], tuple[Any, ...]]:
    return lambda node: tuple(read(one) for one in node.items())


def _pairs(node: Node) -> tuple[tuple[str, str], ...]:
    return tuple((name, read_filling(value)) for name, (_, value) in node.entries().items())


_Readers = Mapping[str, Callable[[Node], Any]]
# What each mapping of a manifest may hold; the schema is held against this.
KEYS: Mapping[str, _Readers] = {
    "group": {
        "words": _words,
        "needs": Node.filled,
        "unless": lambda node: node.choice(PLACES),
    },
    "start": {"words": _groups, "input": Node.truth, "output": Node.filled},
    "version": {
        "words": read_texts,
        "pattern": read_version_pattern,
        "least": read_number,
        "help": read_texts,
        "package": Node.filled,
    },
    "capability": {"help": Node.filled, "least": read_number, "note": Node.filled},
    "settled": {
        "path": read_path,
        "value": read_value,
        "needs": Node.filled,
        "account": lambda node: node.choice(("key", "login")),
    },
    "hooks": {
        "protocol": read_name,
        "events": _table(read_status),
        "needs": Node.filled,
    },
    "shell": {
        "tool": Node.filled,
        "key": Node.filled,
        "argv": read_texts,
        "frame": Node.filled,
    },
    "sign": {"pattern": read_pattern, "status": read_status, "reason": Node.filled},
    "account": {
        "login": read_texts,
        "login_input": Node.truth,
        "logout": read_texts,
        "files": _many(read_path),
        "parts": _table(read_texts, read_path),
        "same": read_texts,
        "key": read_variable,
        "key_login": read_texts,
        "asks": _many(read_pattern),
    },
}
MANIFEST: _Readers = {
    "name": read_name,
    "description": Node.filled,
    "programs": read_texts,
    "install": Node.filled,
    "version": _whole(Version, KEYS["version"]),
    "capabilities": _table(_whole(Capability, KEYS["capability"], "note"), read_name),
    "always": _groups,
    "starts": _starts,
    "model": _groups,
    "typed": Node.truth,
    "environment": _pairs,
    "config": read_path,
    "settled": _many(_whole(Settled, KEYS["settled"], "path", "value")),
    "hosts": read_texts,
    "declined": lambda node: frozenset(read_texts(node)),
    "memory": read_memory,
    "tool_timeout": read_seconds,
    "hooks": _whole(Hooks, KEYS["hooks"], "protocol"),
    "shell": _whole(Shell, KEYS["shell"], "tool", "key", "argv"),
    "exits": _table(read_status, Node.number),
    "signs": _many(_whole(Sign, KEYS["sign"], "pattern", "status", "reason")),
    "quota": _many(read_pattern),
    "account": _whole(Account, KEYS["account"]),
    "debug": Node.truth,
}
