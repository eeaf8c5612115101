"""One command at a time: the perl client, and the Python client where perl stands aside."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from screen import Terminal
from shop import Shop, Sit

from cash import wire
from cash.daemon.client import call, connect
from cash.places import find_places

pytestmark = pytest.mark.kernel

_PYTHON = (
    "import os, sys\n"
    "from cash.places import find_places\n"
    "from cash.shell.client import run\n"
    "mode, *words = map(os.fsencode, sys.argv[1:])\n"
    "raise SystemExit(run(find_places(os.environ), 'alice', mode.decode(), words))\n"
)
Client = Callable[..., list[str]]


@pytest.fixture(params=["perl", "python"])
def client(request: pytest.FixtureRequest) -> Client:
    """The argv that runs a command as alice: client("argv", "echo", "hi"), client("line", "…")."""

    def words(mode: str, *arguments: str) -> list[str]:
        if request.param == "python":
            return [sys.executable, "-c", _PYTHON, mode, *arguments]
        if mode == "argv":
            return ["polis", "exec", "alice", "--", *arguments]
        return ["polis", "shell", "alice", "-c", *arguments]

    return words


Running = subprocess.Popen[bytes]
Start = Callable[..., Running]


@pytest.fixture
def start(shop: Shop) -> Iterator[Start]:
    """Starts an argv with pipes; what still runs at the end is killed."""
    with ExitStack() as held:

        def open_process(argv: list[str], **how: Any) -> Running:
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            running = subprocess.Popen(
                argv, cwd=shop.repository, env=shop.environment, **{**pipes, **how}
            )
            held.enter_context(running)
            held.callback(running.kill)
            return running

        yield open_process


def wait_for_line(running: Running, line: bytes) -> None:
    assert running.stdout is not None
    assert running.stdout.readline() == line


def test_input_output_error_and_status_are_the_commands_own(
    shop: Shop, client: Client, start: Start
) -> None:
    argv = client("line", 'cat; echo "err $0" >&2; pwd; exit 7')
    ran = shop.installation.run(*argv, input=b"in\n", cwd=shop.tree)
    assert (ran.status, ran.out, ran.err) == (7, f"in\n{shop.tree}\n", "err /bin/bash\n")


def test_argv_is_passed_on_byte_for_byte(shop: Shop, client: Client) -> None:
    argv = client("argv", "printf", "<%s>", "a b", "", "*", "$x", "new\nline", "-n")
    raw = [*map(os.fsencode, argv), b"caf\xe9"]
    ended = subprocess.run(
        raw,
        cwd=shop.repository,
        env=shop.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout == b"<a b><><*><$x><new\nline><-n><caf\xe9>"


def test_a_refusal_is_two_lines_and_126(shop: Shop, client: Client) -> None:
    argv = client("line", "echo hi > ok.txt; rm -rf /")
    ran = shop.installation.run(*argv, cwd=shop.repository)
    assert (ran.status, ran.out) == (126, "")
    assert re.fullmatch(r"polis: denied by [a-z-]+: .+\nhint: .+\n", ran.err)
    assert not (shop.tree / "ok.txt").exists()


@pytest.mark.parametrize(
    ("number", "line", "status", "output"),
    [
        (signal.SIGINT, "echo up; sleep 60", -2, b""),
        (signal.SIGTERM, "echo up; sleep 60", -15, b""),
        (signal.SIGHUP, "echo up; sleep 60", -1, b""),
        (
            signal.SIGINT,
            "trap 'echo got; exit 5' INT; echo up; while :; do :; done",
            5,
            b"got\n",
        ),
        (
            signal.SIGQUIT,
            "trap 'echo got; exit 5' QUIT; echo up; while :; do :; done",
            5,
            b"got\n",
        ),
        (
            signal.SIGUSR1,
            "trap 'echo got; exit 5' USR1; echo up; while :; do :; done",
            5,
            b"got\n",
        ),
        (
            signal.SIGUSR2,
            "trap 'echo got; exit 5' USR2; echo up; while :; do :; done",
            5,
            b"got\n",
        ),
    ],
)
def test_signals_reach_the_command(
    shop: Shop,
    client: Client,
    start: Start,
    number: signal.Signals,
    line: str,
    status: int,
    output: bytes,
) -> None:
    running = start(client("line", line))
    wait_for_line(running, b"up\n")
    running.send_signal(number)
    out, _ = running.communicate(timeout=20)  # bash may name on stderr what else the signal hit
    assert (running.returncode, out) == (status, output)


def test_a_signal_the_caller_ignores_is_not_forwarded(
    shop: Shop, client: Client, start: Start
) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    running = start(client("line", "echo up; sleep 0.5; echo on"), preexec_fn=ignore)
    wait_for_line(running, b"up\n")
    running.send_signal(signal.SIGINT)
    assert running.communicate(timeout=20)[0] == b"on\n"
    assert running.returncode == 0


def test_it_stops_and_goes_on_with_the_command(shop: Shop, client: Client, start: Start) -> None:
    running = start(client("line", "for i in $(seq 40); do echo $i; sleep 0.05; done"))
    wait_for_line(running, b"1\n")
    assert running.stdout is not None
    running.send_signal(signal.SIGTSTP)
    deadline = time.monotonic() + 5
    while state_of(running.pid) != "T" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert state_of(running.pid) == "T"
    time.sleep(0.2)
    os.set_blocking(running.stdout.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        os.read(running.stdout.fileno(), 4096)
    time.sleep(0.4)
    with pytest.raises(BlockingIOError):
        os.read(running.stdout.fileno(), 4096)
    os.set_blocking(running.stdout.fileno(), True)
    running.send_signal(signal.SIGCONT)
    assert running.communicate(timeout=20)[0].endswith(b"39\n40\n")


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_killed_client_hangs_its_command_up(shop: Shop, client: Client, start: Start) -> None:
    mark = shop.tree / f"hung-up-{os.getpid()}-{len(client('argv'))}"
    running = start(
        client("line", f"trap 'touch {mark}; exit' HUP; echo up; sleep 60 >&- 2>&- & wait")
    )
    wait_for_line(running, b"up\n")
    running.kill()
    running.communicate()
    deadline = time.monotonic() + 10
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert mark.exists()


def test_a_reader_that_leaves_ends_the_command_as_in_bash(
    shop: Shop, client: Client, start: Start
) -> None:
    script = f"{shlex.join(client('line', 'yes'))} | head -1; echo ${{PIPESTATUS[0]}}"
    ran = shop.installation.run("bash", "-c", script, cwd=shop.repository)
    assert (ran.out, ran.err) == (f"y\n{128 + signal.SIGPIPE}\n", "")


@pytest.mark.parametrize("words", ["polis exec alice -- cat", "polis shell alice -c cat"])
def test_closed_descriptors_stay_closed(shop: Shop, words: str) -> None:
    run = shop.installation.run
    script = f"{words.replace('cat', 'echo x')} >&- </dev/null; echo $?"
    ran = run("sh", "-c", script.replace("-c echo x", "-c 'echo x'"), cwd=shop.repository)
    assert ran.out == "1\n"
    assert "rite error: Bad file descriptor" in ran.err
    ran = run("sh", "-c", f"{words} <&-; echo $?", cwd=shop.repository)
    assert ran.out == "1\n"
    assert "Bad file descriptor" in ran.err
    ran = run("sh", "-c", f"{words} 2>&- </dev/null; echo $?", cwd=shop.repository)
    assert (ran.out, ran.err) == ("0\n", "")


def test_cash_finds_its_agent(shop: Shop) -> None:
    run = shop.installation.run
    line = "echo $POLIS_AGENT"
    assert run("cash", "-c", line, cwd=shop.tree).out == "alice\n"
    named = run("cash", "-c", line, cwd=shop.repository, environment={"POLIS_AGENT": "bob"})
    assert named.out == "bob\n"
    lost = run("cash", "-c", line, cwd=shop.repository)
    assert lost.status == 64
    assert lost.err.startswith("polis: ")
    assert run("cash", "-c", 'echo "$0:$1"', "name", "one", cwd=shop.tree).out == "name:one\n"


def test_a_long_line_and_much_data_pass(shop: Shop, client: Client) -> None:
    text = "x" * 40_000
    ran = shop.installation.run(*client("line", f"echo {text}"), cwd=shop.repository)
    assert (ran.status, ran.out) == (0, text + "\n")
    data = os.urandom(1 << 20)
    ended = subprocess.run(
        client("argv", "cat"),
        cwd=shop.repository,
        env=shop.environment,
        input=data,
        capture_output=True,
        timeout=60,
    )
    assert ended.stdout == data


def test_a_command_outlives_polisd_and_the_next_one_starts_it(
    shop: Shop, client: Client, start: Start
) -> None:
    running = start(client("line", "echo up; read -r word; echo $word; exit 3"))
    wait_for_line(running, b"up\n")
    places = find_places(shop.environment)
    os.kill(call(places, "ping", start=False)["pid"], signal.SIGKILL)
    time.sleep(0.2)
    out, err = running.communicate(b"still here\n", timeout=20)
    assert (running.returncode, out, err) == (3, b"still here\n", b"")
    again = shop.installation.run(*client("argv", "echo", "back"), cwd=shop.repository)
    assert (again.status, again.out) == (0, "back\n")


def test_a_question_waits_and_an_answer_from_elsewhere_counts(
    shop: Shop, client: Client, start: Start
) -> None:
    line = f"git push --force origin HEAD:w{len(client('argv'))} 2>/dev/null; echo went"
    running = start(client("line", line), stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    found: list[str] = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.05)
        listed = call(find_places(shop.environment), "approvals.list")["questions"]
        found = [one["id"] for one in listed if one["waits"]]
    assert running.poll() is None
    call(find_places(shop.environment), "approvals.answer", id=found[0], decision="allow")
    assert running.communicate(timeout=20)[0] == b"went\n"


# With a terminal


def test_a_full_screen_program(caller: Terminal, shop: Shop) -> None:
    before = termios.tcgetattr(caller.descriptor)
    caller.type("polis exec alice -- vim -u NONE by-exec.txt\r")
    caller.wait_for(r"^~$")
    caller.type("ihello\x1b:wq\r")
    caller.wait_last(r"^OUT>$")
    assert (shop.tree / "by-exec.txt").read_text() == "hello\n"
    assert termios.tcgetattr(caller.descriptor) == before


def test_the_callers_job_control(caller: Terminal) -> None:
    line = 'echo up; read -r word; echo "got $word"'
    caller.type(f"polis shell alice -c '{line}'\r")
    caller.wait_for(r"^up$")
    caller.type("\x1a")
    caller.wait_for(r"^\[1\]\+ +Stopped ")
    caller.wait_last(r"^OUT>$")
    assert re.search(r"^here$", caller.enter("echo here", r"^OUT>$"), re.M)
    caller.type("fg\r")
    caller.wait_last(r"word\"'$")
    caller.type("it\r")
    caller.wait_for(r"^got it$")
    caller.wait_last(r"^OUT>$")
    caller.enter("polis exec alice -- sh -c 'sleep 0.3; echo behind' &", r"^OUT>$")
    caller.wait_for(r"^(OUT> )?behind$")


def test_ctrl_c_ends_the_callers_loop(caller: Terminal) -> None:
    caller.type("for i in 1 2 3; do polis exec alice -- sh -c 'echo up; sleep 60'; done\r")
    caller.wait_for(r"^up$")
    caller.press("\x03", r"^OUT>$")
    assert caller.text.count("\nup") == 1
    assert re.search(r"^130$", caller.enter("echo $?", r"^OUT>$"), re.M)


def test_a_pager_behind_a_pipe_keeps_its_keys(caller: Terminal) -> None:
    caller.type("polis exec alice -- seq 500 | less\r")
    caller.wait_last(r"^:$")
    for _ in range(5):
        caller.type(" ")
    caller.wait_for(r"^138$")
    caller.type("q")
    caller.wait_last(r"^OUT>$")
    caller.type("polis exec alice -- cat | cat -n\r")
    time.sleep(0.5)
    caller.type("typed\r")
    caller.wait_for(r"^ +1\ttyped$|^ +1 +typed$")
    assert caller.text.count("typed") == 2
    caller.type("\x04")
    caller.wait_last(r"^OUT>$")


def test_only_terminals_become_terminals(caller: Terminal, shop: Shop) -> None:
    show = "for n in 0 1 2; do test -t $n; printf $? >>kinds.txt; done"
    for pipe, kinds in (
        ("{}", "000"),
        ("echo | {}", "100"),
        ("{} | cat", "010"),
        ("{} 2>f", "001"),
    ):
        (shop.tree / "kinds.txt").unlink(missing_ok=True)
        caller.enter(pipe.format(f"polis shell alice -c '{show}'"), r"^OUT>$")
        assert (shop.tree / "kinds.txt").read_text() == kinds


@pytest.mark.parametrize(("key", "status"), [("y", 0), ("n", 126)])
def test_a_question_at_the_terminal(caller: Terminal, key: str, status: int) -> None:
    line = f"git push --force origin HEAD:t{key} 2>/dev/null; echo ran-$((40+2))"
    caller.type(f"polis shell alice -c '{line}'\r")
    caller.wait_for(r"explain$")
    caller.type(key)
    screen = caller.wait_last(r"^OUT>$")
    assert ("ran-42" in screen) is (status == 0)
    assert re.search(rf"^{status}$", caller.enter("echo $?", r"^OUT>$"), re.M)


def test_a_killed_client_leaves_the_terminal_as_it_was(sit: Sit) -> None:
    # Not bash, which puts the terminal right after whoever died on it.
    command = "polis exec alice -- sh -c 'stty raw -echo; echo up; sleep 60'"
    terminal = sit("sh", "-c", f"echo ready; read -r go; {command}; echo over; read -r end")
    terminal.wait_for(r"^ready$")
    before = termios.tcgetattr(terminal.descriptor)
    terminal.type("\r")
    terminal.wait_for(r"^up")
    assert termios.tcgetattr(terminal.descriptor) != before
    (client,) = children_of(terminal.pid)
    os.kill(client, signal.SIGTERM)
    terminal.wait_for(r"over$")
    assert termios.tcgetattr(terminal.descriptor) == before


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# Where polisd stands still


@pytest.fixture
def stopped(shop: Shop) -> Iterator[int]:
    """The pid of a polisd that is stopped until the end."""
    polisd = int(call(find_places(shop.environment), "ping")["pid"])
    os.kill(polisd, signal.SIGSTOP)
    try:
        yield polisd
    finally:
        os.kill(polisd, signal.SIGCONT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("padding", [0, 100_000], ids=["short", "longer than a socket holds"])
@pytest.mark.alone
def test_what_is_ended_before_it_began_is_never_run(
    shop: Shop, client: Client, start: Start, stopped: int, number: signal.Signals, padding: int
) -> None:
    mark = shop.tree / f"ran-{number}-{padding}-{len(client('argv'))}"
    words = ["x" * padding] * 4 if padding else []
    running = start(client("argv", "touch", str(mark), *words))
    time.sleep(0.5)
    began = time.monotonic()
    running.send_signal(number)
    assert running.wait(5) == -number  # its pipes are polisd's as well until that goes on
    assert time.monotonic() - began < 1
    os.kill(stopped, signal.SIGCONT)
    after = shop.installation.run(*client("argv", "echo", "after"), cwd=shop.repository)
    assert (after.status, after.out) == (0, "after\n")
    assert not mark.exists()
    assert (str(mark) in shop.log()) is False


def test_polisd_looks_whether_the_caller_is_still_there(shop: Shop, stopped: int) -> None:
    """A caller that has hung up and lives on: its pid says nothing."""
    mark = shop.tree / "ran-for-nobody"
    places = find_places(shop.environment)
    request = wire.RunRequest(
        token=places.token.read_bytes().strip(),
        agent="alice",
        cwd=os.fsencode(shop.repository),
        mode="argv",
        arguments=(b"touch", os.fsencode(mark)),
    )
    with connect(places) as connection:
        wire.send_frame(connection, wire.RUN, request.encode(), (0, 1, 2))
        wire.send_frame(connection, wire.SIGNAL, b"CONT")  # what is unread hides no hang-up
    os.kill(stopped, signal.SIGCONT)
    after = shop.installation.polis("exec", "alice", "--", "true", cwd=shop.repository)
    assert after.status == 0, after.err
    assert not mark.exists()
    assert mark.name not in shop.log()


def test_a_polisd_that_does_not_answer_is_told_with_what_mends_it(
    shop: Shop, client: Client, start: Start, stopped: int
) -> None:
    running = start(client("argv", "echo", "ran"))
    told = running.stderr.readline() + running.stderr.readline()
    assert told.decode() == (
        f"polis: polisd ({stopped}) does not answer: it is stopped\nhint: kill -CONT {stopped}\n"
    )
    os.kill(stopped, signal.SIGCONT)
    assert running.communicate(timeout=20) == (b"ran\n", b"")
    assert running.returncode == 0


def test_ctrl_c_ends_what_polisd_has_not_begun(caller: Terminal, stopped: int) -> None:
    caller.type("polis exec alice -- echo never\r")
    time.sleep(1)
    caller.press("\x03", r"^OUT>$")
    assert re.search(r"^130$", caller.enter("echo $?", r"^OUT>$"), re.M)
    os.kill(stopped, signal.SIGCONT)
    screen = caller.enter("polis exec alice -- echo after", r"^OUT>$")
    assert re.findall(r"^(?:never|after)$", screen, re.M) == ["after"]
