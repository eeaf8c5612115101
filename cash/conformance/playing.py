"""Plays the same short task to a CLI each time, and writes down all that it tells.

The CLI runs bare, in a home of its own, with a dummy key, and its model is this process: no
account is used, and what it is told to do is written here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cash.conformance.model import AGENTS, PROMPT, Model
from cash.conformance.subjects import SUBJECTS, Subject, hook_command
from cash.conformance.traces import Trace, hide_paths
from cash.conformance.window import Window
from cash.providers.manifest import Manifest
from cash.sessions.screens import read_screen
from cash.sessions.signal import Status
from cash.sessions.streams.reading import parse_line

_CALLS = [
    ["shell", "echo hello"],
    ["shell", "ls /nowhere; exit 3"],
    ["write", "notes.txt", "one\n"],
]
_ASKED = [["asked", "touch made"]]
_SAID = "All is done."
_PATIENCE = 60.0
# What a screen may take to be drawn where two cores do much else.
_SCREEN_SECONDS = 40.0
_QUIET_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where a CLI plays: folders and files of its own."""

    provider: str
    subject: Subject
    program: str
    path: str
    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def tree(self) -> Path:
        return self.home / "shop"

    @property
    def record(self) -> Path:
        return self.folder / "hooks.jsonl"

    def environment(self, url: str) -> dict[str, str]:
        """Nothing of the caller's but PATH."""
        own = AGENTS[self.provider].environment
        return {
            "PATH": self.path,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            **{name: value.replace("{url}", url) for name, value in own.items()},
        }


def play(provider: str, manifest: Manifest, program: str, path: str, scratch: Path) -> Trace:
    """The whole task: without a terminal, refused by its provider, and on a terminal. Takes half
    a minute. scratch: a folder below which it has one of its own, not below the system's for
    temporary files, where Codex will not live. What a CLI does not tell is missing."""
    subject = SUBJECTS[provider]
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
        stage = _Stage(provider, subject, program, path, Path(folder))
        stream = _play_headless(stage, refusing=False) + _play_headless(stage, refusing=True)
        screens = _play_screens(stage, manifest)
        hooks = stage.record.read_text().splitlines() if stage.record.exists() else []
        places = {
            str(stage.tree): "/home/ada/shop",
            str(stage.home): "/home/ada",
            folder: "/var/tmp/played",
        }
        return Trace(
            hooks=_rows(hooks, places),
            stream=_rows(stream, places),
            screens=[shown | {"text": hide_paths(shown["text"], places)} for shown in screens],
        )


def _rows(lines: Sequence[str], places: Mapping[str, str]) -> list[Mapping[str, Any]]:
    found = (parse_line(hide_paths(line, places)) for line in lines)
    return [row for row in found if row is not None]


@contextlib.contextmanager
def _model(stage: _Stage, calls: Sequence[Sequence[str]]) -> Iterator[Model]:
    """The model listens, and the home is as at the first start."""
    shutil.rmtree(stage.home, ignore_errors=True)
    stage.tree.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(stage.tree)], check=True)
    placed = [
        [word.replace("notes.txt", str(stage.tree / "notes.txt")) for word in c] for c in calls
    ]
    script = {"calls": placed, "say": _SAID}
    with Model(AGENTS[stage.provider], script, stage.folder / "record.jsonl") as model:
        threading.Thread(target=model.serve_forever, daemon=True).start()
        files = stage.subject.files(model.url, hook_command(stage.record), stage.subject.events)
        for path, text in files.items():
            place = stage.home / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        try:
            yield model
        finally:
            model.open.set()
            model.shutdown()


def _play_headless(stage: _Stage, *, refusing: bool) -> list[str]:
    calls = _CALLS if stage.provider != "codex" else _CALLS[:2]  # it has no tool for a write
    with _model(stage, calls) as model:
        model.refusing = refusing
        argv = [stage.program, *stage.subject.headless]
        with subprocess.Popen(
            argv,
            cwd=stage.tree,
            env=stage.environment(model.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired as late:
                said = late.stdout or b""
            finally:
                # What it left running as well.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return said.decode("utf-8", "replace").splitlines()


def _play_screens(stage: _Stage, manifest: Manifest) -> list[dict[str, str]]:
    """Each screen is waited for by what it must tell; when it does not, what came is kept."""
    found: list[dict[str, str]] = []

    def look(name: str, expected: Status) -> None:
        def is_so(text: str) -> bool:
            signal = read_screen(manifest, text, 0.0)
            return signal is not None and signal.status == expected

        found.append({"screen": name, "text": window.wait(is_so, _SCREEN_SECONDS)})

    argv = [stage.program, *stage.subject.interactive]
    with _model(stage, _ASKED) as model:
        environment = stage.environment(model.url)
        environment.pop("GEMINI_CLI_TRUST_WORKSPACE", None)
        with Window(stage.folder, argv, environment, stage.tree) as window:
            look("trust", "waiting_input")
            window.press("Enter")
            look("prompt", "idle")
            model.open.clear()
            _send(window, PROMPT)
            look("working", "running")
            model.open.set()
            look("question", "waiting_approval")
            _let_hooks_end(stage)
            window.press("Enter")
            look("done", "idle")
            model.refusing = True
            _send(window, "Go on.")
            look("refused", "error")
            _let_hooks_end(stage)
    return found


def _let_hooks_end(stage: _Stage) -> None:
    """Until none has written for a while: some run beside what they tell of."""
    deadline, last, quiet = time.monotonic() + _SCREEN_SECONDS, -1, time.monotonic()
    while time.monotonic() < min(deadline, quiet + _QUIET_SECONDS):
        size = stage.record.stat().st_size if stage.record.exists() else 0
        if size != last:
            last, quiet = size, time.monotonic()
        time.sleep(0.1)


def _send(window: Window, text: str) -> None:
    """Types a prompt. Enter comes by itself, when the text is there: typed at once with it, it
    belongs to the text."""
    window.type(text)
    window.wait(lambda shown: text in shown, _SCREEN_SECONDS)
    window.press("Enter")
