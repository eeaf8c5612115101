"""What is kept of a terminal: readable, bounded, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from cash.sessions import log as logs
from cash.sessions.ansi import PasteMode, strip
from cash.sessions.log import Log, read_events, read_log, read_screen, write_screen

SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;32mgreen\x1b[0m text", "green text"),
        ("\x1b[2J\x1b[Htop", "top"),
        ("two\x1b[3Cwords", "two   words"),
        ("10 %\r20 %\r30 %\r", "30 %"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bx\x1b7y\x1b8", "xy"),
        ("a\x08\x07b", "ab"),
        ("text\r\x1b[K", "text"),
        # What is left must not make a sequence of its own.
        ("\x1b\x1b[m[2Jtext", "[2Jtext"),
        ("\x1b\x1b[m]52;c;eA==\x1b\x1b[m\\text", "]52;c;eA==\\text"),
        ("text\x1b", "text"),
        ("\x9b2Jtext", "2Jtext"),
    ],
)
def test_what_moves_the_cursor_is_left_out(written: str, shown: str) -> None:
    assert strip(written) == shown


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_program_is_heard_to_take_pastes(size: int) -> None:
    mode, said = PasteMode(), []
    data = b"hello\x1b[?1004;2004hthere\x1b[1m"
    for at in range(0, len(data), size):
        said.append(mode.feed(data[at : at + size]))
    assert mode.is_on
    assert said.count(True) == 1
    assert not mode.feed(b"\x1b[?25l")
    assert mode.feed(b"x\x1b[?2004lx")
    assert not mode.is_on


def test_lines_are_kept_without_secrets_whatever_colours_tear_them_apart(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    log = Log(path)
    log.write(b"first \x1b[1mbold\x1b[0m\r\n" + SECRET[:10].encode())
    log.write(b"\x1b[32m" + SECRET[10:].encode() + b"\x1b[0m\r\nlast")
    log.end()
    assert read_log(path, 50) == ["first bold", "[redacted:github-token]", "last"]
    raw = read_log(path, 50, raw=True)
    assert raw[0] == "first \x1b[1mbold\x1b[0m\r"
    assert SECRET[10:] not in path.read_text()
    assert read_log(path, 1) == ["last"]
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_a_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST", 10_000)
    path = tmp_path / "output.log"
    log = Log(path)
    for number in range(5_000):
        log.write(b"line %d\n" % number)
    log.write(b"x" * 100_000)  # a line that never ends
    sizes = [one.stat().st_size for one in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) < 140_000
    assert read_log(path, 1, raw=True)[0].startswith("x")


def test_a_link_of_somebodys_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "output.log").symlink_to(tmp_path / "elsewhere")
    log = Log(tmp_path / "output.log")
    log.write(b"text\n")
    assert not (tmp_path / "elsewhere").exists()


def test_the_last_screen_is_kept_without_secrets(tmp_path: Path) -> None:
    write_screen(tmp_path, ["one", f"token {SECRET}"])
    assert read_screen(tmp_path, 9) == ["one", "token [redacted:github-token]"]
    assert read_screen(tmp_path, 1) == ["token [redacted:github-token]"]
    assert read_screen(tmp_path / "nowhere", 9) == []


def test_an_event_is_kept_whole_and_no_line_grows_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    log = Log(path)
    event = b'{"text": "' + b"x" * 100_000 + b'"}'
    for at in range(0, len(event), 4096):
        log.write(event[at : at + 4096])
    log.write(b"\r\n" + b'{"' + b"y" * (2 << 20))
    whole, torn = read_events(path)
    assert whole.encode() == event
    assert torn.startswith('{"y')
