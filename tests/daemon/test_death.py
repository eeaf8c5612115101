"""Each of polis' own processes is killed while a command runs: nothing is lost, nothing hangs."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

from desk import Desk
from running import finish, kill, kill_pids, start, until


def test_a_killed_polisd_loses_no_command_and_no_event(desk: Desk) -> None:
    running = start(desk, "echo began > began; sleep 2; echo done > done; exit 5")
    until((desk.tree / "began").exists)
    kill(desk, "-m cash.daemon")
    assert finish(running) == 5
    assert (desk.tree / "done").exists()
    assert desk.line("true").status == 0  # a new polisd is there
    until(lambda: any(entry["body"]["status"] == 5 for entry in desk.log("ran")))
    (line,) = [e for e in desk.log("line") if "sleep 2" in e["body"]["line"]]
    (ran,) = [e for e in desk.log("ran") if e["body"]["status"] == 5]
    assert line["body"]["id"] == ran["body"]["id"]
    assert desk.polis("log", "verify").status == 0


def test_a_killed_polisd_in_front_of_a_question_refuses(desk: Desk) -> None:
    desk.polis("config", "set", "ask-seconds", "60")
    asking = start(desk, "git reset --hard -q")
    until(lambda: desk.polis("approvals", "list").out.startswith("q1"))
    kill(desk, "-m cash.daemon")
    _, err = asking.communicate(timeout=20)
    assert asking.returncode == 125
    assert err.startswith(b"polis: ")


def test_a_killed_parser_costs_nothing(desk: Desk) -> None:
    assert desk.line("true").status == 0
    (polisd,) = desk.pids("-m cash.daemon")
    (parser,) = [
        child
        for child in desk.children(polisd)
        if b"cash.syntax.parser" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    process = os.pidfd_open(parser)
    os.kill(parser, signal.SIGKILL)
    select.select([process], [], [], 10)  # it is dead, and nobody was asking
    os.close(process)
    assert desk.line("echo back").out == "back\n"


def test_a_killed_zygote_is_replaced(desk: Desk) -> None:
    running = start(desk, "echo began > began; sleep 1; exit 4")
    until((desk.tree / "began").exists)
    os.kill(desk.zygote, signal.SIGKILL)
    assert finish(running) == 4
    assert desk.polis("agents", "add", "bob").status == 0
    assert desk.polis("exec", "bob", "--", "true").status == 0


def test_a_killed_keeper_is_replaced_and_the_work_goes_on(desk: Desk) -> None:
    line = "for i in $(seq 60); do touch made-$i; sleep 0.02; done; exit 5"
    running = start(desk, f"echo began > began; bash -c '{line}'")
    until((desk.tree / "began").exists)
    for number in range(5):
        until((desk.tree / f"made-{10 * number + 1}").exists)
        os.kill(desk.keeper, signal.SIGKILL)
    assert finish(running) == 5
    until(lambda: len(desk.log("keeper-replaced")) == 5)
    replaced = [entry["body"]["died"] for entry in desk.log("keeper-replaced")]
    # What was being judged just then died, and nothing else.
    touches = [argv for one in replaced for argv in one if argv[0].endswith("touch")]
    missing = {f"made-{one}" for one in range(1, 61)} - set(os.listdir(desk.tree))
    # Of one that was just seized the words were not read yet.
    unread = sum(len(argv) == 1 for argv in touches)
    assert len(missing - {argv[1] for argv in touches if len(argv) > 1}) <= unread
    assert not desk.log("lost")
    assert desk.line("echo again").out == "again\n"
    assert desk.line("make -f - <<< 'a: ; rm -rf ~'").status != 0
    assert desk.polis("log", "verify").status == 0
    assert desk.polis("down").status == 0
    until(lambda: not desk.pids("cash."))


def test_a_keeper_of_an_earlier_polisd_is_replaced_too(desk: Desk) -> None:
    running = start(desk, "echo began > began; sleep 2; echo done > done; exit 6")
    until((desk.tree / "began").exists)
    keeper = desk.keeper
    kill(desk, "-m cash.daemon")
    assert desk.line("true").status == 0
    os.kill(keeper, signal.SIGKILL)
    assert finish(running) == 6
    assert (desk.tree / "done").exists()
    until(lambda: len(desk.log("keeper-replaced")) == 1)


def test_what_waits_for_a_person_ends_with_its_keeper_and_says_so(desk: Desk) -> None:
    desk.polis("config", "set", "ask-seconds", "60")
    (desk.tree / "Makefile").write_text("a: ; git reset --hard -q\n")
    running = start(desk, "make -s")
    until(lambda: desk.polis("approvals", "list").out.startswith("q1"))
    os.kill(desk.keeper, signal.SIGKILL)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 2
    assert b"polis: its keeper was killed; the question stays open\nhint: polis approvals" in err
    # It can be answered still, for when it is.
    assert ", waiting" not in desk.polis("approvals", "list").out
    assert desk.polis("approvals", "allow", "q1").status == 0
    assert desk.line("make -s").status == 0


def test_a_keeper_killed_with_polisd_takes_its_commands_along(desk: Desk) -> None:
    running = start(desk, "echo began > began; sleep 60")
    until((desk.tree / "began").exists)
    keeper = desk.keeper
    kill(desk, "-m cash.daemon")
    kill_pids([keeper])
    running.communicate(timeout=20)
    assert running.returncode in (125, 137)
    assert desk.line("echo again").out == "again\n"
    assert not desk.pids("sleep 60")


def test_stopping_ends_everything_inside(desk: Desk) -> None:
    running = start(desk, "setsid sleep 61 & sleep 62")
    until(lambda: bool(desk.pids("sleep 62")))
    assert desk.polis("down").status == 0
    running.communicate(timeout=20)
    until(lambda: not desk.pids("sleep 61") and not desk.pids("sleep 62"))
    until(lambda: not desk.pids("cash."))


def test_an_agent_that_holds_its_import_up_is_stopped_all_the_same(desk: Desk) -> None:
    directory = desk.folder_of("alice") / "git"
    assert desk.line("mkfifo $(git rev-parse --git-dir)/refs/heads/pipe").status == 0
    assert (directory / "refs/heads/pipe").is_fifo()
    until(lambda: bool(desk.pids("upload-pack")))
    stopped = desk.polis("agents", "stop", "alice", timeout=60)
    assert stopped.status == 0, stopped.err
    until(lambda: not desk.pids("upload-pack"))
    assert desk.polis("agents", "remove", "alice", "--force", timeout=60).status == 0


def test_two_first_commands_at_once_share_one_polisd(desk: Desk) -> None:
    assert desk.polis("down").status == 0
    both = [start(desk, f"echo {number}") for number in range(4)]
    outs = sorted(one.communicate(timeout=60)[0] for one in both)
    assert outs == [b"0\n", b"1\n", b"2\n", b"3\n"]
    assert len(desk.pids("-m cash.daemon")) == 1


def test_a_polisd_whose_folder_is_gone_takes_its_walls_down(desk: Desk) -> None:
    """As at a log-out, which removes the session's folder first."""
    running = start(desk, "echo began > began; sleep 60")
    until((desk.tree / "began").exists)
    (polisd,) = desk.pids("-m cash.daemon")
    (socket,) = desk.installation.folder.glob("run/**/polisd.sock")
    socket.unlink()
    os.kill(polisd, signal.SIGTERM)
    assert finish(running) == 137
    until(lambda: not desk.pids("cash.keeper"))
