"""What rows do before they measure, and when they cannot."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def checkout_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """`bench` is no part of the installed package; make bench runs it from the checkout."""
    monkeypatch.syspath_prepend(str(_CHECKOUT))
    monkeypatch.delitem(sys.modules, "bench", raising=False)


def _home(folder: Path, **programs: str) -> SimpleNamespace:
    """A home whose PATH has these shell scripts first."""
    tools = folder / "tools"
    for made in (tools, folder / "bare", folder / "tree"):
        made.mkdir()
    for name, text in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    return SimpleNamespace(
        bare=folder / "bare", tree=folder / "tree", bare_environment={"PATH": path}
    )


def test_a_registry_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    fetched = importlib.import_module("bench.fetched")
    home = _home(tmp_path, npm="echo 'npm error ENOTFOUND'; echo '  at x.js' >&2; exit 1")
    with pytest.raises(fetched.Unready) as told:
        fetched.fetch_configure(home)
    assert str(told.value) == (
        "npm pack --silent --ignore-scripts gifsicle@5.3.0 failed (is the npm registry there?): "
        "npm error ENOTFOUND"
    )


def test_a_source_that_is_another_one_is_not_configured(tmp_path: Path) -> None:
    fetched = importlib.import_module("bench.fetched")
    home = _home(tmp_path, npm="echo other > gifsicle-5.3.0.tgz")
    with pytest.raises(fetched.Unready, match="is not the one known here"):
        fetched.fetch_configure(home)


def test_a_row_that_cannot_be_measured_says_why_and_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = importlib.import_module("bench.__main__")

    def measure(_home: object, _rounds: int) -> None:
        raise program.Unready("no registry")

    monkeypatch.setitem(program.ROWS, "exec", measure)
    assert program._measure("exec", None, 1) is None
    assert capsys.readouterr().err == "bench: exec is not measured: no registry\n"


def test_memory_counts_a_process_and_all_below_it() -> None:
    memory = importlib.import_module("bench.rows.memory")
    script = "sleep 60 & echo; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as shell:
        assert shell.stdout
        shell.stdout.readline()
        family = list(memory._family(shell.pid))
        assert shell.pid in memory._children(os.getpid())
        (sleep,) = family[1:]
        assert all(0 < memory._pss(pid) < 20 for pid in family)
        os.kill(sleep, 15)


def test_a_process_that_is_started_shows() -> None:
    sessions = importlib.import_module("bench.rows.sessions")
    before = sessions._started(os.getpid())
    assert sessions._started(os.getpid()) == before
    with subprocess.Popen(["sleep", "60"]) as sleep:
        assert sessions._started(os.getpid()) != before
        sleep.kill()
    assert sessions._started(os.getpid()) != before


def test_a_line_that_fails_is_no_figure(tmp_path: Path) -> None:
    sides = importlib.import_module("bench.sides")
    assert sides.timed(["true"], tmp_path, os.environ)() > 0
    with pytest.raises(RuntimeError, match="false ended with 1"):
        sides.timed(["false"], tmp_path, os.environ)()


def test_the_rate_of_a_slow_turn_is_the_low_one() -> None:
    together = importlib.import_module("bench.rows.together")
    measure = importlib.import_module("bench.measure")
    took = measure.Figures(median=2.0, p10=1.0, p90=3.0, turns=5)
    assert together._per_second(took) == measure.Figures(150.0, 100.0, 300.0, 5, "/s")
