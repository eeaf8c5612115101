"""Manifests: what polis knows of each kind of agent (agents/*.yaml)."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cash.content import content_folder
from cash.faults import Fault, UsageFault
from cash.places import Places
from cash.policy.document import PolicyFault, read_document
from cash.providers import reading
from cash.providers.facets import (
    HEADLESS,
    Account,
    Capability,
    Hooks,
    Purpose,
    Settled,
    Shell,
    Sign,
    Start,
    Version,
    Words,
)

_LOGIN = re.compile(r"(?<![\w/.-])/login\b")
# A manifest that is written is in force after this at the latest.
_LOOK_SECONDS = 1.0


class ProviderFault(UsageFault):
    """There is no such kind of agent, or it cannot do that."""

    code = "AGENT_TYPE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One provider.

    programs: names on PATH, the first that is there is it. install: the command that installs or
    renews it. capabilities: by name. always: words of every start; starts: by purpose; model:
    those that choose a model. typed: a prompt can be typed at its terminal. environment: of every
    start; values may hold {tree} and {home}. config: its configuration directory below HOME.
    settled: files that keep a start from waiting in a question of its own.
    hosts: what it may reach besides package registries. declined: hosts, URLs its commands name,
    and whole commands, that it tries by itself and does without: nobody is asked. memory: default
    limit in bytes. tool_timeout: seconds after which its own tool call gives up, so a question
    must end before. exits: exit status → state; others are error. signs: what its screen tells.
    quota: text (RE2) that says that the account is used up for now. debug: its processes may
    trace each other (docs/isolation.md). source: the file it was read from."""

    name: str
    description: str
    tool_timeout: float
    memory: int
    hosts: tuple[str, ...]
    programs: tuple[str, ...] = ()
    install: str = ""
    version: Version = field(default_factory=Version)
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    always: tuple[Words, ...] = ()
    starts: Mapping[Purpose, Start] = field(default_factory=dict)
    model: tuple[Words, ...] = ()
    typed: bool = True
    environment: tuple[tuple[str, str], ...] = ()
    config: str = ""
    settled: tuple[Settled, ...] = ()
    declined: frozenset[str] = frozenset()
    hooks: Hooks | None = None
    shell: Shell | None = None
    exits: Mapping[int, str] = field(default_factory=dict)
    signs: tuple[Sign, ...] = ()
    quota: tuple[str, ...] = ()
    account: Account | None = None
    debug: bool = False
    source: str = ""

    def stream_of(self, purpose: str) -> str:
        """The format of what it tells of itself, an event a line; "" for text or a terminal."""
        found = [one.output for of, one in self.starts.items() if of == purpose]
        return found[0] if found and purpose in HEADLESS else ""

    def mends(self, said: Iterable[str]) -> str:
        """The command that mends what its program asks its person for in these lines, by a
        command of its own that works at its terminal alone; "" for nothing."""
        asked = self.account is not None and any(_LOGIN.search(line) for line in said)
        return self.account.way(self.name) if asked and self.account else ""


def load_manifests(folder: Path | None = None) -> Mapping[str, Manifest]:
    """All providers by name, from `folder` (default: the shipped ones). Raises Fault with file
    and line when one is malformed."""
    found = folder or content_folder("agents")
    manifests = [load_manifest(path) for path in sorted(found.glob("*.yaml"))]
    return {manifest.name: manifest for manifest in manifests}


def load_manifest(path: Path) -> Manifest:
    """One file. Fault names it, with line and column."""
    try:
        values = reading.read_manifest(read_document(path.read_bytes(), str(path)))
    except OSError as fault:
        raise Fault(f"{path}: cannot be read: {fault.strerror}") from fault
    except PolicyFault as fault:
        raise Fault(fault.message, hint=fault.hint) from fault
    return Manifest(**values, source=str(path))


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


def user_folder(places: Places) -> Path:
    """Where the user's own manifests are."""
    return places.config / "agents"


class Catalogue(Mapping[str, Manifest]):
    """The shipped manifests and the user's own above them, by name: one of the user's replaces
    the shipped one of its name. A file that is changed is seen within a second; one that cannot
    be read leaves what it last said in force, and the others alone. broken: file → what is wrong
    with it, one line."""

    def __init__(self, places: Places) -> None:
        self._shipped = load_manifests()
        self._folder = user_folder(places)
        self._own: dict[Path, Manifest] = {}
        self._stamps: dict[Path, tuple[int, ...]] = {}
        self._all: Mapping[str, Manifest] = self._shipped
        self._next_look = 0.0
        self._broken: dict[Path, str] = {}

    @property
    def broken(self) -> Mapping[Path, str]:
        """See the class."""
        self._look()
        return self._broken

    def __getitem__(self, name: str) -> Manifest:
        self._look()
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        self._look()
        return iter(self._all)

    def __len__(self) -> int:
        self._look()
        return len(self._all)

    def _look(self) -> None:
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        stamps = {path: _stamp(path) for path in sorted(self._folder.glob("*.yaml"))}
        if stamps == self._stamps:
            return
        for path in self._stamps.keys() - stamps.keys():
            self._own.pop(path, None)
            self._broken.pop(path, None)
        for path in (path for path in stamps if stamps[path] != self._stamps.get(path)):
            self._read(path)
        self._stamps = stamps
        own = (self._own[path] for path in sorted(self._own))
        self._all = {**self._shipped, **{manifest.name: manifest for manifest in own}}

    def _read(self, path: Path) -> None:
        try:
            self._own[path] = load_manifest(path)
            self._broken.pop(path, None)
        except Fault as fault:
            self._broken[path] = fault.message


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
