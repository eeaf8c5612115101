"""Tells of changed folders, by inotify (watchdog): one instance for the whole of polisd.

Whatever is watched may not be there, be replaced, or be a symbolic link. So beside a folder the
one that holds its name is watched too, and whoever is woken says anew what is to be watched.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch

# What is watched in a folder: the names that matter, none for all. By folder, and which one that
# is: another one may have taken its place.
Names = frozenset[str]
Place = tuple[str, int, int]


def places_of(folders: Sequence[Path], files: Sequence[Path]) -> Mapping[Place, Names]:
    """Where what happens to these folders and files is seen. They need not be there."""
    found: dict[Place, Names] = {}
    for folder in folders:
        _add(found, folder, None)
        _add(found, *_nearest_above(folder))
    for path in (*folders, *files):
        if path.is_symlink():
            real = Path(os.path.realpath(path))
            _add(found, real.parent, real.name)
    return found


def _nearest_above(folder: Path) -> tuple[Path, str]:
    """The first folder above that is there, and what leads from it to this one."""
    name, above = folder.name, folder.parent
    while not above.is_dir() and above != above.parent:
        name, above = above.name, above.parent
    return above, name


def _add(found: dict[Place, Names], folder: Path, name: str | None) -> None:
    try:
        status = os.stat(folder)
    except OSError:
        return
    if not folder.is_dir():
        return
    place = (os.path.realpath(folder), status.st_dev, status.st_ino)
    before = found.get(place)
    if name is None or before == frozenset():
        found[place] = frozenset()
    else:
        found[place] = (before or frozenset()) | {name}


@dataclass(slots=True)
class _Watched:
    """A folder that is watched, for whom: names by listener. ended: it was removed, and if a
    folder is there again, it is another one."""

    watch: ObservedWatch
    wanted: dict[Callable[[], None], Names] = field(default_factory=dict)
    ended: bool = False


class Watching:
    """See the module. Methods may wait a moment and are safe in any thread."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._observer: BaseObserver | None = None
        self._watched: dict[Place, _Watched] = {}
        self._said = False

    def watch(self, wake: Callable[[], None], places: Mapping[Place, Names]) -> None:
        """From now on `wake` is called, in a thread, for what happens in just these places."""
        with self._turn, self._telling():
            for place in [one for one, watched in self._watched.items() if watched.ended]:
                self._unwatch(place)
            for place in list(self._watched):
                if place not in places:
                    self._forget(place, wake)
            for place, names in places.items():
                self._want(place, wake, names)

    def stop(self) -> None:
        """Tells nothing any more."""
        with self._turn:
            if self._observer is not None:
                self._observer.stop()
            self._observer = None
            self._watched.clear()

    @contextlib.contextmanager
    def _telling(self) -> Any:
        """Where the system's limits are reached, the log says so once; polisd then looks for
        itself from time to time."""
        try:
            yield
        except OSError as fault:
            if not self._said:
                words = "policies are looked at every few seconds only"
                print(f"polis: {fault.strerror or fault}: {words}", file=sys.stderr, flush=True)
            self._said = True

    def _want(self, place: Place, wake: Callable[[], None], names: Names) -> None:
        watched = self._watched.get(place)
        if watched is None:
            # Another folder that was there before: whoever watched it is awake as well.
            for stale in [one for one in self._watched if one[0] == place[0]]:
                self._unwatch(stale)
            watched = self._watched[place] = _Watched(self._schedule(place))
        watched.wanted[wake] = names

    def _schedule(self, place: Place) -> ObservedWatch:
        # Imported here: whoever only names this module needs none of it.
        from watchdog import events
        from watchdog.observers.inotify import InotifyObserver

        if self._observer is None:
            observer = InotifyObserver()
            observer.start()
            self._observer = observer
        # Not what is merely read: polisd itself reads.
        kinds: list[type[FileSystemEvent]] = [
            events.FileModifiedEvent,
            events.FileAttribEvent,
            events.FileClosedEvent,
            *(events.FileCreatedEvent, events.FileDeletedEvent, events.FileMovedEvent),
            *(events.DirCreatedEvent, events.DirDeletedEvent, events.DirMovedEvent),
        ]
        return self._observer.schedule(
            _handler(lambda event: self._heard(place, event)), place[0], event_filter=kinds
        )

    def _heard(self, place: Place, event: FileSystemEvent) -> None:
        """In watchdog's thread."""
        watched = self._watched.get(place)
        if watched is None:
            return
        paths = {os.fsdecode(event.src_path), os.fsdecode(event.dest_path or b"")}
        watched.ended = watched.ended or place[0] in paths
        names = {os.path.basename(path) for path in paths}
        for wake, wanted in list(watched.wanted.items()):
            if watched.ended or not wanted or wanted & names:
                wake()

    def _forget(self, place: Place, wake: Callable[[], None]) -> None:
        watched = self._watched[place]
        watched.wanted.pop(wake, None)
        if not watched.wanted:
            self._unwatch(place)

    def _unwatch(self, place: Place) -> None:
        watched = self._watched.pop(place)
        if self._observer is not None:
            with contextlib.suppress(KeyError):
                self._observer.unschedule(watched.watch)


def _handler(hear: Callable[[FileSystemEvent], None]) -> Any:
    from watchdog.events import FileSystemEventHandler

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            hear(event)

    return Handler()
