"""A view as plain values, and what no view may say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.walls.view import FIRST_DEDICATED_ID, Mount, View, ids_for, pack_view, unpack_view

_VIEW = View(
    agent="alice",
    tree=Path("/srv/tree"),
    git_directory=Path("/srv/git"),
    git_file=Path("/srv/git-file"),
    hub_objects=Path("/hub/.git/objects"),
    home=Path("/srv/home"),
    home_inside=Path("/home/ada"),
    scratch=Path("/srv/scratch"),
    path="/usr/bin",
    owner=(1000, 1000),
    ids=(1000, 1000),
    mode="full",
)
_names = st.binary(min_size=1, max_size=20).map(
    lambda data: data.replace(b"\0", b"x").decode("utf-8", "surrogateescape")
)


@given(_names, st.lists(st.tuples(_names, st.none() | _names, st.booleans()), max_size=3))
def test_packing(name: str, extras: list[tuple[str, str | None, bool]]) -> None:
    mounts = tuple(
        Mount(Path("/", source), Path("/", target) if target else None, writable)
        for source, target, writable in extras
    )
    view = replace(_VIEW, tree=Path("/", name), mounts=mounts, environment=(("A", name),))
    assert unpack_view(pack_view(view)) == view
    view = replace(view, door=Path("/", name))
    assert unpack_view(pack_view(view)) == view


@pytest.mark.parametrize("ids", [(0, 0), (0, 1000), (1000, 0)])
def test_never_root_inside(ids: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="never uid or gid 0"):
        replace(_VIEW, ids=ids)


def test_no_other_ids_without_root() -> None:
    with pytest.raises(ValueError, match="owner's"):
        replace(_VIEW, mode="rootless", ids=(2000, 2000))


def test_dedicated_ids() -> None:
    assert ids_for((1000, 100)) == (1000, 100)
    assert ids_for((0, 0)) == (FIRST_DEDICATED_ID, FIRST_DEDICATED_ID)


def test_no_debugging_without_landlock() -> None:
    assert replace(_VIEW, debug=True).debug
    with pytest.raises(ValueError, match="Landlock"):
        replace(_VIEW, debug=True, landlock=False)
