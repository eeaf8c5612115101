"""The results as a table for people, between two markers of docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_BEGIN = "<!-- figures: begin (written by make bench) -->"
_END = "<!-- figures: end -->"
_SPREAD = ("median", "p10", "p90")


def write_table(page: Path, results: Mapping[str, Any]) -> None:
    """Replaces what stands between the markers."""
    text = page.read_text()
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    body = "\n".join(_lines(results))
    page.write_text(f"{before}{_BEGIN}\n{body}\n{_END}{after}")


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    where = f"{machine['cores']} cores, Linux {machine['kernel']}, Python {machine['python']}"
    yield f"Measured on {where}, {results['time'][:10]}."
    for row in results["rows"]:
        yield ""
        yield f"### {row['title']}"
        yield ""
        yield from _columns(
            ("", *_SPREAD, "turns"),
            [
                (name, *(_shown(found, key) for key in _SPREAD), str(found["turns"]))
                for name, found in row["figures"].items()
            ],
        )
        yield ""
        yield from _columns(
            ("budget", "measured", "kept"),
            [
                (
                    f"{budget['what']} ≤ {budget['most']:g} {budget['unit']}",
                    f"{budget['value']:.3g} {budget['unit']}",
                    "yes" if budget["kept"] else "**no**",
                )
                for budget in row["budgets"]
            ],
        )
        for note in row["notes"]:
            yield ""
            yield note


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _shown(figures: Mapping[str, Any], key: str) -> str:
    return show(figures[key], figures["unit"])


def show(value: float, unit: str = "s") -> str:
    """A figure as it reads best."""
    return _show_seconds(value) if unit == "s" else f"{value:.1f} {unit}"


def _show_seconds(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 0.001:
        return f"{seconds * 1000:.2f} ms"
    return f"{seconds * 1e6:.1f} µs"
