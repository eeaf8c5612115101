"""polis doctor: what this machine enforces now, proved by live probes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cash.cli.calls import places
from cash.cli.conformance import EVERY, check_providers, complete_recorded
from cash.cli.printing import json_option, one_line, print_json, print_text, style
from cash.cli.table import command as make_command
from cash.faults import UNAVAILABLE, Fault
from cash.shell.progress import progress

if TYPE_CHECKING:
    from cash.walls.finding import Finding


@make_command(
    "polis doctor",
    "polis doctor --json | jq -r '.[].name'",
    "polis doctor --conformance claude",
    name="doctor",
)
@click.option(
    "--conformance",
    is_flag=False,
    flag_value=EVERY,
    default=None,
    metavar="[PROVIDER]",
    shell_complete=complete_recorded,
    help="Instead, play to the installed CLIs of agents and name the signals they lost.",
)
@json_option
def command(conformance: str | None, as_json: bool) -> int:
    """Show what this machine enforces now, and how to add what is missing.

    Each line was tried just now, some of them from inside walls raised for it. Exits 69 when
    something is missing that agents cannot do without; that is marked `no`, the rest `--`.

    With --conformance a scripted model on loopback plays a short task to Claude Code, Codex and
    Gemini CLI, each in a private home without an account, for half a minute. What polis reads from
    them is compared with what was recorded; exits 69 when a signal is not told any more.
    """
    if conformance is not None:
        return check_providers(conformance, as_json=as_json)
    findings = _probe()
    if as_json:
        print_json(
            [
                {
                    "name": found.name,
                    "holds": found.holds,
                    "detail": found.detail,
                    "mend": found.mend,
                    "needed": found.needed,
                }
                for found in findings
            ]
        )
    else:
        for found in findings:
            print_text(
                f"{_mark(found.holds, found.needed)}  {found.name}: {one_line(found.detail)}"
            )
            if found.mend and not found.holds:
                print_text(f"     hint: {found.mend}")
    return 0 if all(found.holds or not found.needed for found in findings) else UNAVAILABLE


def _probe() -> tuple[Finding, ...]:
    """Everything tried, the walls first: without them no keeper is tried."""
    from cash.keeper.proving import prove_keeping
    from cash.walls.probe import probe_machine

    folder = _nearest_folder(places().state)
    with progress("trying the walls"):
        found = probe_machine(folder)
    if any(one.name == "walls" and one.holds for one in found):
        with progress("trying each exec"):
            found += tuple(prove_keeping(folder))
    found += (_probe_tmux(), _probe_own_git())
    with progress("loading the rules"):
        return (*found, _probe_policy())


def _probe_tmux() -> Finding:
    """Whether agents' programs can have terminals; commands run without."""
    from cash.sessions.tmux import find_tmux
    from cash.walls.finding import Finding

    try:
        program, version = find_tmux(os.environ.get("PATH", os.defpath))
    except Fault as fault:
        return Finding("tmux", False, fault.message, fault.hint or "", needed=False)
    return Finding("tmux", True, f"{program}, {version}", needed=False)


def _probe_own_git() -> Finding:
    """Whether the shell that polis was called from runs git under the mutex."""
    from cash.hub.mutex import is_below
    from cash.walls.finding import Finding

    shell = os.environ.get("POLIS_SHELL_HOOK", "")
    if shell.isdigit() and is_below(int(shell)):
        return Finding("your own git", True, "in this shell it is polis git", needed=False)
    told = "in this shell it does not wait for others that work in the repository"
    kind = os.path.basename(os.environ.get("SHELL", ""))
    kind = kind if kind in ("bash", "zsh", "fish") else "bash"
    mend = f"polis hook shell {kind} --help shows the line; or type polis git"
    return Finding("your own git", False, told, mend, needed=False)


def _mark(holds: bool, needed: bool) -> str:
    if holds:
        return style("yes", fg="green")
    return style("no ", fg="red") if needed else style("-- ", fg="yellow")


def _probe_policy() -> Finding:
    """Whether the rules load where the caller stands. Needed unless earlier ones are in force."""
    from cash.cli.policy.here import is_any_in_force, layers_here, what_holds_instead
    from cash.policy.load import load_policy
    from cash.walls.finding import Finding

    try:
        policy = load_policy(layers_here())
    except Fault as fault:
        stands = is_any_in_force()
        rest = what_holds_instead(stands=stands)
        mend = f"{fault.hint}; then: polis doctor" if fault.hint else "mend it, then: polis doctor"
        return Finding("policy", False, f"{fault.message}; {rest}", mend, needed=not stands)
    return Finding("policy", True, f"{len(policy.rules)} rules load")


def _nearest_folder(path: Path) -> Path:
    """The first folder above that is there: agents' trees will lie in its file system."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
