"""File and command names behind Tab. The tree stands at the same path on both sides of the walls,
so its names are read outside; nothing inside is asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

_WORD = re.compile(r"(?:\\.|[^\s;|&<>()'\"`\\])*$")
_COMMAND_PLACE = re.compile(r"(?:^|[;|&(`])\s*$")
_SPECIAL = re.compile(r"([\s;|&<>()'\"`\\*?\[\]$#!{}~])")


class ShellCompleter(Completer):
    """Completes the word before the cursor: a command where one can stand, else a path."""

    def __init__(self, path: str) -> None:
        self.directory = "/"
        self._path = path
        self._programs: list[str] | None = None

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Names that begin as the word does, sorted."""
        del complete_event  # by Tab alone
        before = document.text_before_cursor
        found = _WORD.search(before)
        word = found.group() if found else ""
        start = len(before) - len(word)
        wanted = re.sub(r"\\(.)", r"\1", word)
        if "/" not in wanted and wanted and _COMMAND_PLACE.search(before[:start]):
            yield from self._complete_program(wanted)
        yield from self._complete_path(wanted, len(word))

    def _complete_program(self, wanted: str) -> Iterator[Completion]:
        if self._programs is None:
            self._programs = sorted(set(_programs(self._path)))
        for name in self._programs:
            if name.startswith(wanted):
                yield Completion(_escape(name), -len(wanted), display_meta="command")

    def _complete_path(self, wanted: str, length: int) -> Iterator[Completion]:
        folder, _, beginning = wanted.rpartition("/")
        shown = folder + "/" if "/" in wanted else ""
        place = os.path.join(self.directory, os.path.expanduser(shown) if shown else "")
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            name = entry.name
            if not name.startswith(beginning) or (name.startswith(".") and not beginning):
                continue
            is_folder = entry.is_dir()
            end = "/" if is_folder else ""
            text = shown + _escape(name) + end
            yield Completion(text, -length, display=name + end)


def _programs(path: str) -> Iterator[str]:
    for folder in path.split(os.pathsep):
        try:
            yield from os.listdir(folder or ".")
        except OSError:
            continue


def _escape(name: str) -> str:
    return _SPECIAL.sub(r"\\\1", name)
