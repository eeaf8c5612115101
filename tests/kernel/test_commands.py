"""Commands inside: statuses, words, directories, descriptors, as bash would have them."""

from __future__ import annotations

import os
import socket

import pytest
from walled import PATIENCE, Walled

from cash import wire
from cash.keeper.link import Failed, Listening

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -9 $$", 137),
        ("kill -TERM $$", 143),
        ("kill -SEGV $$", 139),
        ("exec nope", 127),
    ],
)
def test_the_status_is_the_commands_own(walled: Walled, line: str, status: int) -> None:
    result = walled.sh(line)
    assert (result.status, result.ended.status) == (status, status)


def test_a_command_speaks_on_its_own_descriptors(walled: Walled) -> None:
    result = walled.run("sh", "-c", "cat; echo no >&2", stdin=b"yes\n")
    assert (result.out, result.err) == ("yes\n", "no\n")
    assert result.frames == (wire.STARTED, wire.EXIT)
    assert result.ended.report == b"report \xff of %d" % walled.count
    assert 0 < result.ended.seconds < 10
    assert result.ended.memory > 100_000


@pytest.mark.parametrize(
    ("argv", "cwd", "status", "words"),
    [
        (["nope"], "", 127, "polis: alice: nope: command not found\n"),
        (["/no/such"], "", 127, "polis: alice: /no/such: command not found\n"),
        (["/etc/passwd"], "", 126, "polis: alice: /etc/passwd: Permission denied\n"),
        (["/usr"], "", 126, "polis: alice: /usr: Permission denied\n"),
        (["true"], "/no/where", 127, "polis: alice: /no/where: no such directory\n"),
    ],
)
def test_what_cannot_start_says_so(
    walled: Walled, argv: list[str], cwd: str, status: int, words: str
) -> None:
    result = walled.run(*argv, cwd=cwd)
    assert (result.status, result.out, result.err) == (status, "", words)


def test_a_script_without_a_first_line_is_run_by_sh(walled: Walled) -> None:
    walled.sh("printf 'echo $1 there\\n' > script && chmod +x script")
    assert walled.run("./script", "hello").out == "hello there\n"


def test_words_and_environment_pass_unchanged(walled: Walled) -> None:
    odd = b"\xff \xc3\xa9\n'\"$x*"
    result = walled.run("printf", "%s", odd)
    assert result.out == odd.decode(errors="replace")
    assert walled.run("printenv", "A", environment={"A": "b=c"}).out == "b=c\n"
    assert walled.run("printenv", "HOME").out == f"{walled.view.home_inside}\n"
    long = "x" * 120_000
    assert walled.run("printf", "%s", long).out == long


def test_the_working_directory_is_inside(walled: Walled) -> None:
    assert walled.run("pwd").out == f"{walled.view.tree}\n"
    assert walled.run("pwd", cwd="/usr").out == "/usr\n"


def test_no_descriptor_comes_along(walled: Walled) -> None:
    assert walled.run("ls", "/proc/self/fd").out.split() == ["0", "1", "2", "3"]


def test_descriptors_get_the_numbers_asked_for(walled: Walled) -> None:
    reader, writer = os.pipe()
    client = walled.start(
        "bash", "-c", "echo here >&200; ls /proc/self/fd >&200", descriptors={200: writer}
    )
    os.close(writer)
    with os.fdopen(reader) as pipe:
        # ls has 3 open on the directory, and 200; 0 to 2 are /dev/null.
        assert pipe.read().split() == ["here", "0", "1", "2", "200", "3"]
    walled.finish(client)
    walled.ended(f"run-{walled.count}")


def test_a_directory_of_the_host_cannot_be_handed_in(walled: Walled) -> None:
    folder = os.open("/", os.O_RDONLY)
    client = walled.start("ls", "-l", "/proc/self/fd/5/", descriptors={5: folder})
    os.close(folder)
    frames = walled.finish(client)
    assert frames[-1] == (wire.EXIT, b"126")
    walled.ended(f"run-{walled.count}")


def test_ignored_signals_of_python_do_not_leak(walled: Walled) -> None:
    result = walled.run("grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status")
    masks = [int(line.split()[1], 16) for line in result.out.splitlines()]
    # 32 and 33 are the C library's own; make hands them on ignored, and nobody can change that.
    assert [mask & ~(0b11 << 31) for mask in masks] == [0, 0]


def test_many_commands_at_once(walled: Walled) -> None:
    clients = [walled.start("sh", "-c", f"exit {number}", descriptors={}) for number in range(20)]
    first = walled.count - 19
    statuses = [int(walled.finish(client)[-1][1]) for client in clients]
    assert statuses == list(range(20))
    ends = [walled.ended(f"run-{first + number}").status for number in range(20)]
    assert ends == list(range(20))


def test_nonsense_does_not_end_the_keeper(walled: Walled) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        for numbers, argv in (([1, 2, 3], ["true"]), (None, ["true"]), ([], [7])):
            values = {"do": "run", "id": "odd", "argv": argv, "environment": [], "cwd": ""}
            values |= {"numbers": numbers, "terminals": "000", "rows": 1, "columns": 1}
            walled.link._send(values | {"report": ""}, [theirs.fileno()])
            failed = walled.hear(lambda found: isinstance(found, Failed))
            assert isinstance(failed, Failed)
            assert not failed.fatal
        theirs.close()
        ours.settimeout(PATIENCE)
        assert ours.recv(10) == b""  # nothing of it was kept
    with pytest.raises(ValueError, match="needs a name"):
        walled.link.run("odd", [b""], [], b"", -1, {})
    assert walled.sh("exit 9").status == 9


def test_a_stopped_starter_does_not_stop_the_keeper(fragile: Walled) -> None:
    stopper = fragile.start("bash", "-c", "while :; do kill -STOP 2; done", descriptors={})
    wire.receive_frame(stopper)
    clients = [fragile.start("true", descriptors={}) for _ in range(30)]
    # The keeper still hears its links: it can be asked to stop.
    fragile.link.listen(fragile.view.proxy_port)
    message = fragile.hear(lambda found: isinstance(found, Listening))
    assert isinstance(message, Listening)
    os.close(message.descriptor)
    for client in (stopper, *clients):
        client.close()
