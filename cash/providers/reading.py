"""A manifest's YAML as values; every mistake has a line and a column. See agents/schema.json."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import re2

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

# What a manifest may say of an agent's state (cash/sessions/signal.py).
STATUSES = (
    *("creating", "running", "waiting_approval", "waiting_input"),
    *("idle", "completed", "error", "stopped", "unknown"),
)
PLACES = ("prompt", "model", "resume", "session", "tree", "home", "key_tail")
_REQUIRED = ("name", "description", "tool_timeout", "memory", "hosts")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def read_manifest(root: Node) -> dict[str, Any]:
    """The fields of a Manifest. Raises PolicyFault, with all that is wrong."""
    entries = root.known_entries(_READERS)
    mistakes = Mistakes()
    for name in _REQUIRED:
        if name not in entries:
            mistakes.add(root.fault(f"{name} is missing"))
    found: dict[str, Any] = {}
    for name, (_, node) in entries.items():
        with mistakes.noted():
            found[name] = _READERS[name](node)
    mistakes.tell()
    _check_needs(root, found)
    return found


def read_size(text: str) -> int:
    """Bytes of `512M`, `2G`, `1GiB`, `1048576`. ValueError when it is none."""
    match = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is no size: for example 512M or 2G")
    return int(match[1]) * _UNITS[match[2].upper()]


def read_version(text: str) -> tuple[int, ...]:
    """`2.1.197` as numbers to compare; what follows its first letter or hyphen is left out."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[^\d.]", text, maxsplit=1)[0]))


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


def _name(node: Node) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", node.text()):
        raise node.fault("a name is a lower-case letter, then lower-case letters, digits, hyphens")
    return node.text()


def _texts(node: Node) -> tuple[str, ...]:
    return tuple(one.filled() for one in node.items())


def _size(node: Node) -> int:
    try:
        return read_size(node.text())
    except ValueError as fault:
        raise node.fault(str(fault)) from None


def _seconds(node: Node) -> float:
    try:
        seconds = float(node.text())
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise node.fault("expected a number of seconds")
    return seconds


def _number(node: Node) -> tuple[int, ...]:
    found = read_version(node.text())
    if not found:
        raise node.fault("expected a version: for example 2.1.0")
    return found


def _pattern(node: Node) -> str:
    try:
        re2.compile(node.filled())
    except re2.error as fault:
        raise node.fault(f"is no RE2 pattern: {fault}") from None
    return node.text()


def _version_pattern(node: Node) -> str:
    if re2.compile(_pattern(node)).groups != 1:
        raise node.fault("expected a pattern with one group, the version")
    return node.text()


def _path(node: Node) -> str:
    parts = node.filled().split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\0" in node.text():
        raise node.fault("expected a path below HOME: for example .claude.json")
    return node.text()


def _variable(node: Node) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", node.text()):
        raise node.fault("expected the name of an environment variable")
    return node.text()


def _status(node: Node) -> str:
    return node.choice(STATUSES)


def _filling(node: Node) -> str:
    for name in re.findall(r"\{(\w+)\}", node.filled()):
        if name not in PLACES:
            raise node.fault(f"nothing is known as {{{name}}}: {', '.join(PLACES)}")
    return node.text()


def _group(node: Node) -> Words:
    if node.is_text:
        return Words((_filling(node),))
    if node.is_list:
        return Words(tuple(_filling(one) for one in node.items()))
    entries = _fields(
        node, {"words": _words, "needs": Node.filled, "unless": lambda one: one.choice(PLACES)}
    )
    return Words(**entries)


def _words(node: Node) -> tuple[str, ...]:
    return tuple(_filling(one) for one in node.items())


def _groups(node: Node) -> tuple[Words, ...]:
    return tuple(_group(one) for one in node.items())


def _starts(node: Node) -> dict[str, Start]:
    return {name: _start(value) for name, (_, value) in node.known_entries(PURPOSES).items()}


def _start(node: Node) -> Start:
    if node.is_list:
        return Start(_groups(node))
    found = _fields(node, {"words": _groups, "input": Node.truth, "output": Node.filled})
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
    return tuple((name, _filling(value)) for name, (_, value) in node.entries().items())


def _value(node: Node) -> Any:
    """Any value of a settings file: a plain word is read as JSON does, where it is JSON."""
    if node.is_list:
        return [_value(one) for one in node.items()]
    if node.is_map:
        return {_filling(name): _value(value) for name, value in node.entries().values()}
    try:
        return json.loads(node.text()) if node.is_plain else node.text()
    except ValueError:
        return node.text()


_SETTLED = _whole(
    Settled,
    {
        "path": _path,
        "value": _value,
        "needs": Node.filled,
        "account": lambda node: node.choice(("key", "login")),
    },
    "path",
    "value",
)
_READERS: Mapping[str, Callable[[Node], Any]] = {
    "name": _name,
    "description": Node.filled,
    "programs": _texts,
    "install": Node.filled,
    "version": _whole(
        Version,
        {
            "words": _texts,
            "pattern": _version_pattern,
            "least": _number,
            "help": _texts,
            "package": Node.filled,
        },
    ),
    "capabilities": _table(
        _whole(Capability, {"help": Node.filled, "least": _number, "note": Node.filled}, "note"),
        _name,
    ),
    "always": _groups,
    "starts": _starts,
    "model": _groups,
    "typed": Node.truth,
    "environment": _pairs,
    "config": _path,
    "settled": _many(_SETTLED),
    "hosts": _texts,
    "declined": lambda node: frozenset(_texts(node)),
    "memory": _size,
    "tool_timeout": _seconds,
    "hooks": _whole(
        Hooks,
        {
            "protocol": _name,
            "files": _table(_path, _path),
            "events": _table(_status),
            "needs": Node.filled,
        },
        "protocol",
    ),
    "shell": _whole(
        Shell,
        {"tool": Node.filled, "key": Node.filled, "argv": _texts, "frame": Node.filled},
        "tool",
        "key",
        "argv",
    ),
    "exits": _table(_status, Node.number),
    "signs": _many(
        _whole(Sign, {"pattern": _pattern, "status": _status, "reason": Node.filled}, "pattern")
    ),
    "quota": _many(_pattern),
    "account": _whole(
        Account,
        {
            "login": _texts,
            "logout": _texts,
            "files": _many(_path),
            "parts": _table(_texts, _path),
            "same": _texts,
            "key": _variable,
            "key_login": _texts,
        },
    ),
    "debug": Node.truth,
}
