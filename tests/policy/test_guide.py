"""The guide's examples load, and the schema knows the keys that the engine knows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cash.policy.clashes import CLASHES
from cash.policy.compile_keys import CONDITION_KEYS, KINDS_OF_WRITE, MATCHER_KEYS
from cash.policy.compile_rule import DECISIONS, RULE_KEYS
from cash.policy.examples import OUTCOMES
from cash.policy.layers import Layer
from cash.policy.lint import lint
from cash.policy.load import load_policy, read_policy
from cash.policy.paths import PLACES
from cash.policy.programs import SETS
from cash.policy.subject import KINDS
from cash.policy.verdict import Level

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/policies.md").read_text()
SNIPPETS = re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)
SCHEMA: dict[str, Any] = json.loads((ROOT / "policies/schema.json").read_text())


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_loads(tmp_path: Path, snippet: str) -> None:
    path = tmp_path / "snippet.yaml"
    path.write_text(snippet)
    layer = Layer("test", (path,))
    assert load_policy([layer]).rules
    assert [one.message for one in lint(read_policy([layer])) if "hint" in one.message] == []


def test_the_guide_names_every_key() -> None:
    assert len(SNIPPETS) >= 6
    words = set(re.findall(r"`[{$]?([a-z_]+)", GUIDE))
    keys = {
        *RULE_KEYS,
        *CONDITION_KEYS,
        *PLACES,
        *SETS,
        "locked_by_other",
        "conflicts_with_other",
        "given",
        "cases",
    }
    assert keys - words == set()


def test_the_schema_knows_the_same_keys() -> None:
    definitions = SCHEMA["$defs"]
    rule = definitions["rule"]["properties"]
    assert set(rule) == set(RULE_KEYS)
    assert set(definitions["condition"]["properties"]) == {*MATCHER_KEYS, *CONDITION_KEYS}
    assert set(rule["while"]["properties"]) == {"locked_by_other", "conflicts_with_other"}
    assert set(rule["examples"]["properties"]) == {*OUTCOMES, "given", "cases"}
    clash = SCHEMA["properties"]["locks"]["items"]["properties"]["clash"]
    assert clash["enum"] == list(CLASHES)
    assert definitions["on"]["enum"] == list(KINDS)
    assert definitions["kind"]["enum"] == list(KINDS_OF_WRITE)
    assert rule["decide"]["enum"] == list(DECISIONS)
    levels = {level.value for level in Level}
    assert set(definitions["given"]["properties"]["level"]["enum"]) == levels
