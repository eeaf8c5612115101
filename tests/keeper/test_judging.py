"""What rules say of a path is remembered by a keeper, for each way to change it by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from cash.keeper.judging import Judging, Snapshot
from cash.policy.action import WriteKind
from cash.policy.context import Context
from cash.policy.layers import Layer
from cash.policy.load import read_policy

_POLICY = """\
version: 1
rules:
- id: keep-these
  on: write
  kind: delete
  path: $tree/kept/**
  decide: deny
  reason: They stay.
  examples: {deny: [rm kept/a], pass: [rm other]}
- id: not-so-many
  on: write
  kind: delete
  more_than: 3
  path: $tree/**
  decide: ask
  reason: Many at once.
  examples: {pass: [rm a]}
"""


@pytest.fixture
def judging(tmp_path: Path) -> Judging:
    file = tmp_path / "policy.yaml"
    file.write_text(_POLICY)
    policy = read_policy((Layer("test", (file,)),)).policy
    return Judging(Snapshot(policy, Context(tree="/tree", home="/home/a", cwd="/tree")))


def test_each_way_to_change_a_file_is_judged_by_itself(judging: Judging) -> None:
    ways: list[WriteKind] = ["overwrite", "delete", "metadata", "delete", "overwrite"]
    said = [judging.allows_write("/tree/kept/a", way) for way in ways]
    assert said == [True, False, True, False, True]
    assert [judging.is_counted("/tree/b", way) for way in ways] == [False, True, False, True, False]
    assert judging.allows_write("/tree/b", "delete")


def test_it_says_the_same_of_a_thousandth_file(judging: Judging) -> None:
    for number in range(3000):
        assert judging.allows_write(f"/tree/a{number}", "delete")
        assert not judging.allows_write(f"/tree/kept/a{number}", "delete")
    assert not judging.allows_write("/tree/kept/a0", "delete")
    assert not judging.allows_write("/tree/kept/" + "a" * 500, "delete")
