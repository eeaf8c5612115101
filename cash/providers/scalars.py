"""The single values of a manifest's YAML."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import re2

from cash.policy.document import Node

# What a manifest may say of an agent's state (cash/sessions/signal.py).
STATUSES = (
    *("creating", "running", "waiting_approval", "waiting_input"),
    *("idle", "completed", "error", "stopped", "unknown"),
)
# What words and settings may hold in braces.
PLACES = ("prompt", "model", "resume", "session", "tree", "home", "key_tail")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def read_size(text: str) -> int:
    """Bytes of `512M`, `2G`, `1GiB`, `1048576`. ValueError when it is none."""
    match = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is no size: for example 512M or 2G")
    return int(match[1]) * _UNITS[match[2].upper()]


def read_version(text: str) -> tuple[int, ...]:
    """`2.1.197` as numbers to compare; what follows its first letter or hyphen is left out."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[^\d.]", text, maxsplit=1)[0]))


def read_name(node: Node) -> str:
    """A provider's or a capability's name."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", node.text()):
        raise node.fault("a name is a lower-case letter, then lower-case letters, digits, hyphens")
    return node.text()


def read_texts(node: Node) -> tuple[str, ...]:
    """A list of texts that are not empty."""
    return tuple(one.filled() for one in node.items())


def read_memory(node: Node) -> int:
    """A size in bytes."""
    try:
        return read_size(node.text())
    except ValueError as fault:
        raise node.fault(str(fault)) from None


def read_seconds(node: Node) -> float:
    """A time in seconds."""
    try:
        seconds = float(node.text())
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise node.fault("expected a number of seconds")
    return seconds


def read_number(node: Node) -> tuple[int, ...]:
    """A version, to compare with others."""
    found = read_version(node.text())
    if not found:
        raise node.fault("expected a version: for example 2.1.0")
    return found


def read_pattern(node: Node) -> str:
    """An RE2 pattern."""
    try:
        re2.compile(node.filled())
    except re2.error as fault:
        raise node.fault(f"is no RE2 pattern: {fault}") from None
    return node.text()


def read_version_pattern(node: Node) -> str:
    """An RE2 pattern whose one group is a version."""
    if re2.compile(read_pattern(node)).groups != 1:
        raise node.fault("expected a pattern with one group, the version")
    return node.text()


def read_path(node: Node) -> str:
    """A path below HOME, without ways out of it."""
    parts = node.filled().split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\0" in node.text():
        raise node.fault("expected a path below HOME: for example .claude.json")
    return node.text()


def read_variable(node: Node) -> str:
    """The name of an environment variable."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", node.text()):
        raise node.fault("expected the name of an environment variable")
    return node.text()


def read_status(node: Node) -> str:
    """A state of an agent."""
    return node.choice(STATUSES)


def read_filling(node: Node) -> str:
    """A text with places to fill."""
    for name in re.findall(r"\{(\w+)\}", node.filled()):
        if name not in PLACES:
            raise node.fault(f"nothing is known as {{{name}}}: {', '.join(PLACES)}")
    return node.text()


def read_value(node: Node) -> Any:
    """Any value of a settings file: a plain word is read as JSON does, where it is JSON."""
    if node.is_list:
        return [read_value(one) for one in node.items()]
    if node.is_map:
        return {read_filling(name): read_value(value) for name, value in node.entries().values()}
    try:
        return json.loads(node.text()) if node.is_plain else node.text()
    except ValueError:
        return node.text()
