"""What polisd makes of a keeper that is killed in the middle of something."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from desk import Desk
from running import finish, kill_pids, start, until


def test_an_order_that_a_killed_keeper_had_not_read_is_over(desk: Desk) -> None:
    assert desk.line("true").status == 0
    keeper = desk.keeper
    os.kill(keeper, signal.SIGSTOP)
    running = start(desk, "echo never > ran")
    time.sleep(1.5)
    assert running.poll() is None
    kill_pids([keeper])
    assert finish(running) == 125
    until(lambda: len(desk.log("keeper-replaced")) == 1)
    until(lambda: "running" not in desk.polis("agents", "list").out, 5)
    assert desk.line("echo again").out == "again\n"
    assert not (desk.tree / "ran").exists()


def test_a_killed_zygote_costs_nothing_until_it_is_wanted(desk: Desk) -> None:
    assert desk.line("true").status == 0
    (polisd,) = desk.pids("-m cash.daemon")
    keeper = desk.keeper
    kill_pids([desk.zygote])
    time.sleep(0.5)
    before = _seconds(polisd)
    time.sleep(1.0)
    assert _seconds(polisd) - before < 0.3
    kill_pids([keeper])
    assert desk.line("echo again").out == "again\n"
    until(lambda: len(desk.log("keeper-replaced")) == 1)


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_nobody_is_asked_for_an_exec_that_died_with_its_keeper(desk: Desk) -> None:
    desk.polis("config", "set", "ask-seconds", "60")
    script = "echo > up\nuntil [ -e go ]; do sleep 0.1; done\ngit reset --hard -q\n"
    (desk.tree / "x.sh").write_text(script)
    running = start(desk, "bash x.sh")
    until((desk.tree / "up").exists)
    (polisd,) = desk.pids("-m cash.daemon")
    keeper = desk.keeper
    os.kill(polisd, signal.SIGSTOP)
    (desk.tree / "go").touch()
    time.sleep(1.5)  # it has asked, and is killed before it is heard
    kill_pids([keeper])
    os.kill(polisd, signal.SIGCONT)
    assert finish(running) == 137
    until(lambda: len(desk.log("keeper-replaced")) == 1)
    assert ["git", "reset", "--hard", "-q"] in desk.log("keeper-replaced")[0]["body"]["died"]
    assert ", waiting" not in desk.polis("approvals", "list").out
