"""Manifests: what polis knows of each kind of agent (agents/*.yaml)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from cash.content import content_folder
from cash.faults import Fault, UsageFault


class ProviderFault(UsageFault):
    """There is no such kind of agent."""

    code = "AGENT_TYPE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One provider. command: the program and first arguments; empty: just the shell.
    tool_timeout: seconds after which its own tool call gives up, so a question must end before.
    memory: default limit in bytes. hosts: what it may reach besides package registries. declined:
    hosts, and URLs its commands name, that it tries by itself and does without: nobody is asked.
    debug: its processes may trace each other (docs/isolation.md)."""

    name: str
    description: str
    command: tuple[str, ...]
    tool_timeout: float
    memory: int
    hosts: tuple[str, ...]
    declined: frozenset[str] = frozenset()
    debug: bool = False


_KEYS = {field.name for field in fields(Manifest)}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def load_manifests(folder: Path | None = None) -> Mapping[str, Manifest]:
    """All providers by name, from `folder` (default: the shipped ones). Raises Fault with the
    file's name when one is malformed."""
    found = folder or content_folder("agents")
    manifests = [_load(path) for path in sorted(found.glob("*.yaml"))]
    return {manifest.name: manifest for manifest in manifests}


def find_manifest(name: str, manifests: Mapping[str, Manifest]) -> Manifest:
    """The provider of that name; ProviderFault that lists what there is else."""
    if name in manifests:
        return manifests[name]
    near = difflib.get_close_matches(name, manifests, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ProviderFault(
        f"there is no provider {name!r}",
        hint=f"{hint}available: {', '.join(manifests)}",
    )


def read_size(text: str) -> int:
    """Bytes of `512M`, `2G`, `1GiB`, `1048576`. ValueError when it is none."""
    match = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is no size: for example 512M or 2G")
    return int(match[1]) * _UNITS[match[2].upper()]


def _read_switch(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false")  # noqa: TRY004
    return value


def _load(path: Path) -> Manifest:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("a manifest is a mapping of names to values")  # noqa: TRY004
        unknown = set(values) - _KEYS
        if unknown:
            raise ValueError(f"unknown key {min(unknown)}")
        return Manifest(
            name=str(values["name"]),
            description=str(values["description"]),
            command=tuple(str(word) for word in values["command"]),
            tool_timeout=float(values["tool_timeout"]),
            memory=read_size(str(values["memory"])),
            hosts=tuple(str(host) for host in values["hosts"]),
            declined=frozenset(str(name) for name in values.get("declined", ())),
            debug=_read_switch("debug", values.get("debug", False)),
        )
    except KeyError as missing:
        raise Fault(f"{path}: {missing.args[0]} is missing or unknown") from missing
    except (ValueError, TypeError, OSError, yaml.YAMLError) as fault:
        raise Fault(f"{path}: {' '.join(str(fault).split())}") from fault
