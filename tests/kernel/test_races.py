"""Nobody can show one program and run another: while a second thread, the parent or another
process changes what an exec names, what is judged is what will run.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from governed import Governed, governing
from racing import POLICY, RACES, race
from walled import KINDS

pytestmark = pytest.mark.kernel

_ATTEMPTS = 120
# Two threads of one process: who looks before the kernel does has always lost this one.
_DECISIVE = (("path", "thread"), ("argument", "thread"))
_MANY = 1000


@pytest.fixture(scope="module", params=[kind for kind in KINDS if kind != "owner"])
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls in which what the racers turn to is forbidden."""
    with governing(request.param, POLICY) as made:
        yield made


@pytest.mark.parametrize(("what", "how"), RACES)
def test_nothing_forbidden_ever_runs(governed: Governed, what: str, how: str) -> None:
    attempts = _MANY if (what, how) in _DECISIVE else _ATTEMPTS
    governed.refused.clear()
    counts = race(governed.walled, what, how, attempts)
    assert counts.forbidden == 0, counts
    assert counts.killed == 0, counts
    # It was a race: both ends were reached, and whoever lost it was told so.
    assert counts.permitted > attempts / 20, counts
    assert counts.refused > attempts / 20, counts
    assert counts.refused == len(governed.refused), counts
