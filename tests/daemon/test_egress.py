from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from cash.daemon.egress import Admission, _is_inner, open_egress

Talk = Callable[[int, int, bytes], Awaitable[bytes]]


async def _converse(
    admission: Admission, said: Callable[[int], bytes], heard_by_origin: list[bytes]
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
    proxy = await open_egress(listener, admit)
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


def _talk(admission: Admission, said: Callable[[int], bytes]) -> tuple[bytes, list[bytes]]:
    origin_heard: list[bytes] = []
    return asyncio.run(_converse(admission, said, origin_heard)), origin_heard


_NAMED = Admission(allowed=True, named=True)


def test_connect_is_relayed_unread() -> None:
    heard, origin = _talk(_NAMED, lambda port: b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % port)
    assert heard.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")
    assert origin == [b"through the tunnel"]


def test_plain_http_goes_on_in_origin_form_without_proxy_headers() -> None:
    said = (
        b"GET http://127.0.0.1:%d/a/b?c=d HTTP/1.1\r\nHost: x\r\n"
        b"Proxy-Connection: keep-alive\r\nProxy-Authorization: secret\r\nX-Kept: 1\r\n\r\n"
    )
    heard, origin = _talk(_NAMED, lambda port: said % port)
    assert heard.endswith(b"hi")
    assert origin == [b"GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nX-Kept: 1\r\nConnection: close\r\n\r\n"]


def test_a_refusal_tells_the_client_why_and_no_byte_leaves() -> None:
    refusal = Admission(allowed=False, text="polis: denied by x: because.\n")
    heard, origin = _talk(refusal, lambda port: b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % port)
    assert heard.startswith(b"HTTP/1.1 403 ")
    assert heard.endswith(b"polis: denied by x: because.\n")
    assert origin == []


def test_an_allowed_public_name_must_not_lead_to_this_machine() -> None:
    heard, origin = _talk(
        Admission(allowed=True), lambda port: b"CONNECT localhost:%d HTTP/1.1\r\n\r\n" % port
    )
    assert heard.startswith(b"HTTP/1.1 502 ")
    assert b"an address of this machine" in heard
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
    ("address", "inner"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.31.0.1", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
        ("2606:4700::1", False),
    ],
)
def test_inner_addresses(address: str, inner: bool) -> None:
    assert _is_inner(address) is inner
