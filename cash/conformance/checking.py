"""Whether an installed CLI still tells what was recorded of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cash.conformance.playing import play
from cash.conformance.signals import Broken, compare, read_signals
from cash.conformance.subjects import SUBJECTS
from cash.conformance.traces import nearest_version, read_trace, recorded_versions
from cash.providers.manifest import Manifest
from cash.providers.program import probe_program


@dataclass(frozen=True, slots=True)
class Conformance:
    """version: of what is installed, "" when nothing is; recorded: the version it was compared
    with; signals: how many there were. trouble: why nothing was compared, with a hint."""

    provider: str
    version: str
    recorded: str
    signals: int
    broken: tuple[Broken, ...]
    trouble: str = ""
    hint: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was tried, and told everything."""
        return not self.broken and not self.trouble

    def describe(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "provider": self.provider,
            "version": self.version or None,
            "recorded": self.recorded or None,
            "signals": self.signals,
            "holds": self.holds,
            "broken": [one.describe() for one in self.broken],
            "trouble": self.trouble or None,
            "hint": self.hint or None,
        }


def check_conformance(
    provider: str, manifests: Mapping[str, Manifest], path: str, traces: Path, scratch: Path
) -> Conformance:
    """Plays to the CLI on `path`, for half a minute, and compares. scratch: see play()."""
    manifest, subject = manifests[provider], SUBJECTS[provider]
    program = probe_program(manifest, path, scratch)
    if program.trouble:
        return Conformance(provider, "", "", 0, (), program.trouble, program.hint)
    recorded = nearest_version(recorded_versions(traces, provider), program.version)
    trace = read_trace(traces / provider / recorded)
    expected = read_signals(trace, manifest, subject.output)
    played = play(provider, manifest, program.path, path, scratch)
    came = read_signals(played, manifest, subject.output)
    return Conformance(provider, program.version, recorded, len(expected), compare(expected, came))
