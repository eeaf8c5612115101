from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from cash.daemon.egress import (
    _SURROUNDINGS,
    MOST_CONNECTIONS,
    THIS_MACHINE,
    Admission,
    _is_in,
    _is_own,
    open_egress,
)

Talk = Callable[[int, int, bytes], Awaitable[bytes]]


async def _converse(
    admission: Admission, never: bool, said: Callable[[int], bytes], heard_by_origin: list[bytes]
) -> bytes:
    """What a client hears that says `said(port of the origin)` to the proxy."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard_by_origin.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async def admit(host: str, port: int) -> Admission:
        return admission

    origin = await asyncio.start_server(answer, "127.0.0.1", 0)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    proxy = await open_egress(listener, admit, THIS_MACHINE if never else ())
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said(origin.sockets[0].getsockname()[1]))
        heard = b""
        if said(0).startswith(b"CONNECT") and admission.allowed:
            heard = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            if heard.startswith(b"HTTP/1.1 200"):
                writer.write(b"through the tunnel")
                writer.write_eof()
        heard += await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
        return heard
    finally:
        proxy.close()
        origin.close()
        await proxy.wait_closed()
        await origin.wait_closed()


def _talk(
    admission: Admission, said: Callable[[int], bytes], *, never: bool = False
) -> tuple[bytes, list[bytes]]:
    origin_heard: list[bytes] = []
    return asyncio.run(_converse(admission, never, said, origin_heard)), origin_heard


_ALLOWED = Admission(allowed=True)


def test_connect_is_relayed_unread() -> None:
    heard, origin = _talk(_ALLOWED, lambda port: b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % port)
    assert heard.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")
    assert origin == [b"through the tunnel"]


def test_plain_http_goes_on_in_origin_form_without_proxy_headers() -> None:
    said = (
        b"GET http://127.0.0.1:%d/a/b?c=d HTTP/1.1\r\nHost: x\r\n"
        b"Proxy-Connection: keep-alive\r\nProxy-Authorization: secret\r\nX-Kept: 1\r\n\r\n"
    )
    heard, (origin,) = _talk(_ALLOWED, lambda port: said % port)
    assert heard.endswith(b"hi")
    first, host, *rest = origin.split(b"\r\n")
    assert first == b"GET /a/b?c=d HTTP/1.1"
    assert host.startswith(b"Host: 127.0.0.1:")
    assert rest == [b"X-Kept: 1", b"Connection: close", b"", b""]


def test_a_refusal_tells_the_client_why_and_no_byte_leaves() -> None:
    refusal = Admission(allowed=False, text="polis: denied by x: because.\n")
    heard, origin = _talk(refusal, lambda port: b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % port)
    assert heard.startswith(b"HTTP/1.1 403 ")
    assert heard.endswith(b"polis: denied by x: because.\n")
    assert origin == []


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1", b"0.0.0.0", b"[::1]"])
def test_no_admission_leads_to_this_machine(host: bytes) -> None:
    heard, origin = _talk(
        _ALLOWED, lambda port: b"CONNECT %b:%d HTTP/1.1\r\n\r\n" % (host, port), never=True
    )
    assert heard.startswith(b"HTTP/1.1 502 ")
    assert b"this machine itself" in heard
    assert origin == []


@pytest.mark.parametrize(
    "said",
    [
        b"CONNECT nowhere HTTP/1.1\r\n\r\n",
        b"CONNECT a:99999 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET ftp://a/ HTTP/1.1\r\n\r\n",
        b"GET http://a:b/ HTTP/1.1\r\n\r\n",
        b"\xff\xfe nonsense\r\n\r\n",
        b"CONNECT  a:1 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_proxy_request_is_a_bad_request(said: bytes) -> None:
    heard, _ = _talk(Admission(allowed=False), lambda port: said)
    assert heard.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("127.0.0.1", "here"),
        ("127.9.9.9", "here"),
        ("0.0.0.0", "here"),
        ("169.254.169.254", "here"),
        ("::1", "here"),
        ("fe80::1%eth0", "here"),
        ("::ffff:127.0.0.1", "here"),
        ("10.1.2.3", "near"),
        ("172.31.0.1", "near"),
        ("192.168.1.1", "near"),
        ("100.64.0.1", "near"),
        ("fd00::1", "near"),
        ("172.32.0.1", "far"),
        ("::ffff:8.8.8.8", "far"),
        ("8.8.8.8", "far"),
        ("203.0.113.9", "far"),
        ("2606:4700::1", "far"),
    ],
)
def test_where_an_address_leads(address: str, where: str) -> None:
    here, near = _is_in(address, THIS_MACHINE), _is_in(address, _SURROUNDINGS)
    assert ("here" if here else "near" if near else "far") == where


def test_an_agent_cannot_use_up_polisds_descriptors() -> None:
    async def flood() -> tuple[bytes, bytes]:
        async def admit(host: str, port: int) -> Admission:
            return Admission(allowed=False, text="no\n")

        listener = socket.create_server(("127.0.0.1", 0), backlog=MOST_CONNECTIONS)
        proxy = await open_egress(listener, admit)
        address = listener.getsockname()
        try:
            held = [await asyncio.open_connection(*address) for _ in range(MOST_CONNECTIONS)]
            reader, writer = await asyncio.open_connection(*address)
            over = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            for _, held_writer in held:
                held_writer.close()
            await asyncio.sleep(0.2)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")
            again = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return over, again
        finally:
            proxy.close()

    over, again = asyncio.run(flood())
    assert over.startswith(b"HTTP/1.1 503 ")
    assert again.startswith(b"HTTP/1.1 403 ")


def test_the_machines_own_addresses_are_this_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but its loopback")
        own = probe.getsockname()[0]
    assert _is_own(own)
    assert not _is_own("203.0.113.7")


def test_the_origin_hears_the_host_that_was_judged() -> None:
    said = b"GET http://127.0.0.1:%d/x HTTP/1.1\r\nHost: other.example\r\nA: b\r\n\r\n"
    _, (heard,) = _talk(_ALLOWED, lambda port: said % port)
    assert b"other.example" not in heard
    assert heard.count(b"Host: 127.0.0.1:") == 1
    assert b"\r\nA: b\r\n" in heard


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://127.0.0.1/ HTTP/1.1\nHost:other",
        b"GET\t/\nHost:other\n\nX http://127.0.0.1/ HTTP/1.1",
        b"GET http://[x/ HTTP/1.1",
        b"CONNECT [x:1 HTTP/1.1",
    ],
)
def test_a_request_line_that_is_none_is_refused(line: bytes) -> None:
    answer, heard = _talk(_ALLOWED, lambda _: line + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert heard == []


def test_a_host_that_no_name_can_be_gets_an_answer() -> None:
    answer, _ = _talk(_ALLOWED, lambda _: b"CONNECT " + b"a" * 70 + b".com:1 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
