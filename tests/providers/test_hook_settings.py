"""polis' hooks in a program's settings: put in and taken out, with all else as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.content import content_folder
from cash.faults import UsageFault
from cash.providers.hooks import PROTOCOLS
from cash.providers.hooks.settings import INSIDE, holds, put_in, take_out


def _template(name: str) -> bytes:
    return (content_folder("hooks") / PROTOCOLS[name].template).read_bytes()


def _commands(value: Any) -> list[str]:
    match value:
        case dict():
            own = [value[key] for key in ("command", "bash") if isinstance(value.get(key), str)]
            return [*own, *(found for one in value.values() for found in _commands(one))]
        case list():
            return [found for one in value for found in _commands(one)]
        case _:
            return []


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_template_calls_the_program_inside(name: str) -> None:
    commands = _commands(json.loads(_template(name)))
    assert commands
    assert all(one.startswith(f"{INSIDE} hook {name}") for one in commands)


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_put_in_is_there_once_and_taken_out_leaves_nothing(name: str) -> None:
    once = put_in(b"", _template(name))
    assert json.loads(once) == json.loads(_template(name))
    assert put_in(once, _template(name)) == once
    assert holds(once)
    assert take_out(once) == b""


def test_what_is_there_stays() -> None:
    own: dict[str, Any] = {
        "model": "opus é",
        "hooks": {
            "PreToolUse": [
                {"matcher": "Bash", "hooks": [{"type": "command", "command": "my-check"}]}
            ],
            "Mine": [{"hooks": [{"type": "command", "command": "echo polis hook claude"}]}],
        },
    }
    current = json.dumps(own).encode()
    both = json.loads(put_in(current, _template("claude")))
    assert both["model"] == "opus é"
    assert both["hooks"]["PreToolUse"][0] == own["hooks"]["PreToolUse"][0]
    assert json.loads(take_out(put_in(current, _template("claude")))) == own
    assert not holds(current)


def test_a_hook_of_ours_beside_anothers_is_taken_out_alone() -> None:
    mixed = [{"command": f"{INSIDE} hook claude"}, {"command": "mine"}]
    current = json.dumps({"hooks": {"Stop": [{"hooks": mixed}]}}).encode()
    left = json.loads(take_out(current))
    assert left == {"hooks": {"Stop": [{"hooks": [{"command": "mine"}]}]}}


def test_another_program_may_be_called() -> None:
    made = put_in(b"{}", _template("gemini"), '/opt/po"lis/bin/polis')
    assert all(one.startswith('/opt/po"lis/bin/polis hook') for one in _commands(json.loads(made)))
    assert take_out(made) == b""


@pytest.mark.parametrize(
    "current", [b"{", b"[]", b'{"hooks": []}', b"\xff", b"[" * 100_000, b'{"hooks": "x"}']
)
def test_settings_that_cannot_be_read_are_not_overwritten(current: bytes) -> None:
    with pytest.raises(UsageFault):
        put_in(current, _template("claude"))
    with pytest.raises(UsageFault):
        take_out(current)


_groups = st.lists(
    st.dictionaries(st.sampled_from(["matcher", "command"]), st.text(max_size=8), min_size=1)
    | st.text(max_size=3)
    | st.just({"hooks": []}),
    min_size=1,
    max_size=3,
)


@given(
    st.dictionaries(st.sampled_from(["PreToolUse", "Stop", "Mine"]), _groups, min_size=1),
    st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=5)),
)
def test_in_and_out_is_as_before(hooks: dict[str, Any], more: dict[str, str]) -> None:
    own = {**more, "hooks": hooks}
    current = json.dumps(own).encode()
    assert json.loads(take_out(put_in(current, _template("claude")))) == own
