"""What is at a path, as JSON and compared."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.undo.state import ABSENT, State, is_same, unpack_state

_numbers = st.integers(0, 1 << 62)
_texts = st.text(max_size=8)
_states = st.builds(
    State,
    st.sampled_from(["absent", "file", "link", "folder", "fifo", "other"]),
    st.integers(0, 0o7777),
    st.tuples(_numbers, _numbers),
    _numbers,
    _numbers,
    st.tuples(_numbers, _numbers),
    _texts,
    _texts,
    st.binary(max_size=8).map(lambda data: data.decode("utf-8", "surrogateescape")),
    st.lists(st.tuples(_texts, _texts), max_size=2).map(tuple),
    _texts,
    _texts,
)


@given(_states)
def test_packing(state: State) -> None:
    assert unpack_state(json.loads(json.dumps(state.pack()))) == state


@given(_states)
def test_what_has_the_same_stamp_is_the_same(state: State) -> None:
    assert is_same(replace(state, stamp=(1, 2)), replace(state, stamp=(1, 2)))


_FILE = State("file", 0o644, (1, 1), 3, 5, (7, 9), "abc")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ABSENT, ABSENT, True),
        (_FILE, ABSENT, False),
        (ABSENT, State("file"), False),
        (_FILE, replace(_FILE, stamp=(8, 9)), True),
        (_FILE, replace(_FILE, stamp=(8, 9), object="abd"), False),
        (_FILE, replace(_FILE, stamp=(8, 9), mode=0o755), False),
        (_FILE, replace(_FILE, stamp=(8, 9), attributes=(("user.a", ""),)), False),
        (_FILE, replace(_FILE, stamp=(8, 9), object=""), False),
        (replace(_FILE, unsaved="x", object=""), replace(_FILE, stamp=(8, 9)), False),
        # Only metadata were asked for: only they tell.
        (replace(_FILE, object=""), replace(_FILE, stamp=(8, 9)), True),
        (replace(_FILE, object=""), replace(_FILE, stamp=(8, 9), written=6), False),
        (replace(_FILE, meaning="m"), replace(_FILE, stamp=(8, 9), object="x", meaning="m"), True),
        (replace(_FILE, meaning="m"), replace(_FILE, stamp=(8, 9), object="x", meaning="n"), False),
        (State("link", target="a"), State("link", target="a"), True),
        (State("link", target="a"), State("link", target="b"), False),
        (State("folder", 0o755), State("folder", 0o755, stamp=(1, 1)), True),
        (State("folder", 0o755), State("folder", 0o700), False),
        (State("other"), State("other"), False),
    ],
)
def test_comparing(one: State, other: State, same: bool) -> None:
    assert is_same(one, other) is same
