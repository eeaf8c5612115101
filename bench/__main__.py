"""python -m bench [ROW…] [--rounds N]: measures, keeps the results, writes the table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.home import Home
from bench.measure import Row, Unready
from bench.rows import ROWS
from bench.table import show, write_table

_CHECKOUT = Path(__file__).parents[1]


def main() -> int:
    """0 when every row was measured and every budget kept, else 1."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="only these")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each subject [40]")
    parser.add_argument("--dry", action="store_true", help="print, but keep nothing")
    chosen = parser.parse_args()
    with Home(_CHECKOUT / ".bench") as home:
        rows = [_measure(name, home, chosen.rounds) for name in chosen.rows or ROWS]
    measured = [row for row in rows if row]
    # A table that lacks a row without a word would read as if there were none.
    if len(measured) == len(ROWS) and not chosen.dry and not chosen.rows:
        _write([row.describe() for row in measured])
    kept = all(budget.kept for row in measured for budget in row.budgets)
    return 0 if kept and len(measured) == len(rows) else 1


def _measure(name: str, home: Home, rounds: int) -> Row | None:
    """The row, told; None when it cannot be measured here, which is told too."""
    try:
        row = ROWS[name](home, rounds)
    except Unready as reason:
        print(f"bench: {name} is not measured: {reason}", file=sys.stderr, flush=True)
        return None
    _tell(row.describe())
    return row


def _write(rows: Sequence[Mapping[str, object]]) -> None:
    results = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {
            "cores": os.cpu_count(),
            "kernel": os.uname().release.partition("-")[0],
            "python": platform.python_version(),
        },
        "rows": rows,
    }
    folder = _CHECKOUT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / f"{time.strftime('%Y-%m-%d')}.json").write_text(text + "\n")
    write_table(_CHECKOUT / "docs" / "performance.md", results)


def _tell(row: Mapping[str, Any]) -> None:
    print(row["title"])
    for name, figures in row["figures"].items():
        median, p90 = (show(figures[key], figures["unit"]) for key in ("median", "p90"))
        print(f"  {name:<34} {median:>10}  (p90 {p90})")
    for budget in row["budgets"]:
        mark = "kept" if budget["kept"] else "NOT KEPT"
        print(f"  {mark}: {budget['what']}: {budget['value']:.3g} ≤ {budget['most']:g}")
    for note in row["notes"]:
        print(f"  {note}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
