"""A policy is swapped while a verdict is under way: each exec is judged by one or the other, and
what the old one allowed is nothing to the new one."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import pytest
from walled import Walled, anything_goes

from cash.keeper.link import ExecVerdict

pytestmark = pytest.mark.kernel


def test_a_verdict_of_the_old_policy_is_not_remembered_by_the_new(fragile: Walled) -> None:
    asking = replace(anything_goes(fragile.view), informed=frozenset(("date",)))
    fragile.link.enforce(asking)
    held: list[dict[str, Any]] = []

    def judge(question: dict[str, Any]) -> ExecVerdict | None:
        if question["argv"] != ["/bin/date"]:
            return ExecVerdict("allow")
        held.append(question)
        return None

    fragile.judge = judge
    out = os.memfd_create("out")
    client = fragile.start("sh", "-c", "/bin/date; /bin/date", descriptors={1: out})
    _wait_for(held, 1)
    fragile.link.enforce(asking)
    allowed = ExecVerdict("allow", keep=True)
    fragile.link.settle(held[0]["number"], allowed)
    _wait_for(held, 2)  # the second was asked about again
    fragile.link.settle(held[1]["number"], allowed)
    assert fragile.finish(client)[-1][1] == b"0"
    os.close(out)
    # Under one policy it is remembered.
    assert fragile.run("sh", "-c", "/bin/date; /bin/date").status == 0
    assert len(held) == 2


def _wait_for(held: list[dict[str, Any]], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(held) < count:
        assert time.monotonic() < deadline, held
        time.sleep(0.005)
