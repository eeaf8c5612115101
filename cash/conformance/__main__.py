"""make traces: records what the CLIs of .tools/agents tell, into agents/traces."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cash.conformance.playing import play
from cash.conformance.subjects import SUBJECTS
from cash.conformance.traces import traces_folder, write_trace
from cash.providers.manifest import load_manifests
from cash.providers.program import probe_program


def main(scratch: Path, providers: list[str]) -> int:
    """Records those providers, all without names; 1 when one of them is not there."""
    manifests, path, status = load_manifests(), os.environ["PATH"], 0
    for provider in providers or SUBJECTS:
        program = probe_program(manifests[provider], path, scratch)
        if program.trouble:
            print(f"{provider}: {program.trouble}", file=sys.stderr)
            status = 1
            continue
        trace = play(provider, manifests[provider], program.path, path, scratch)
        folder = traces_folder() / provider / program.version
        write_trace(folder, trace)
        print(
            f"{folder}: {len(trace.hooks)} hooks, {len(trace.stream)} lines, "
            f"{len(trace.screens)} screens"
        )
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
