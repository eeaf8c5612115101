"""What people have an agent do in a web project: install its packages, configure, build."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.answers import let_through
from bench.fetched import fetch_configure, fetch_web
from bench.home import Home
from bench.measure import Budget, Row, Turn, compare, ratio
from bench.sides import bare, inside

_INSTALL = "pnpm install --offline --frozen-lockfile --ignore-scripts"
_MOST = 1.5
_MOST_INSTALL = 1.3

_METHOD = (
    "pnpm installs offline, by links into a store that has all packages; gifsicle 1.92 is "
    "configured, below build/; rxjs 7.8.2 is compiled by tsc and bundled by rollup."
)


def measure_work(home: Home, rounds: int) -> Row:
    """A turn takes seconds, so there are few. Nothing is fetched while it is measured."""
    packages = fetch_web(home)
    fetch_configure(home)
    configure = "cd build/gifsicle && ./configure"
    asked = let_through(home, configure)
    few = max(3, rounds // 12)
    install, build = f"pnpm install, {packages} packages", "npm run build"
    figures = {
        **compare(_installing(home, install), few, warm=1),
        **compare(_sides(home, "./configure", configure), few, warm=1),
        **compare(_sides(home, build, f"cd web && {build}"), few, warm=1),
    }
    return Row(
        name="work",
        title="Packages installed, a configure, a build, beside the same bare",
        figures=figures,
        budgets=[
            Budget(name, ratio(figures, f"{name}, inside", f"{name}, bare"), most)
            for name, most in ((install, _MOST_INSTALL), ("./configure", _MOST), (build, _MOST))
        ],
        notes=[_METHOD, *_told(asked)],
    )


def _told(asked: list[str]) -> list[str]:
    return [f"The shipped rules ask about {', '.join(asked)}: allowed before."] if asked else []


def _sides(home: Home, name: str, line: str) -> dict[str, Turn]:
    return {f"{name}, inside": inside(home, line), f"{name}, bare": bare(home, line)}


def _installing(home: Home, name: str) -> Mapping[str, Turn]:
    line = f"cd web && {_INSTALL}"
    modules = home.bare / "web/node_modules"
    return {
        f"{name}, inside": _without(home.tree / "web/node_modules", inside(home, line)),
        f"{name}, bare": _without(modules, bare(home, line)),
    }


def _without(folder: Path, turn: Turn) -> Turn:
    """The turn, before which a folder is taken away."""

    def again() -> float:
        shutil.rmtree(folder, ignore_errors=True)
        return turn()

    return again
