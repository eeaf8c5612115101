"""What taking a step back means, decided before anything is touched.

Changes are taken back in reverse, so that folders are there before what was in them and empty
before they go. What is no longer as the step had left it, somebody has changed since: it stays.
Git's own state (HEAD, index, refs, their logs) is taken back whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cash.undo.ground import is_gits
from cash.undo.state import ABSENT, State, is_bare, is_same
from cash.undo.steps import Moved, Step, Touched

INDEX_LOCK = ".git/index.lock"


@dataclass(frozen=True, slots=True)
class Restore:
    """A path becomes what it was. now: what it is, as the step has left it; None: that is known
    only once the folder around it is back."""

    path: str
    before: State
    now: State | None

    @property
    def word(self) -> str:
        """What it is called for people."""
        match self.before.kind, self.now:
            case "absent", _:
                return "removed"
            case _, State(kind="absent"):
                return "restored"
            case _:
                return "reset"


@dataclass(frozen=True, slots=True)
class MoveBack:
    """A folder goes back to where it was renamed from. inode: its own, unless it had to be made
    anew."""

    path: str
    to: str
    inode: int

    @property
    def word(self) -> str:
        """What it is called for people."""
        return "moved"


Action = Restore | MoveBack


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a path stays as it is."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """actions: in order."""

    actions: tuple[Action, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class _Item:
    """A change that counts: the first of its path since a folder was moved. path: its own; place:
    where that is now."""

    change: Touched | Moved
    place: str


def plan_undo(
    step: Step, look: Callable[[str], State], changed_by: Callable[[], Mapping[str, str]]
) -> Plan:
    """look: what is at a path now, with the name of its content. changed_by: path → who has
    touched it since, asked only where something has changed."""
    items = list(_items(step))
    now = {item.place: look(item.place) for item in items}
    refused: dict[str, str] = {}
    first: dict[str, State] = {}
    for item in items:
        if isinstance(item.change, Touched):
            first.setdefault(item.place, item.change.before)
    for item in items:
        match item.change:
            case Moved(_, _, inode):
                # Where the step has left something else in its place, that is taken back first.
                after = step.after.get(item.place)
                is_left = after is None or after.stamp[0] == inode
                if is_left and now[item.place].stamp[0] != inode:
                    refused[item.place] = "it was moved on since"
            case Touched(_, before) if not is_same(first[item.place], now[item.place]):
                if not is_same(step.after.get(item.place, ABSENT), now[item.place]):
                    refused.setdefault(item.place, "")
                elif why := _why_never(before):
                    refused.setdefault(item.place, why)
            case Touched():
                continue
    _name_culprits(refused, changed_by)
    _refuse_git_whole(refused, first, now, look)
    wanted = [item for item in items if item.place not in refused]
    actions = tuple(_actions(wanted, first, now))
    return Plan(actions, tuple(Refusal(path, why) for path, why in refused.items()))


def changes_anything(step: Step) -> bool:
    """Whether anything was another way at its end than before."""
    for item in _items(step):
        if isinstance(item.change, Moved):
            return True
        if not is_same(item.change.before, step.after.get(item.place, ABSENT)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Changed:
    """What a step has done to a path. what: created, deleted, changed, moved. unsaved: why it
    cannot be taken back, "" if it can."""

    path: str
    what: str
    unsaved: str


def describe_changes(step: Step) -> tuple[Changed, ...]:
    """What it changed in the end, in order; what was made and removed again is not among it."""
    found: dict[str, Changed] = {}
    for item in _items(step):
        match item.change:
            case Moved(path):
                found[item.place] = Changed(item.place, f"moved from {path}", "")
            case Touched(_, before):
                after = step.after.get(item.place, ABSENT)
                if not is_same(before, after):
                    changed = Changed(item.place, _what(before, after), _why_never(before))
                    found.setdefault(item.place, changed)
    return tuple(found.values())


def _what(before: State, after: State) -> str:
    if before.kind == "absent":
        return "created"
    return "deleted" if after.kind == "absent" else "changed"


def _items(step: Step) -> Iterator[_Item]:
    known: dict[str, int] = {}
    found: list[_Item] = []
    for number, change in enumerate(step.changes):
        place = step.place_of(number)
        match change:
            case Moved():
                known.clear()
            case Touched(path, before) if path in known and before.kind != "folder":
                found[known[path]] = _merged(found[known[path]], before)
                continue
            case Touched(path, before):
                # A folder has to be there before what was in it, whatever it was at first.
                known.setdefault(path, len(found))
        found.append(_Item(change, place))
    yield from found


def _merged(item: _Item, later: State) -> _Item:
    """Where at first only metadata were to be changed, the content was kept later."""
    change = item.change
    if not isinstance(change, Touched) or not is_bare(change.before):
        return item
    before = replace(change.before, object=later.object, place=later.place, unsaved=later.unsaved)
    return replace(item, change=replace(change, before=before))


def _why_never(before: State) -> str:
    if before.unsaved:
        return f"it was not kept: {before.unsaved}"
    return "nobody can make such a thing again" if before.kind == "other" else ""


def _name_culprits(refused: dict[str, str], changed_by: Callable[[], Mapping[str, str]]) -> None:
    if "" in refused.values():
        names = changed_by()
        for path, why in refused.items():
            who = names.get(path, "somebody else")
            refused[path] = why or f"{who} has changed it since"


def _refuse_git_whole(
    refused: dict[str, str],
    first: Mapping[str, State],
    now: Mapping[str, State],
    look: Callable[[str], State],
) -> None:
    own = [path for path in first if is_gits(path) and not is_same(first[path], now[path])]
    if not own:
        return
    why = next((f"{path} stays: {refused[path]}" for path in refused if is_gits(path)), "")
    if not why and look(INDEX_LOCK).kind != "absent":
        why = "git is at work there"
    if why:
        for path in own:
            refused.setdefault(path, why)


def _actions(
    items: Sequence[_Item], first: Mapping[str, State], now: Mapping[str, State]
) -> Iterator[Action]:
    moves = [item.change for item in items if isinstance(item.change, Moved)]
    for item in reversed(items):
        match item.change:
            case Moved(path, to, inode):
                yield MoveBack(to, path, inode)
            case Touched(path, before) if _is_around(path, moves):
                yield Restore(path, before, None)
            case Touched(path, before) if not is_same(first[path], now[path]):
                yield Restore(path, before, now[path])
            case Touched():
                continue


def _is_around(path: str, moves: Iterable[Moved]) -> bool:
    """Whether a folder was moved there or from there, or to or from somewhere in it."""
    places = [f"{place}/" for one in moves for place in (one.path, one.to)]
    own = f"{path}/"
    return any(own.startswith(place) or place.startswith(own) for place in places)
