"""What a watch holds of what lines foretell is bounded: it is an agent that writes them."""

from __future__ import annotations

from cash.keeper.estate import Will
from cash.keeper.messages import Kept, Message
from cash.keeper.recorder import Recorder
from cash.keeper.watch import Watch


def test_what_is_foretold_is_bounded_by_its_size() -> None:
    told: list[Message] = []
    watch = Watch("a", -1, Recorder(), Will(told.append, lambda: True), 0)
    for number in range(500):
        argv, name = (b"echo", b"%d" % number + b"x" * 100_000), b"%d" % number + b"n" * 10_000
        watch.predict([argv], [name])
    size = sum(len(repr(one.values)) for one in told if isinstance(one, Kept))
    assert size < 8 << 20
