"""One command's process tree, as the keeper watches it: from its first exec until the last
process under its filter has ended, which may be long after the command itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from cash.keeper.estate import Will
from cash.keeper.messages import to_text
from cash.keeper.recorder import Recorder
from cash.policy.action import WRITE_KINDS, WriteKind

_MOST_PREDICTED: Final = 4096
_LONGEST_PREDICTED: Final = 1 << 20
_MOST_OBSERVED: Final = 500
_LONGEST: Final = 400
_MOST_CHANGED: Final = 2000
_MOST_OVERWRITTEN: Final = 4096
_MOST_TOUCHED: Final = 1 << 17


@dataclass(slots=True)
class Observed:
    """Execs with the same words. surprise: no judged line predicted them."""

    argv: tuple[str, ...]
    surprise: bool
    count: int = 1


@dataclass(slots=True)
class Watch:
    """id: the command's. listener: where its calls wait. place: its own in the recorder. starts:
    its own start is still to come, which was judged whole (bash and a line). start: its words,
    where they have to be compared. errand: it is polisd's own; told_of_stranger: polisd knows that
    it was about to start something else. told_of_tracing: its user knows that what is traced starts
    no program. predicted: the argv that judged lines in it named; names: the programs whose words
    they did not tell; foretold: the bytes of both, which polisd holds too. changed: paths it
    wrote to, and how; counted: for each of WRITE_KINDS, how many of those that a rule about many
    files speaks of; overwritten: hashes of the paths among them, which the next keeper does not
    have: it counts them once more. clashes: claims of others that it has met, and where. moved:
    what a git has changed that moves the tree. step: what its changes belong to now, itself or a
    line; touched: hashes of what was kept of it; is_changing: whether anything was since the last
    end of a step; told_of_unsaved: its user knows that something could not be."""

    id: str
    listener: int
    recorder: Recorder
    will: Will
    place: int
    starts: bool = False
    start: tuple[bytes, ...] | None = None
    errand: bool = False
    told_of_stranger: bool = False
    told_of_tracing: bool = False
    predicted: set[tuple[bytes, ...]] = field(default_factory=set)
    names: set[bytes] = field(default_factory=set)
    foretold: int = 0
    observed: dict[tuple[tuple[str, ...], bool], Observed] = field(default_factory=dict)
    dropped: int = 0
    changed: dict[str, str] = field(default_factory=dict)
    more_changed: int = 0
    counted: list[int] = field(default_factory=lambda: [0] * len(WRITE_KINDS))
    overwritten: set[int] = field(default_factory=set)
    clashes: set[tuple[int, str]] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    step: str = ""
    touched: set[int] = field(default_factory=set)
    is_changing: bool = False
    told_of_unsaved: bool = False

    def __post_init__(self) -> None:
        self.step = self.step or self.id

    def begin_step(self, step: str) -> None:
        """What it changes from now on is part of another step."""
        self.step = step
        self.touched.clear()
        self.told_of_unsaved = False

    def has_touched(self, path: str, what: str) -> bool:
        """Whether a path was kept already, as far as that is needed before this becomes of it."""
        if hash(path) in self.touched:
            return True
        return what == "metadata" and hash((path, what)) in self.touched

    def touch(self, path: str, what: str) -> None:
        """It was; what is beyond the most is kept again, which does no harm."""
        if len(self.touched) < _MOST_TOUCHED:
            self.touched.add(hash((path, what)) if what == "metadata" else hash(path))

    def wrote(self, path: str, kind: WriteKind) -> None:
        """Notes a write for the journal."""
        if self.changed.get(path) == kind:
            return
        self.recorder.wrote(self.place, path, kind)
        self.wrote_before(path, kind)

    def wrote_before(self, path: str, kind: str) -> None:
        """The same, of a write that is recorded."""
        if path in self.changed or len(self.changed) < _MOST_CHANGED:
            self.changed[path] = kind
        else:
            self.more_changed += 1

    def count(self, kind: WriteKind) -> int:
        """One more file that a rule about many speaks of; how many there were before."""
        at = WRITE_KINDS.index(kind)
        self.counted[at] += 1
        self.recorder.set_state(self.place, starts=self.starts, counted=self.counted)
        return self.counted[at] - 1

    def is_overwritten(self, path: str, kind: WriteKind) -> bool:
        """Whether it was let overwrite this file before: then it is none more. Programs write one
        file again and again. A deletion always counts: by then another may have had that name."""
        return kind == "overwrite" and hash(path) in self.overwritten

    def note_overwritten(self, path: str, kind: WriteKind) -> None:
        """It was let; what is beyond the most counts each time."""
        if kind == "overwrite" and len(self.overwritten) < _MOST_OVERWRITTEN:
            self.overwritten.add(hash(path))

    def counted_before(self, kind: WriteKind) -> int:
        """How many there were before the one that was counted last."""
        return max(0, self.counted[WRITE_KINDS.index(kind)] - 1)

    def take_changed(self) -> tuple[list[tuple[str, str]], int, frozenset[str]]:
        """What was written since the last time, how many more were only counted, and what of it
        a git has moved."""
        taken, more, moved = list(self.changed.items()), self.more_changed, frozenset(self.moved)
        self.changed, self.more_changed, self.moved = {}, 0, set()
        return taken, more, moved & {path for path, _ in taken}

    def takes_start(self) -> bool:
        """Whether this exec is the command's own start, judged before; true once at most."""
        taken, self.starts = self.starts, False
        if taken:
            self.recorder.set_state(self.place, starts=False, counted=self.counted)
        return taken

    def predict(self, argvs: Iterable[Iterable[bytes]], names: Iterable[bytes]) -> None:
        """What a judged line names."""
        fresh = [argv for argv in map(tuple, argvs) if argv not in self.predicted]
        fresh = fresh[: _MOST_PREDICTED - len(self.predicted)]
        fresh = [argv for argv in fresh if self._has_room(sum(map(len, argv)) + len(argv))]
        fresh_names = [name for name in names if name not in self.names]
        fresh_names = fresh_names[: _MOST_PREDICTED - len(self.names)]
        fresh_names = [name for name in fresh_names if self._has_room(len(name))]
        if fresh or fresh_names:
            self.predicted.update(fresh)
            self.names.update(fresh_names)
            more: dict[str, list[Any]] = {
                "predicted": [[to_text(word) for word in argv] for argv in fresh],
                "names": [to_text(name) for name in fresh_names],
            }
            self.will.add("prediction", str(self.place), more)

    def _has_room(self, size: int) -> bool:
        """For so many bytes more; what is left out is a surprise when it starts."""
        if self.foretold + size > _LONGEST_PREDICTED:
            return False
        self.foretold += size
        return True

    def is_surprise(self, argv: tuple[bytes, ...]) -> bool:
        """Whether no judged line predicted an exec with these words."""
        if argv in self.predicted or not argv:
            return False
        name = argv[0]
        return name not in self.names and name.rpartition(b"/")[2] not in self.names

    def observe(self, tid: int, argv: tuple[bytes, ...], *, surprise: bool) -> None:
        """Notes an exec for the journal; a tree that starts thousands is counted, not listed."""
        words = _shortened(argv)
        self.recorder.began(self.place, tid, words, surprise=surprise)
        self.observe_before(words, surprise=surprise)

    def observe_before(self, words: tuple[str, ...], *, surprise: bool) -> None:
        """The same, of an exec that is recorded."""
        known = self.observed.get((words, surprise))
        if known is not None:
            known.count += 1
        elif len(self.observed) < _MOST_OBSERVED:
            self.observed[words, surprise] = Observed(words, surprise)
        else:
            self.dropped += 1

    def take_observed(self) -> tuple[list[Observed], int]:
        """What was observed since the last time, and how many more were only counted."""
        taken, dropped = list(self.observed.values()), self.dropped
        self.observed, self.dropped = {}, 0
        return taken, dropped


def _shortened(argv: tuple[bytes, ...]) -> tuple[str, ...]:
    words, room = [], _LONGEST
    for word in argv:
        if room <= 0:
            words.append("…")
            break
        words.append(word[:room].decode("utf-8", "replace"))
        room -= len(word) + 1
    return tuple(words)
