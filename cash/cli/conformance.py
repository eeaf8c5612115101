"""What polis doctor --conformance shows: whether the agents' CLIs still speak as recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cash.cli.calls import places
from cash.cli.printing import one_line, print_json, print_text, style
from cash.faults import UNAVAILABLE, UsageFault
from cash.shell.progress import progress

if TYPE_CHECKING:
    from cash.conformance.checking import Conformance

EVERY = "every"


def check_providers(wanted: str, *, as_json: bool) -> int:
    """Plays to that provider's CLI, to every one that is installed for EVERY; the exit code."""
    from cash.conformance.subjects import SUBJECTS

    if wanted != EVERY and wanted not in SUBJECTS:
        raise UsageFault(
            f"nothing was recorded of {wanted!r}", hint=f"recorded: {', '.join(SUBJECTS)}"
        )
    found = []
    for provider in SUBJECTS if wanted == EVERY else [wanted]:
        one = _check(provider)
        found.append(one)
        if not as_json:
            _print(one)
    if as_json:
        print_json([one.describe() for one in found])
    # What is not installed is missed only by whoever asked for it.
    failed = [one for one in found if one.broken or (one.trouble and wanted != EVERY)]
    return UNAVAILABLE if failed else 0


def complete_recorded(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The providers of which something was recorded."""
    from cash.conformance.subjects import SUBJECTS

    return [name for name in SUBJECTS if name.startswith(incomplete)]


def _check(provider: str) -> Conformance:
    from cash.conformance.checking import check_conformance
    from cash.conformance.traces import traces_folder
    from cash.providers.manifest import load_manifests

    with progress(f"playing to {provider}"):
        return check_conformance(
            provider,
            load_manifests(),
            os.environ.get("PATH", os.defpath),
            traces_folder(),
            places().state / "conformance",
        )


def _print(one: Conformance) -> None:
    name = f"{one.provider} {one.version}".rstrip()
    if one.trouble:
        print_text(f"{style('-- ', fg='yellow')}  {name}: {one_line(one.trouble)}")
        if one.hint:
            print_text(f"     hint: {one.hint}")
        return
    mark = style("yes", fg="green") if one.holds else style("no ", fg="red")
    kept = one.signals - len(one.broken)
    print_text(f"{mark}  {name}: {kept} of {one.signals} signals as recorded of {one.recorded}")
    for broken in one.broken:
        print_text(f"     {style(broken.signal, bold=True)}")
        print_text(f"       expected: {one_line('; '.join(broken.expected))}")
        print_text(f"       came:     {one_line('; '.join(broken.came)) or 'nothing'}")
