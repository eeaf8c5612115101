"""One forbidden program by every route there is: refused each time, said once, asked once.

What is judged here are execs alone: no shell's text is read, so nothing but the program itself
can have been refused.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from governed import Governed, governing
from routes import FORBIDDEN, POLICY, ROUTES, run_route
from walled import KINDS

pytestmark = pytest.mark.kernel

_DENIED = "polis: denied by no-shredding: What is shredded cannot come back.\n"
# watch goes on until what it sees changes.
_REPEATED = {"watch"}


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls in which the program is forbidden."""
    with governing(request.param, POLICY) as made:
        yield made


@pytest.mark.parametrize("name", ROUTES)
def test_no_route_leads_to_the_program(governed: Governed, name: str) -> None:
    governed.refused.clear()
    route = ROUTES[name]
    result = run_route(governed.walled, route)
    assert FORBIDDEN.proof not in result.out
    assert FORBIDDEN.proof not in result.err
    assert result.err.count(_DENIED) == int(route.heard), result.err
    times = len(governed.refused)
    assert times == 1 or (name in _REPEATED and times > 1), governed.refused
