"""Finds a provider's program on a PATH, and asks it for its version and what it can do."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import re2

from cash.providers.facets import Version
from cash.providers.manifest import Manifest
from cash.providers.scalars import read_version

# How long a program may take to say its version, and again to show its help.
PROBE_SECONDS = 5.0
# The longest help seen is 30 kB.
_MOST_SAID = 256 << 10
_HIGHEST_PACKAGE = 6


@dataclass(frozen=True, slots=True)
class Program:
    """What was found. path: "" when it is not there. version: "" when it does not say. lacking:
    the capabilities it does not have. trouble: why it cannot be used, one line, "" when it can;
    hint: the command that mends it."""

    provider: str
    path: str
    version: str
    lacking: tuple[str, ...]
    trouble: str
    hint: str

    def describe(self, manifest: Manifest) -> dict[str, Any]:
        """Its JSON."""
        return {
            "name": self.provider,
            "description": manifest.description,
            "found": bool(self.path),
            "usable": not self.trouble,
            "path": self.path or None,
            "version": self.version or None,
            "capabilities": {name: name not in self.lacking for name in manifest.capabilities},
            "notes": [manifest.capabilities[name].note for name in self.lacking],
            "trouble": self.trouble or None,
            "hint": self.hint or None,
            "manifest": manifest.source,
        }


class _Silent(Exception):
    """It said nothing of use. why: for people."""


def find_program(manifest: Manifest, path: str) -> str:
    """The program on `path`, "" when there is none."""
    found = (shutil.which(name, path=path) for name in manifest.programs)
    return next((one for one in found if one), "")


def probe_program(manifest: Manifest, path: str, scratch: Path) -> Program:
    """Looks for the program on `path` and asks it, in an empty home of its own below `scratch`,
    with nothing of this process' environment. Takes up to twice PROBE_SECONDS; never raises for
    what the program does."""
    program = find_program(manifest, path)
    lacking = tuple(manifest.capabilities)
    install = manifest.install

    def broken(trouble: str) -> Program:
        return Program(manifest.name, program, "", lacking, trouble, install)

    if not program:
        names = " or ".join(manifest.programs)
        return broken(f"{manifest.description} is not installed: no {names} on PATH")
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as home:
        asking = _Asking(program, {"PATH": path, "HOME": home, **dict(manifest.environment)})
        try:
            version = _find_version(manifest.version, asking)
            least = manifest.version.least
            if read_version(version) < least:
                wanted = ".".join(map(str, least))
                return broken(f"{program} is {version}, and polis needs {wanted} or newer")
            lacking = tuple(_lacking(manifest, version, asking))
        except _Silent as silence:
            return broken(f"{program} {silence}")
    return Program(manifest.name, program, version, lacking, "", "")


def _find_version(how: Version, asking: _Asking) -> str:
    if how.package and (known := _packaged_version(asking.program, how.package)):
        return known
    said = asking.ask(how.words)
    found = re2.search(how.pattern, said)
    if found is None or not found[1]:
        first = " ".join(said.split())[:40]
        shown = "".join(char if char.isprintable() else "?" for char in first)
        raise _Silent(f"{' '.join(how.words)} says no version: {shown or 'nothing'}")
    return str(found[1])


def _packaged_version(program: str, package: str) -> str:
    """What the npm package around the program says, "" when there is none of that name."""
    for folder in list(Path(os.path.realpath(program)).parents)[:_HIGHEST_PACKAGE]:
        try:
            said = json.loads((folder / "package.json").read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(said, dict) and said.get("name") == package:
            return str(said.get("version", ""))
    return ""


def _lacking(manifest: Manifest, version: str, asking: _Asking) -> Iterator[str]:
    needs_help = any(one.help for one in manifest.capabilities.values())
    helped = asking.ask(manifest.version.help) if needs_help else ""
    for name, capability in manifest.capabilities.items():
        if capability.help not in helped or read_version(version) < capability.least:
            yield name


class _Asking:
    """Runs the program with some words and hears what it says."""

    def __init__(self, program: str, environment: Mapping[str, str]) -> None:
        self.program = program
        self._environment = {**environment, "LANG": "C.UTF-8", "NO_COLOR": "1", "TERM": "dumb"}

    def ask(self, words: Sequence[str]) -> str:
        """Its standard output and error. Whatever it has started is ended with it. _Silent when
        it cannot be started or has not ended in time."""
        shown = " ".join(words)
        try:
            process = subprocess.Popen(
                [self.program, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._environment["HOME"],
                env=self._environment,
                start_new_session=True,
            )
        except OSError as fault:
            raise _Silent(f"cannot be started: {fault.strerror}") from fault
        try:
            said = _hear(process, time.monotonic() + PROBE_SECONDS)
        finally:
            _end(process)
        if said is None:
            raise _Silent(f"{shown} did not answer within {PROBE_SECONDS:.0f} s")
        return said.decode("utf-8", "replace")


def _hear(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """What it says until it ends, or has said enough; None when it takes too long."""
    pipe: IO[bytes] = process.stdout  # type: ignore[assignment]
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(said) < _MOST_SAID:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(min(left, 0.1)):
                if left <= 0:
                    return None
                if _has_ended(process) and not selector.select(0):
                    break  # it has left something behind that holds the pipe
                continue
            more = os.read(pipe.fileno(), 1 << 16)
            if not more:
                break
            said += more
    return said


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Asked without reaping it: its number, which is its group's, stays its own."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # also what it has left behind
    process.wait()
    if process.stdout:
        process.stdout.close()
