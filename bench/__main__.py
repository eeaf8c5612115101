"""python -m bench [ROW…] [--rounds N]: measures, keeps the results, writes the table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from bench.home import Home
from bench.rows import ROWS
from bench.table import show, write_table

_CHECKOUT = Path(__file__).parents[1]


def main() -> int:
    """0 when every budget was kept, else 1."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="only these")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each subject [40]")
    parser.add_argument("--dry", action="store_true", help="print, but keep nothing")
    chosen = parser.parse_args()
    results = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {
            "cores": os.cpu_count(),
            "kernel": os.uname().release.partition("-")[0],
            "python": platform.python_version(),
        },
        "rows": [],
    }
    kept = True
    with Home(_CHECKOUT / ".bench") as home:
        for name in chosen.rows or ROWS:
            row = ROWS[name](home, chosen.rounds)
            results["rows"].append(row.describe())
            kept = kept and all(budget.kept for budget in row.budgets)
            _tell(row.describe())
    if not chosen.dry and not chosen.rows:
        folder = _CHECKOUT / "bench" / "results"
        folder.mkdir(exist_ok=True)
        text = json.dumps(results, indent=1, ensure_ascii=False)
        (folder / f"{time.strftime('%Y-%m-%d')}.json").write_text(text + "\n")
        write_table(_CHECKOUT / "docs" / "performance.md", results)
    return 0 if kept else 1


def _tell(row: dict[str, object]) -> None:
    print(row["title"])
    for name, figures in row["figures"].items():
        print(f"  {name:<34} {show(figures['median']):>10}  (p90 {show(figures['p90'])})")
    for budget in row["budgets"]:
        mark = "kept" if budget["kept"] else "NOT KEPT"
        print(f"  {mark}: {budget['what']}: {budget['value']:.3g} ≤ {budget['most']:g}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
