"""Times, durations and sizes for people."""

from __future__ import annotations

import time

import pytest

from cash.cli.measures import age, clock, duration, moment, size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.0004, "0.4 ms"),
        (0.0225, "22 ms"),
        (0.5, "0.5 s"),
        (1.54, "1.5 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (90, "2 min"),
        (7300, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (20e6, "20 MB"),
        (2**31, "2.1 GB"),
        (5e12, "5.0 TB"),
    ],
)
def test_sizes(count: float, said: str) -> None:
    assert size(count) == said


def test_times() -> None:
    now = time.time()
    assert clock(now) in moment(now)
    assert len(clock(now - 200_000)) == len("2026-11-21 10:00:00")
    assert age(now - 7300) == "2 h ago"
    assert age(now + 100) == "0 s ago"
