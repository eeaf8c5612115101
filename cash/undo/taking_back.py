"""Taking a step back, from the look at what there is to the last file."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cash.undo.index import meaning_of
from cash.undo.objects import Damaged, Objects
from cash.undo.plan import Action, Plan, Refusal, plan_undo
from cash.undo.restoring import Restoring
from cash.undo.room import holding
from cash.undo.state import State
from cash.undo.steps import Change, Step, Steps, Touched
from cash.undo.store import Store, settle
from cash.undo.taking import INDEX, fathom


@dataclass(frozen=True, slots=True)
class TakenBack:
    """undo: the step that this was, "" where nothing was done."""

    undo: str
    actions: tuple[Action, ...]
    refused: tuple[Refusal, ...]


def _nobody() -> Mapping[str, str]:
    return {}


def take_back(
    store: Store,
    step: Step,
    *,
    dry: bool = False,
    others: Callable[[], Mapping[str, str]] = _nobody,
) -> TakenBack:
    """Takes back a step that has ended, as far as that can be; or says what would be done. others:
    path → who else has changed it since, that no step tells. OSError: the store cannot be
    written."""
    objects, steps = store.open()
    with holding(store.folder, wait=True), contextlib.closing(objects):
        plan = _plan(store, step, objects, steps, others)
        if dry or not plan.actions:
            return TakenBack("", plan.actions, plan.refused)
        number = f"undo-{uuid.uuid4().hex[:12]}"
        file = steps.begin(number, number, undoes=step.id)
        with contextlib.closing(file):
            restoring = Restoring(store, objects, file)
            restoring.carry_out(plan.actions)
        settle(store, steps.read(number) or step)
        return TakenBack(number, tuple(restoring.done), (*plan.refused, *restoring.refused))


def _plan(
    store: Store,
    step: Step,
    objects: Objects,
    steps: Steps,
    others: Callable[[], Mapping[str, str]],
) -> Plan:
    looks: dict[str, State] = {}

    def look(path: str) -> State:
        if path not in looks:
            looks[path] = fathom(store.ground, path)
        return looks[path]

    def changed_by() -> Mapping[str, str]:
        return {**others(), **_touched_since(steps, step)}

    return plan_undo(with_meaning(objects, step), look, changed_by)


def with_meaning(objects: Objects, step: Step) -> Step:
    """What git's index said before is not known until somebody asks."""
    return replace(step, changes=tuple([_read_index(objects, one) for one in step.changes]))


def _read_index(objects: Objects, change: Change) -> Change:
    if not isinstance(change, Touched) or change.path != INDEX or not change.before.object:
        return change
    with contextlib.suppress(Damaged):
        meaning = meaning_of(objects.read(change.before.object, change.before.place))
        return replace(change, before=replace(change.before, meaning=meaning))
    return change


def _touched_since(steps: Steps, step: Step) -> Mapping[str, str]:
    """Path → the first later step that has touched it, in the words that name it."""
    found: dict[str, str] = {}
    for later in steps.all():
        if later.number <= step.number:
            break
        name = f"polis undo ({later.id})" if later.undoes else later.id
        found |= dict.fromkeys(later.paths, name)
    return found
