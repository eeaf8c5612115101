"""Runs the tour's commands for real and shows each one, its verdict and what happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cash.cli.printing import DECISION_COLOURS, one_line, print_text, style
from cash.faults import Fault

_LONGEST_OUTPUT = 12  # lines shown of one command
_PATIENCE = 30.0


@dataclass(slots=True)
class Guide:
    """Walks through commands in `folder` with `environment`. A command that does not end as it
    should is a Fault: what comes after it would show nothing."""

    folder: Path
    environment: Mapping[str, str]

    def say(self, text: str) -> None:
        """A sentence of the guide's own."""
        print_text(f"\n{style(text, italic=True)}")

    def polis(self, *argv: str, status: int = 0) -> str:
        """A command of the user's: `polis ARGV…`."""
        self._show_prompt("$", " ".join(["polis", *argv]))
        return self._finish(self._start(*argv), status)

    def quietly(self, *argv: str) -> str:
        """What `polis ARGV…` prints; nothing is shown."""
        running = self._start(*argv)
        out, complaint = running.communicate()
        if running.returncode != 0:
            raise Fault(f"the tour cannot go on: {complaint.strip()}")
        return out

    def await_branch(self, branch: str, words: str) -> None:
        """Returns when the branch's last commit is about `words`: commits are carried across just
        after the command that made them."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if words in self._spawn(("git", "log", "-1", branch)).communicate()[0]:
                return
            time.sleep(0.05)
        raise Fault(f"the tour cannot go on: {branch} was not carried across")

    def user(self, *argv: str, status: int = 0) -> str:
        """A program of the user's own, outside all walls."""
        self._show_prompt("$", " ".join(argv))
        return self._finish(self._spawn(argv), status)

    def agent(self, name: str, line: str, *, status: int = 0) -> str:
        """A line in an agent's shell: its verdict, then what it did."""
        self._show_prompt(f"{name} $", line)
        self._show_verdict(self.explain(name, line))
        return self._finish(self._start("shell", name, "-c", line), status)

    def asked(self, name: str, line: str, *, allow: bool, status: int = 0) -> str:
        """A line that is asked about, answered from the other side by `polis approvals`."""
        self._show_prompt(f"{name} $", line)
        self._show_verdict(self.explain(name, line))
        running = self._start("shell", name, "-c", line)
        number = self._await_question(running)
        self.polis("approvals", "allow" if allow else "deny", number)
        return self._finish(running, status)

    def explain(self, name: str, line: str) -> dict[str, Any]:
        """The verdict as `policy explain --json` gives it."""
        said = self.quietly("policy", "explain", "--json", "--agent", name, "--", line)
        found: dict[str, Any] = json.loads(said)
        return found

    def _start(self, *argv: str) -> subprocess.Popen[str]:
        return self._spawn([os.fspath(Path(sys.executable).parent / "polis"), *argv])

    def _spawn(self, argv: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            argv,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
        )

    def _await_question(self, running: subprocess.Popen[str]) -> str:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and running.poll() is None:
            listing = self._start("approvals", "list", "--json")
            for question in json.loads(listing.communicate()[0] or "[]"):
                return str(question["id"])
            time.sleep(0.1)
        complaint = running.communicate()[1] if running.poll() is not None else "nothing was asked"
        raise Fault(f"the tour cannot go on: {complaint.strip()}")

    def _finish(self, running: subprocess.Popen[str], status: int) -> str:
        out, complaint = running.communicate()
        lines = (out + complaint).splitlines()
        for line in lines[:_LONGEST_OUTPUT]:
            print_text(f"  {style('│', dim=True)} {one_line(line)}".rstrip())
        if len(lines) > _LONGEST_OUTPUT:
            print_text(f"  {style('│', dim=True)} … {len(lines) - _LONGEST_OUTPUT} lines more")
        if running.returncode:
            print_text(f"  exit {running.returncode}")
        if running.returncode != status:
            words = running.args if isinstance(running.args, list | tuple) else [running.args]
            what = " ".join(map(str, words)).removeprefix(f"{Path(sys.executable).parent}/")
            ended = f"{what} ended with {running.returncode}, not {status}"
            raise Fault(f"the tour stops here: {ended}")
        return out

    def _show_prompt(self, prompt: str, line: str) -> None:
        print_text(f"\n{style(prompt, bold=True)} {line}")

    def _show_verdict(self, verdict: Mapping[str, Any]) -> None:
        decision = verdict["decision"]
        shown = style(decision, fg=DECISION_COLOURS[decision])
        rewritten = verdict.get("rewritten")
        print_text(f"  {shown}{f' → {one_line(rewritten)}' if rewritten else ''}")
        for rule in verdict["rules"]:
            print_text(f"  {rule['id']}: {rule['reason']}")
