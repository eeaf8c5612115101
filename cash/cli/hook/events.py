"""polis hook PROVIDER: what a program runs at its hooks. bin/polis starts the program inside
hooks/inside at once; only where there is no perl does it come here."""

from __future__ import annotations

import os
import sys

import click

from cash.cli.table import Command
from cash.cli.table import command as make_command
from cash.content import content_folder

_PERL = "/usr/bin/perl"


def _make(provider: str, title: str) -> Command:
    @make_command(f"polis hook {provider} <event.json", name=provider)
    @click.argument("event", required=False, default="-")
    def command(event: str) -> int:
        stub = content_folder("hooks") / "inside/polis"
        try:
            os.execv(_PERL, [_PERL, str(stub), "hook", provider, event])
        except OSError as fault:  # no opinion: it never weakens
            sys.stderr.write(f"polis: this hook has no opinion: {_PERL}: {fault.strerror}\n")
        return 0

    command.help = (
        f"What {title} runs at its hooks: JSON on standard input, its answer on standard output. "
        "It ends with 0 whatever happens, and only ever asks or refuses."
    )
    return command


claude = _make("claude", "Claude Code")
codex = _make("codex", "Codex")
gemini = _make("gemini", "Gemini CLI")
cursor = _make("cursor", "Cursor")
copilot = _make("copilot", "GitHub Copilot CLI")
