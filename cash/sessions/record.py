"""What is kept of an agent's last session, in its folder: for whoever asks when it is over."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cash.hub.adoption import write_whole


@dataclass(frozen=True, slots=True)
class Record:
    """One session. number: its id. incarnation: of the agent. purpose: how the program was
    started. task: what it was told, without secrets, "" for nothing. batch: the id of those that
    were started together, "" for none. conversation: the provider's own id of it, to take it up
    again. prompted: it was told something. began, ended: seconds since the epoch; ended is 0
    while it lives. status: as a shell gives it, None when nobody knows. reason: why it ended."""

    number: str
    incarnation: str
    purpose: str
    task: str
    batch: str
    conversation: str
    began: float
    prompted: bool = False
    ended: float = 0.0
    status: int | None = None
    reason: str = ""


def write_session(folder: Path, record: Record) -> None:
    """Replaces what is kept in the agent's folder. OSError where it cannot be written."""
    write_whole(folder / "session.json", json.dumps(asdict(record)).encode() + b"\n")


def read_session(folder: Path) -> Record | None:
    """The agent's last session; None when there was none, or it cannot be read."""
    try:
        values = json.loads((folder / "session.json").read_bytes())
        return Record(**{field.name: values[field.name] for field in fields(Record)})
    except (OSError, ValueError, KeyError, TypeError):
        return None
