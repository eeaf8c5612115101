from __future__ import annotations

import contextlib
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash import wire

no_nul = st.binary(max_size=40).map(lambda raw: raw.replace(b"\0", b""))
entries = st.tuples(st.from_regex(rb"[A-Z_]{1,8}", fullmatch=True), no_nul).map(b"=".join)


@given(
    st.builds(
        wire.RunRequest,
        token=no_nul,
        agent=st.from_regex(r"[a-z-]{0,10}", fullmatch=True),
        cwd=no_nul,
        mode=st.sampled_from(["argv", "line", "shell"]),
        terminals=st.sampled_from(["000", "111", "010"]),
        rows=st.integers(0, 999),
        columns=st.integers(0, 999),
        arguments=st.lists(no_nul, max_size=5).map(tuple),
        environment=st.lists(entries, max_size=5).map(tuple),
        extra=st.integers(0, 2),
    )
)
def test_a_run_request_comes_back_as_it_was(request_made: wire.RunRequest) -> None:
    assert wire.RunRequest.decode(request_made.encode()) == request_made


@given(st.binary(max_size=200))
def test_nonsense_is_a_connection_ended_and_nothing_else(payload: bytes) -> None:
    with contextlib.suppress(wire.ConnectionEnded):
        wire.RunRequest.decode(payload)


def test_a_frame_carries_descriptors_and_any_bytes() -> None:
    here, there = socket.socketpair()
    readable, writable = os.pipe()
    with here, there:
        wire.send_frame(here, wire.RUN, b"\0\xff" * 70_000, [writable])
        os.close(writable)
        kind, payload, descriptors = wire.receive_frame(there, most_descriptors=3)
        assert (kind, payload, len(descriptors)) == (wire.RUN, b"\0\xff" * 70_000, 1)
        assert not os.get_inheritable(descriptors[0])
        os.write(descriptors[0], b"through")
        os.close(descriptors[0])
    assert os.read(readable, 20) == b"through"
    os.close(readable)


@pytest.mark.parametrize("said", [b"", b"R", b"R\xff\xff\xff\xff", b"R\0\0\0\x09short"])
def test_a_connection_that_breaks_off_is_told_from_a_frame(said: bytes) -> None:
    here, there = socket.socketpair()
    with there:
        with here:
            here.sendall(said)
        with pytest.raises(wire.ConnectionEnded):
            wire.receive_frame(there)


def test_only_harmless_environment_is_carried_inside() -> None:
    carried = wire.carried_environment(
        [(b"TERM", b"xterm"), (b"LC_ALL", b"C"), (b"AWS_SECRET_ACCESS_KEY", b"x"), (b"PATH", b"/")]
    )
    assert carried == (b"TERM=xterm", b"LC_ALL=C")


def test_an_answer_may_come_before_the_sender_has_returned() -> None:
    """The other side may have answered and closed as soon as it has the whole frame."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_message = ours.sendmsg

        class Closing:
            def sendmsg(self, *arguments: object) -> int:
                sent = send_message(*arguments)  # type: ignore[arg-type]
                theirs.close()
                return sent

            def sendall(self, data: bytes) -> None:
                ours.sendall(data)

        wire.send_frame(Closing(), wire.RUN, b"x", (0,))  # type: ignore[arg-type]
