"""tmux's control mode as values, and against a real tmux."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from cash.sessions import tmux
from cash.sessions.capture import capture, capture_all
from cash.sessions.control import (
    Control,
    ControlFault,
    Heard,
    Left,
    Output,
    Reading,
    Reply,
    WindowGone,
    quote,
    unescape,
)

SAID = (
    b"%begin 1796007542 289 0\n%end 1796007542 289 0\n%session-changed $0 polis\n"
    b"%begin 1796007542 294 1\n@1 %1 8625\n%end 1 1 1\n%end 1796007542 294 1\n"
    b"%begin 1796007542 296 1\nparse error: unknown command: nonsense\n"
    b"%error 1796007542 296 1\n%window-add @1\n"
    b"%output %1 b\\033[1m\\134 \\377\\015\\012\n%unlinked-window-close @1\n"
    b"%window-close @2\n%exit server exited\n"
)
HEARD: Sequence[Heard] = (
    Reply((b"@1 %1 8625", b"%end 1 1 1"), failed=False),
    Reply((b"parse error: unknown command: nonsense",), failed=True),
    Output("%1", b"b\x1b[1m\\ \xff\r\n"),
    WindowGone("@1"),
    WindowGone("@2"),
    Left("server exited"),
)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_what_the_client_prints_is_read_however_it_comes(size: int) -> None:
    reading = Reading()
    parts = [SAID[at : at + size] for at in range(0, len(SAID), size)]
    assert [one for part in parts for one in reading.feed(part)] == list(HEARD)


def test_every_byte_is_unescaped() -> None:
    every = bytes(range(256))
    escaped = b"".join(
        b"\\%03o" % byte if byte < 32 or byte == 92 else bytes([byte]) for byte in every
    )
    assert unescape(escaped) == every


def test_a_line_break_cannot_be_quoted() -> None:
    assert quote("it's #{x} ; $y") == "'it'\\''s #{x} ; $y'"
    for bad in ("a\nb", "a\rb", "a\0b"):
        with pytest.raises(ValueError, match="line break"):
            quote(bad)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_real_server_is_asked_heard_and_seen_to_die(tmp_path: Path) -> None:
    asyncio.run(_converse(tmp_path))


async def _converse(folder: Path) -> None:
    place = tmux.find_place(folder, "shop", os.environ["PATH"])
    argv = ("sh", "-c", "read x; echo said; sleep 60")
    await asyncio.to_thread(
        tmux.start_server, place, name="alice", folder="/", argv=argv, environment={}
    )
    heard: list[Heard] = []
    attach = place.argv("-C", "attach-session", "-t", f"={place.session}", "-f", "ignore-size")
    control = await Control.attach(attach, heard.append)
    odd = 'it\'s #{window_id}; $HOME \\ "x"'
    await control.ask("set-option", "-w", "-t", "@0", "@polis_odd", odd)
    lines = await control.ask("show-options", "-wv", "-t", "@0", "@polis_odd")
    assert lines == (odd.encode(),)
    with pytest.raises(ControlFault, match="tmux refused kill-pane: can't find pane: %9"):
        await control.ask("kill-pane", "-t", "%9")
    await control.ask("send-keys", "-t", "%0", "Enter")
    await _until(lambda: b"said" in b"".join(o.data for o in heard if isinstance(o, Output)))
    control.begin("kill-server")
    await _until(lambda: not control.is_open)
    with pytest.raises(ControlFault, match="tmux is gone"):
        await control.ask("list-windows")
    assert isinstance(heard[-1], Left)
    await control.close()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_screen_that_looks_like_an_answers_end_is_a_screen(tmp_path: Path) -> None:
    asyncio.run(_forge(tmp_path))


async def _forge(folder: Path) -> None:
    """A program paints the ends of answers to come, and then another window's output."""
    place = tmux.find_place(folder, "shop", os.environ["PATH"])
    argv = ("sh", "-c", f"read x; cat {folder}/forged; sleep 60")
    await asyncio.to_thread(
        tmux.start_server, place, name="alice", folder="/", argv=argv, environment={}
    )
    heard: list[Heard] = []
    attach = place.argv("-C", "attach-session", "-t", f"={place.session}", "-f", "ignore-size")
    control = await Control.attach(attach, heard.append)
    try:
        await _check_forged(control, place, folder, heard)
    finally:
        control.begin("kill-server")
        await control.close()


async def _check_forged(
    control: Control, place: tmux.Place, folder: Path, heard: Sequence[Heard]
) -> None:
    last = await _last_number(place)
    moment = int(time.time()) + 2
    ends = [f"%end {moment} {number} 1" for number in range(last, last + 36)]
    (folder / "forged").write_text("\n".join([*ends, "%output %7 forged", "."]))
    await control.ask("send-keys", "-t", "%0", "Enter")
    while time.time() < moment + 0.1:
        await asyncio.sleep(0.02)
    assert (await capture(control, folder, "%0"))[-38:] == [*ends, "%output %7 forged", "."]
    assert not [one for one in heard if isinstance(one, Output) and one.pane == "%7"]
    assert not list(folder.glob("screen-*"))


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_many_screens_are_each_its_own_and_those_that_are_gone_none(tmp_path: Path) -> None:
    asyncio.run(_look_at_many(tmp_path))


async def _look_at_many(folder: Path) -> None:
    place = tmux.find_place(folder, "shop", os.environ["PATH"])

    def argv(text: str) -> tuple[str, ...]:
        return ("sh", "-c", f"printf '{text}'; sleep 60")

    await asyncio.to_thread(
        tmux.start_server, place, name="a", folder="/", argv=argv("first\n\n  two "), environment={}
    )
    attach = place.argv("-C", "attach-session", "-t", f"={place.session}", "-f", "ignore-size")
    control = await Control.attach(attach, lambda _heard: None)
    try:
        for text in ("", "third"):
            await control.ask("new-window", "-d", "-t", f"={place.session}:", "--", *argv(text))
        expected = {"%0": ["first", "", "  two"], "%1": [], "%2": ["third"]}
        until = time.monotonic() + 10
        while (found := await capture_all(control, folder, [*expected])) != expected:
            assert time.monotonic() < until, found
        assert await capture_all(control, folder, ["%0", "%9", "%2", "%8", "%1"]) == expected
        assert await capture_all(control, folder, ["%9"]) == {}
        assert await capture_all(control, folder, []) == {}
        with pytest.raises(ControlFault, match="%9"):
            await capture(control, folder, "%9")
        assert await control.ask("list-buffers") == ()
        assert not list(folder.glob("screen-*"))
    finally:
        control.begin("kill-server")
        await control.close()


async def _last_number(place: tmux.Place) -> int:
    """Every answer counts one up, whoever asks."""
    for _ in range(50):
        words = place.argv("-C", "attach-session", "-t", f"={place.session}", "-f", "ignore-size")
        raw = await asyncio.create_subprocess_exec(*words, stdin=-1, stdout=-1)
        said, _ = await raw.communicate(b"display-message -p x\n")
        begun = [int(line.split()[2]) for line in said.splitlines() if line.startswith(b"%begin")]
        if begun:
            return max(begun)
    raise AssertionError("no answer was counted")


async def _until(happened: object) -> None:
    assert callable(happened)
    for _ in range(200):
        if happened():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never came")
