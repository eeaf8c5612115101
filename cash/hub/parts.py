"""The submodules that the user has initialised: repositories of their own below the hub's git
directory, from whose objects an agent's submodules borrow as its tree does from the hub's."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cash.faults import Fault
from cash.hub.refs import delete_refs, list_refs
from cash.hub.remotes import find_remote, list_remotes, quoted, section, without_password
from cash.hub.repository import Repository

_KEY = re.compile(r"submodule\.(.+)\.url", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}){0,9}")


@dataclass(frozen=True, slots=True)
class Part:
    """name: the submodule's. url: where it comes from, as the user has it. repository: the
    user's; its root is the hub's."""

    name: str
    url: str = field(repr=False)
    repository: Repository

    @property
    def shown(self) -> str:
        """The address without a password."""
        return without_password(self.url)


def list_parts(hub: Repository) -> tuple[Part, ...]:
    """The submodules whose repositories are there."""
    if not (hub.common_dir / "modules").is_dir():
        return ()
    listed = hub.git.run("config", "-z", "--get-regexp", r"^submodule\..*\.url$", fine=(0, 1))
    found = []
    for item in listed.split(b"\0")[:-1]:
        key, _, url = os.fsdecode(item).partition("\n")
        match = _KEY.fullmatch(key)
        if match and _NAME.fullmatch(match[1]) and url:
            place = hub.common_dir / "modules" / match[1]
            if (place / "objects").is_dir():
                found.append(Part(match[1], url, replace(hub, common_dir=place)))
    return tuple(found)


def find_part(hub: Repository, address: str) -> tuple[Part, str] | None:
    """The submodule that comes from that address, and the name of its remote there."""
    for part in list_parts(hub):
        if address in (part.url, part.shown):
            known = list_remotes(part.repository)
            remote = find_remote(known, "", part.url) or next(iter(known), None)
            return (part, remote.name) if remote else None
    return None


def part_objects(hub: Repository) -> tuple[Path, ...]:
    """Their object stores, which are shown inside."""
    return tuple(part.repository.objects for part in list_parts(hub))


def configure_parts(parts: Sequence[Part]) -> str:
    """What git inside reads, in every repository: these addresses are reached through polisd."""
    if not parts:
        return ""
    text = section('protocol "polis"', {"allow": "always"})
    for address in dict.fromkeys(part.shown for part in parts):
        text += section(f"url {quoted(f'polis::{address}')}", {"insteadOf": address})
    return text


def initialise_parts(parts: Sequence[Part]) -> str:
    """What the agent's own git reads, in its tree alone: `git clone` takes an address that is a
    path for a repository that must be there, before it looks at insteadOf. Not active: `git
    submodule update` wants its --init first, as with any other."""
    text = ""
    for part in parts:
        if ":" not in part.url:
            values = {"url": f"polis::{part.url}", "active": "false"}
            text += section(f"submodule {quoted(part.name)}", values)
    return text


def forget_in_parts(hub: Repository, *places: str) -> None:
    """Takes away what is kept below these refs in submodules, for an agent that is gone."""
    for part in list_parts(hub):
        with contextlib.suppress(Fault):  # the user's own repository may be in any state
            delete_refs(part.repository, [one.name for one in list_refs(part.repository, *places)])
