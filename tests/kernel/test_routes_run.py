"""Every route really starts the program where no rule is in its way.

Without this, a test that finds a program refused by all routes might only have found routes that
lead nowhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from compiling import build
from route import PATH, Forbidden
from routes import FORBIDDEN, POLICY, ROUTES, list_routes, run_route
from walled import KINDS, Walled, stand_up, tear_down

from cash.policy.load import Layer, load_policy

pytestmark = pytest.mark.kernel


def test_there_are_many_routes() -> None:
    assert len(ROUTES) >= 60


def test_the_rule_for_them_loads(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    load_policy([Layer("test", (tmp_path / "p.yaml",))])


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_runs_the_program_once(walled: Walled, name: str) -> None:
    result = run_route(walled, ROUTES[name])
    assert result.out.count(FORBIDDEN.proof) == 1, (result.out, result.err)


@pytest.fixture(scope="module")
def refuser() -> Iterator[tuple[Walled, Forbidden]]:
    """Walls in which a program stands that says what a keeper would say in another's place."""
    walled = stand_up(KINDS[0])
    folder = walled.view.tree / "refuser"
    folder.mkdir()
    path = shutil.copy(build("launchers/refuse.c"), folder / "refuse")
    if os.geteuid() == 0:
        for made in (folder, path):
            os.chown(made, *walled.view.owner)
    yield walled, Forbidden(os.fspath(path), "--version", "polis: denied by no-shredding")
    tear_down(walled)


def test_a_reason_on_stderr_is_heard(refuser: tuple[Walled, Forbidden]) -> None:
    walled, forbidden = refuser
    # By its name it is found first.
    environment = {"PATH": f"{os.path.dirname(forbidden.path)}:{PATH}"}
    routes = list_routes(forbidden)
    heard = {
        name: run_route(walled, route, environment).err.count(forbidden.proof)
        for name, route in routes.items()
    }
    assert heard == {name: int(route.heard) for name, route in routes.items()}
    assert len(heard) >= 60
