from __future__ import annotations

import pytest
from rules import actions

from cash.policy.action import Exec

T, H = "/home/user/project", "/home/user"


@pytest.mark.parametrize(
    ("line", "expected"),  # in the line's order of commands: nested texts come last
    [
        ("a; b", [T, T]),
        ("cd src && a", [T, f"{T}/src"]),
        ("cd ..; cd x; a", [T, H, f"{H}/x"]),
        ("cd; a", [T, H]),
        ("cd ~/x; a", [T, f"{H}/x"]),
        ("cd x; cd -; a", [T, f"{T}/x", T]),
        ("cd $X; a", [T, None]),
        ("X=/etc; cd $X; a", [T, T, "/etc"]),
        ("cd -P /etc; a", [T, "/etc"]),
        ("builtin cd ..; a", [T, H, T]),
        ("command -p cd /etc && a", [T, "/etc", T]),
        ("pushd /etc; a; popd; b", [T, "/etc", "/etc", None]),
        ("(cd x; a); b", [T, f"{T}/x", T]),
        ("(cd x); (a)", [T, T]),
        ("cd x; (cd y; a); b", [T, f"{T}/x", f"{T}/x/y", f"{T}/x"]),
        ("cd x | a; b", [T, T, T]),
        ("cd x; a | b", [T, f"{T}/x", f"{T}/x"]),
        ("cd x; echo $(cd y; a); b", [T, f"{T}/x", f"{T}/x", f"{T}/x/y", f"{T}/x"]),
        ("bash -c 'cd x; a'; b", [T, T, T, f"{T}/x"]),
        ("cd x; bash -c 'a'", [T, f"{T}/x", f"{T}/x"]),
        ("env -C /etc a; b", [T, T, "/etc"]),
        ("env --chdir=/etc a", [T, "/etc"]),
        ("env -C $X a", [T, None]),
    ],
)
def test_where_each_command_runs(line: str, expected: list[str | None]) -> None:
    found = [one.cwd for one in actions(line) if isinstance(one, Exec)]
    assert found == expected
