"""Manifests: the shipped ones, what is accepted, and the user's own beside them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from cash.faults import Fault
from cash.places import Places
from cash.providers import manifest
from cash.providers.facets import PURPOSES
from cash.providers.manifest import Catalogue, ProviderFault, find_manifest, load_manifests
from cash.providers.reading import KEYS, MANIFEST
from cash.providers.scalars import PLACES, STATUSES, read_size, read_version
from cash.sessions import signal

_NAMES = [
    *("aider", "antigravity", "claude", "codex", "copilot"),
    *("cursor", "gemini", "kiro", "opencode", "shell"),
]
_LEAST = "name: x\ndescription: d\ntool_timeout: 1\nmemory: 1\nhosts: []\n"
_ROOT = Path(__file__).parents[2]
_SCHEMA: dict[str, Any] = json.loads((_ROOT / "agents/schema.json").read_text())


def test_the_shipped_providers() -> None:
    found = load_manifests()
    assert list(found) == _NAMES
    assert found["shell"].hosts == ()
    assert found["shell"].memory == 2 << 30
    assert found["codex"].tool_timeout == 10
    assert "api.anthropic.com" in found["claude"].hosts
    assert found["gemini"].declined == {"play.googleapis.com"}
    assert not any(one.declined & set(one.hosts) for one in found.values())


@pytest.mark.parametrize("name", _NAMES)
def test_each_says_what_a_person_needs(name: str) -> None:
    one = load_manifests()[name]
    assert one.programs
    assert one.install
    assert {"interactive", "headless"} <= set(one.starts)
    assert one.exits[0] == "completed"
    assert all(capability.note for capability in one.capabilities.values())
    # What was not run is said to be so.
    first = Path(one.source).read_text().splitlines()[0]
    if name != "shell":
        assert "ried with" in first or "not run here" in first, first


def test_states_are_those_that_there_are() -> None:
    # Of a pause polis alone knows.
    assert {*STATUSES, "paused"} == set(signal.Status.__args__)


def test_an_unknown_provider_lists_what_there_is() -> None:
    with pytest.raises(ProviderFault) as caught:
        find_manifest("cluade", load_manifests())
    assert (caught.value.code, caught.value.message, caught.value.hint) == (
        "AGENT_TYPE_UNAVAILABLE",
        "there is no provider 'cluade'",
        f"did you mean claude? available: {', '.join(_NAMES)}",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\n", "1:1: description is missing"),
        ("- a\n", "1:1: expected a mapping"),
        ("", "is empty"),
        ("name: [\n", "2:1: "),
        (_LEAST.replace("memory: 1", "memory: 1X"), "4:9: '1X' is no size"),
        (_LEAST + "y: 1\n", "6:1: unknown key 'y'"),
        (_LEAST + "program: [x]\n", "did you mean 'programs'?"),
        (_LEAST + "debug: 1\n", "6:8: expected true or false"),
        (_LEAST.replace("name: x", "name: X Y"), "1:7: a name is"),
        (_LEAST.replace("tool_timeout: 1", "tool_timeout: -1"), "expected a number of seconds"),
        (_LEAST.replace("tool_timeout: 1", "tool_timeout: nan"), "expected a number of seconds"),
        (_LEAST + "config: ../x\n", "6:9: expected a path below HOME"),
        (_LEAST + "settled: [{path: /etc/x, value: {}}]\n", "expected a path below HOME"),
        (_LEAST + "always: ['{promt}']\n", "nothing is known as {promt}"),
        (_LEAST + "starts: {headles: []}\n", "did you mean 'headless'?"),
        (_LEAST + "always: [{words: [x], needs: y}]\n", "y is needed, but capabilities"),
        (_LEAST + "version: {pattern: '('}\n", "is no RE2 pattern"),
        (_LEAST + "version: {pattern: 'x'}\n", "with one group"),
        (_LEAST + "version: {least: x}\n", "expected a version"),
        (_LEAST + "exits: {0: done}\n", "'done' is not one of"),
        (_LEAST + "exits: {zero: idle}\n", "expected a number"),
        (_LEAST + "hooks: {}\n", "protocol is missing"),
        (_LEAST + "account: {key: 'A B'}\n", "the name of an environment variable"),
        (_LEAST + "always: &a [x]\nmodel: *a\n", "aliases are not read"),
    ],
)
def test_a_malformed_manifest_is_told_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(Fault) as caught:
        load_manifests(tmp_path)
    assert caught.value.message.startswith(f"{tmp_path}/x.yaml:")
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "size"),
    [("512M", 512 << 20), ("2G", 2 << 30), ("1GiB", 1 << 30), ("64k", 64 << 10), ("1024", 1024)],
)
def test_sizes(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "1X", "-1", "1.5G", "G1"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        read_size(text)


@pytest.mark.parametrize(
    ("older", "newer"),
    [("1.9.0", "1.10.0"), ("0.9", "0.10.1"), ("2.0.0", "10.0.0"), ("1.2", "1.2.1")],
)
def test_versions_compare_as_numbers(older: str, newer: str) -> None:
    assert read_version(older) < read_version(newer)
    assert read_version(f"{newer}-beta.3") == read_version(newer)


# ------------------------------------------------------------------ the user's own


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "config/agents").mkdir(parents=True)
    return Places(tmp_path / "state", tmp_path / "run", tmp_path / "config")


@pytest.fixture
def seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes are seen at once."""
    monkeypatch.setattr(manifest, "_LOOK_SECONDS", 0.0)


@pytest.mark.usefixtures("seeing")
def test_one_of_the_users_own_is_added_and_one_of_the_same_name_replaces(places: Places) -> None:
    own = places.config / "agents"
    (own / "a.yaml").write_text(_LEAST.replace("name: x", "name: goose"))
    (own / "b.yaml").write_text(_LEAST.replace("name: x", "name: claude"))
    found = Catalogue(places)
    assert [*found] == [*_NAMES, "goose"]
    assert found["claude"].description == "d"
    (own / "b.yaml").unlink()
    assert found["claude"].description == "Claude Code"


@pytest.mark.usefixtures("seeing")
def test_a_broken_one_leaves_the_rest_and_what_it_last_said(places: Places) -> None:
    own = places.config / "agents"
    (own / "a.yaml").write_text(_LEAST.replace("name: x", "name: goose"))
    found = Catalogue(places)
    assert "goose" in found
    (own / "a.yaml").write_text("name: goose\n")
    (own / "b.yaml").write_bytes(b"\xff\xfe\x00")
    assert len(found) == len(_NAMES) + 1
    assert found["goose"].description == "d"
    assert [path.name for path in found.broken] == ["a.yaml", "b.yaml"]
    assert all("\n" not in line and line.startswith(str(own)) for line in found.broken.values())
    (own / "a.yaml").write_text(_LEAST.replace("name: x", "name: goose").replace(": d", ": e"))
    (own / "b.yaml").unlink()
    assert (found["goose"].description, found.broken) == ("e", {})


@pytest.mark.alone
def test_looking_up_costs_microseconds(places: Places) -> None:
    found = Catalogue(places)
    found["claude"]
    began = time.perf_counter()
    for _ in range(1000):
        found.get("claude")
    assert time.perf_counter() - began < 0.1


def test_the_one_that_the_guide_shows_loads(tmp_path: Path) -> None:
    guide = (_ROOT / "docs/agents.md").read_text()
    (snippet,) = re.findall(r"```yaml\n(.*?)```", guide, re.S)
    (tmp_path / "goose.yaml").write_text(snippet)
    assert load_manifests(tmp_path)["goose"].starts["headless"].input
    told = set(re.findall(r"`(\w+)`", guide.partition("| key | |")[2]))
    assert set(MANIFEST) - told == {"name", "description"}


# ------------------------------------------------------------------ the schema


def test_the_schema_knows_the_keys_that_are_read() -> None:
    assert set(_SCHEMA["properties"]) == set(MANIFEST)
    for name, readers in KEYS.items():
        shape = _SCHEMA["$defs"][name]
        shape = shape["oneOf"][-1] if "oneOf" in shape else shape
        assert set(shape["properties"]) == set(readers), name
    assert set(_SCHEMA["properties"]["starts"]["properties"]) == set(PURPOSES)
    assert _SCHEMA["$defs"]["sign"]["properties"]["status"]["enum"] == list(STATUSES)
    unless = _SCHEMA["$defs"]["group"]["oneOf"][-1]["properties"]["unless"]
    assert unless["enum"] == list(PLACES)
