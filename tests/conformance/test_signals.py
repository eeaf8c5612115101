"""A trace that is changed in one field loses just the signal that stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cash.conformance.signals import Broken, Signals, compare, read_signals
from cash.conformance.subjects import SUBJECTS
from cash.conformance.traces import (
    Trace,
    nearest_version,
    read_trace,
    recorded_versions,
    traces_folder,
    write_trace,
)
from cash.providers.manifest import load_manifests

MANIFESTS = load_manifests()
RECORDED = [
    (provider, version)
    for provider in SUBJECTS
    for version in recorded_versions(traces_folder(), provider)
]


def signals(provider: str, trace: Trace) -> Signals:
    return read_signals(trace, MANIFESTS[provider], SUBJECTS[provider].output)


def trace_of(provider: str) -> Trace:
    return read_trace(traces_folder() / provider / recorded_versions(traces_folder(), provider)[-1])


@pytest.mark.parametrize(("provider", "version"), RECORDED)
def test_every_recorded_version_is_still_read(provider: str, version: str) -> None:
    found = signals(provider, read_trace(traces_folder() / provider / version))
    told = [fact for name, facts in found.items() if name.startswith("stream") for fact in facts]
    assert any(fact.startswith("completed: ") for fact in told)
    assert any(fact.startswith("error: ") and "quota" in fact for fact in told)
    assert sum(fact.startswith("running of a call: ") for fact in told) >= 3
    screens = {name: facts for name, facts in found.items() if name.startswith("screen")}
    assert {name: set(facts) for name, facts in screens.items()} == {
        "screen trust": {"waiting_input"},
        "screen prompt": {"idle"},
        "screen working": {"running"},
        "screen question": {"waiting_approval"},
        "screen done": {"idle"},
        "screen refused": {"error"},
    }
    hooks = {name.removeprefix("hook ") for name in found if name.startswith("hook")}
    own = MANIFESTS[provider].hooks
    assert own is not None
    assert set(own.events) <= hooks


def changed(rows: Any, where: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows with those that have the one values given the other ones."""
    found = [
        {**row, **new} if all(row.get(key) == value for key, value in where.items()) else dict(row)
        for row in rows
    ]
    assert found != list(rows)
    return found


@pytest.mark.parametrize(
    ("provider", "part", "where", "new", "expected"),
    [
        (
            "claude",
            "stream",
            {"type": "result", "is_error": False},
            {"is_error": "no"},
            Broken("stream result success", ("completed: All is done.",), ()),
        ),
        (
            "claude",
            "hooks",
            {"hook_event_name": "Stop"},
            {"hook_event_name": "TurnEnd"},
            None,
        ),
        (
            "claude",
            "hooks",
            {"hook_event_name": "PreToolUse"},
            {"tool_use_id": 7},
            Broken("hook PreToolUse", ("tool_use_id: text",), ("tool_use_id: number",)),
        ),
        (
            "codex",
            "stream",
            {"type": "turn.completed"},
            {"type": "turn.ended"},
            Broken("stream turn.completed", ("completed: its turn is done",), ()),
        ),
        (
            "codex",
            "screens",
            {"screen": "trust"},
            {"text": "Welcome"},
            Broken("screen trust", ("waiting_input",), ("unknown",)),
        ),
        (
            "gemini",
            "stream",
            {"type": "result", "status": "success"},
            {"status": "ok"},
            Broken("stream result", ("completed: its turn is done",), ()),
        ),
    ],
)
def test_one_field_breaks_one_signal(
    provider: str,
    part: str,
    where: Mapping[str, Any],
    new: Mapping[str, Any],
    expected: Broken | None,
) -> None:
    trace = trace_of(provider)
    other = replace(trace, **{part: changed(getattr(trace, part), where, new)})
    (broken,) = compare(signals(provider, trace), signals(provider, other))
    if expected is None:
        assert (broken.signal, broken.came) == ("hook Stop", ())
    else:
        assert broken == expected


@pytest.mark.parametrize("provider", SUBJECTS)
def test_what_is_told_beyond_is_no_loss(provider: str) -> None:
    trace = trace_of(provider)
    more = replace(
        trace,
        hooks=[{**row, "new": 1} for row in trace.hooks] + [{"hook_event_name": "New"}],
        stream=[*trace.stream, {"type": "new"}],
    )
    assert compare(signals(provider, trace), signals(provider, more)) == ()


def test_the_nearest_version_is_not_newer() -> None:
    versions = ["1.9.0", "1.10.0", "2.0.0"]
    assert nearest_version(versions, "1.10.4") == "1.10.0"
    assert nearest_version(versions, "9") == "2.0.0"
    assert nearest_version(versions, "1.0") == "1.9.0"


def test_a_trace_is_read_as_it_was_written(tmp_path: Any) -> None:
    trace = Trace([{"hook_event_name": "Stop"}], [{"type": "é"}], [{"screen": "x", "text": "●"}])
    write_trace(tmp_path, trace)
    assert read_trace(tmp_path) == trace


@pytest.mark.parametrize(("provider", "version"), RECORDED)
def test_a_trace_tells_nothing_of_where_it_was_recorded(provider: str, version: str) -> None:
    for path in (traces_folder() / provider / version).iterdir():
        text = path.read_text()
        assert str(traces_folder().parents[1]) not in text
        assert "/root" not in text
        assert "conformance" not in text
