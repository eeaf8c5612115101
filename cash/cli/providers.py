"""Providers as the command line knows them without asking polisd."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cash.cli.calls import places
from cash.faults import Fault, MachineFault

if TYPE_CHECKING:
    from cash.providers.manifest import Manifest


def complete_providers(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The providers' names for the shell's completion."""
    from cash.providers.manifest import Catalogue

    try:
        return [name for name in Catalogue(places()) if name.startswith(incomplete)]
    except Fault:
        return []


provider_argument = click.argument(
    "provider", metavar="PROVIDER", shell_complete=complete_providers
)


def provider(name: str) -> Manifest:
    """The provider of that name; UsageFault names the nearest."""
    from cash.providers.manifest import Catalogue, find_manifest

    return find_manifest(name, Catalogue(places()))


def program(manifest: Manifest) -> str:
    """Its program on the user's PATH; MachineFault with the command that installs it."""
    from cash.providers.program import find_program

    found = find_program(manifest, os.environ.get("PATH", os.defpath))
    if not found:
        names = " or ".join(manifest.programs)
        raise MachineFault(
            f"{manifest.description} is not installed: no {names} on PATH", hint=manifest.install
        )
    return found
