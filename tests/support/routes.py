"""The ways by which an agent may start one forbidden program.

    @pytest.mark.parametrize("name", ROUTES)
    def test_…(walled: Walled, name: str) -> None:
        result = run_route(walled, ROUTES[name])

No route says which walls or rules it meets: tests/kernel/test_routes_run.py shows that each
reaches the program where nothing is in the way.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from route import Forbidden, Route, place
from route_tables import files, git, languages, native, packages, shells, tools, wrappers
from walled import Result, Walled

# GNU's shred names itself when asked, and only when asked does it do no harm.
FORBIDDEN = Forbidden("/usr/bin/shred", "--version", "shred (GNU coreutils)")

# The shipped rule lets `shred --version` pass; this one knows the program and nothing else.
POLICY = """\
version: 1
rules:
  - id: no-shredding
    program: shred
    decide: deny
    reason: What is shredded cannot come back.
    hint: git rm FILE
    examples:
      deny: [shred --version, /usr/bin/shred x, sh -c 'shred --version']
      pass: [echo shred]
"""

_FAMILIES = (shells, wrappers, languages, git, tools, packages, files, native)


def list_routes(forbidden: Forbidden = FORBIDDEN) -> dict[str, Route]:
    """Every route that this machine has the programs for, by name."""
    routes: dict[str, Route] = {}
    for family in _FAMILIES:
        for name, route in family.list_routes(forbidden).items():
            assert name not in routes, name
            if route.is_possible:
                routes[name] = route
    return routes


ROUTES = list_routes()


def run_route(walled: Walled, route: Route, environment: Mapping[str, str] | None = None) -> Result:
    """Runs a route in a new folder of the agent's tree, and removes what it made."""
    folder = Path(tempfile.mkdtemp(prefix="route-", dir=walled.view.tree))
    try:
        place(route, folder, walled.view.owner)
        return walled.run(*route.argv, cwd=os.fspath(folder), environment=environment)
    finally:
        shutil.rmtree(folder)
