"""Traces: what a version of a CLI told, as recorded (agents/traces/PROVIDER/VERSION)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cash.content import content_folder
from cash.faults import Fault
from cash.providers.scalars import read_version


@dataclass(frozen=True, slots=True)
class Trace:
    """hooks: what each hook was told, in order. stream: the lines of its protocol. screens:
    {"screen": its name, "text": what the terminal showed}."""

    hooks: Sequence[Mapping[str, Any]]
    stream: Sequence[Mapping[str, Any]]
    screens: Sequence[Mapping[str, Any]]


def traces_folder() -> Path:
    """Where the shipped ones lie."""
    return content_folder("agents") / "traces"


def recorded_versions(folder: Path, provider: str) -> list[str]:
    """The versions there are traces of, oldest first."""
    found = [path.name for path in (folder / provider).glob("*") if path.is_dir()]
    return sorted(found, key=read_version)


def nearest_version(recorded: Sequence[str], version: str) -> str:
    """The newest that is not newer than `version`, the oldest where all are."""
    older = [one for one in recorded if read_version(one) <= read_version(version)]
    return older[-1] if older else recorded[0]


def read_trace(folder: Path) -> Trace:
    """The trace in this folder. Fault with the file's name when it is malformed."""
    return Trace(*(_read_rows(folder / f"{field.name}.jsonl") for field in fields(Trace)))


def write_trace(folder: Path, trace: Trace) -> None:
    """Writes it, in the place of what was there."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(Trace):
        rows = getattr(trace, field.name)
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{field.name}.jsonl").write_text(text, encoding="utf-8")


def hide_paths(text: str, places: Mapping[str, str]) -> str:
    """The same for every recording: its own folders by the names they are to have."""
    for path, name in sorted(places.items(), key=lambda place: -len(place[0])):
        text = text.replace(path, name)
    return text


def _read_rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as fault:
        raise Fault(f"{path}: {' '.join(str(fault).split())}") from fault
