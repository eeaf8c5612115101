"""The benchmarks' own arithmetic: medians, ratios, budgets, the table."""

from __future__ import annotations

import importlib
import os
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def checkout_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """`bench` is no part of the installed package; make bench runs it from the checkout."""
    monkeypatch.syspath_prepend(str(_CHECKOUT))
    monkeypatch.delitem(sys.modules, "bench", raising=False)


def test_every_subject_takes_its_turns_and_the_first_do_not_count() -> None:
    measure = importlib.import_module("bench.measure")
    turns: Counter[str] = Counter()
    slow_start = {"a": iter([9.0, 9.0, *[1.0] * 5]), "b": iter([9.0, 9.0, *[2.0] * 5])}

    def turn(name: str) -> float:
        turns[name] += 1
        return next(slow_start[name])

    figures = measure.compare({"a": lambda: turn("a"), "b": lambda: turn("b")}, 5, warm=2)
    assert turns == {"a": 7, "b": 7}
    assert figures["a"] == measure.Figures(median=1.0, p10=1.0, p90=1.0, turns=5)
    assert measure.ratio(figures, "b", "a") == 2.0


def test_spread_is_of_the_ordered_series() -> None:
    measure = importlib.import_module("bench.measure")
    assert measure.summarise([float(n) for n in range(100, -1, -1)]) == measure.Figures(
        median=50.0, p10=10.0, p90=90.0, turns=101
    )


def test_a_budget_is_kept_up_to_its_limit() -> None:
    measure = importlib.import_module("bench.measure")
    assert measure.Budget("x", 3.0, 3).kept
    assert not measure.Budget("x", 3.01, 3).kept


def test_a_program_that_fails_is_no_figure() -> None:
    measure = importlib.import_module("bench.measure")
    assert 0 < measure.program(["true"], os.environ)() < 10
    with pytest.raises(RuntimeError, match="false ended with 1, not 0"):
        measure.program(["false"], os.environ)()


def test_no_two_lines_are_alike() -> None:
    lines = list(islice(importlib.import_module("bench.lines").new_lines(), 500))
    assert len(set(lines)) == len(lines)


def test_the_table_replaces_only_what_is_between_its_markers(tmp_path: Path) -> None:
    measure = importlib.import_module("bench.measure")
    table = importlib.import_module("bench.table")
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{table._BEGIN}\nold\n{table._END}\nafter\n")
    figures = measure.summarise([0.002])
    both = {"one": figures, "two": measure.summarise([12.34], "MB")}
    row = measure.Row("r", "A row", both, [measure.Budget("one", 4.0, 3)], ["note"])
    results = {
        "time": "2026-01-01T00:00:00Z",
        "machine": {"cores": 2, "kernel": "6.1", "python": "3.11"},
        "rows": [row.describe()],
    }
    for _ in range(2):
        table.write_table(page, results)
        text = page.read_text()
        assert text.startswith("before\n")
        assert text.endswith("\nafter\n")
        assert "old" not in text
        assert text.count("| one | 2.00 ms | 2.00 ms | 2.00 ms | 1 |") == 1
        assert "| two | 12.3 MB | 12.3 MB | 12.3 MB | 1 |" in text
        assert "| one ≤ 3 × | 4 × | **no** |" in text
