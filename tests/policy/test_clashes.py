"""What `locks:` of policy files says of a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from cash.policy.clashes import Clash, clash_of
from cash.policy.layers import Layer
from cash.policy.load import load_policy
from cash.policy.paths import Ground

_GROUND = Ground("/home/user/project", "/home/user")
_POLICY = """\
version: 1
sets: {made: [dist/**, build/**]}
locks:
  - {paths: $made, clash: ignore}
  - {paths: ["*.md", dist/kept], clash: warn}
  - {paths: [$tree/shared/**, CHANGELOG.md], clash: lock}
rules:
  - id: a
    program: x
    decide: deny
    reason: r
    examples: {deny: [x]}
"""


@pytest.mark.parametrize(
    ("path", "clash"),
    [
        ("src/a", None),
        ("dist/a", "ignore"),
        ("sub/dist/a", "ignore"),
        ("README.md", "warn"),
        ("dist/README.md", "warn"),
        ("dist/kept", "warn"),
        ("CHANGELOG.md", "lock"),
        ("shared/dist/a", "lock"),
        ("sub/shared/a", None),
    ],
)
def test_the_strictest_entry_counts(tmp_path: Path, path: str, clash: Clash | None) -> None:
    (tmp_path / "p.yaml").write_text(_POLICY)
    policy = load_policy([Layer("test", (tmp_path / "p.yaml",))])
    assert clash_of(policy.clashes, f"/home/user/project/{path}", _GROUND) == clash


def test_who_is_not_trusted_only_tightens(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(_POLICY)
    policy = load_policy([Layer("test", (tmp_path / "p.yaml",), tighten_only=True)])
    for path, clash in (("README.md", None), ("shared/a", "lock")):
        assert clash_of(policy.clashes, f"/home/user/project/{path}", _GROUND) == clash
    assert len([note for note in policy.notes if "not trusted, so" in note]) == 2
