"""The one way out of an agent's network: an HTTP proxy at 127.0.0.1:3128 inside its walls.

The listening socket was made in the agent's network namespace and handed out, so no process of
ours lives in there. CONNECT (TLS passes through unread) and plain `GET http://…` are served;
each connection is judged by the agent's policy before a byte leaves, and the address that the
name resolved to is judged once more: a public name must not lead to this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_LONGEST_HEAD = 64 * 1024
_HEAD_SECONDS = 30.0
_CONNECT_SECONDS = 20.0
# At once, of one agent: each takes two of polisd's descriptors, and all agents share those.
MOST_CONNECTIONS = 192

_Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

# This machine itself, whatever a rule says: inside, 127.0.0.1 is the agent's own loopback, but
# the proxy stands outside, where it is everybody's database and polisd's neighbours.
THIS_MACHINE: _Networks = tuple(
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "::/128", "::1/128", "fe80::/10")
)
# Its surroundings (RFC 1918, 6598, 4193, multicast): a name that leads there is judged once more,
# by its address. Not `is_private`: that also holds documentation ranges, which some route.
_SURROUNDINGS: _Networks = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"),
        *("224.0.0.0/4", "255.255.255.255/32", "fc00::/7", "ff00::/8"),
    )
)


@dataclass(frozen=True, slots=True)
class Admission:
    """allowed: whether the connection may be made. text: the refusal for the client's eyes."""

    allowed: bool
    text: str = ""


Admit = Callable[[str, int], Awaitable[Admission]]


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    first_bytes: bytes  # what goes to the origin before the relay begins; empty for CONNECT


class _BadRequest(Exception):
    pass


async def open_egress(
    listener: socket.socket, admit: Admit, never: _Networks = THIS_MACHINE
) -> asyncio.Server:
    """Serves the proxy on a listening socket until the server is closed. never: networks that no
    admission opens."""

    serving: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(writer)
        try:
            if len(serving) > MOST_CONNECTIONS:
                await _refuse(writer, 503, f"polis: {MOST_CONNECTIONS} connections are open\n")
            else:
                await _serve(reader, writer, admit, never)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # either side hung up; there is nobody to tell
        finally:
            serving.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    return await asyncio.start_server(serve, sock=listener, limit=_LONGEST_HEAD)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, admit: Admit, never: _Networks
) -> None:
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
        target = _read_target(head)
    except (_BadRequest, ValueError, asyncio.LimitOverrunError) as fault:
        await _refuse(writer, 400, f"polis: {fault}\n")
        return
    admission = await admit(target.host, target.port)
    if not admission.allowed:
        await _refuse(writer, 403, admission.text)
        return
    try:
        address = await _resolve(target, never)
        if address != target.host and _is_in(address, _SURROUNDINGS):
            admission = await admit(address, target.port)
            if not admission.allowed:
                await _refuse(writer, 403, admission.text)
                return
        origin = await asyncio.wait_for(
            asyncio.open_connection(address, target.port), _CONNECT_SECONDS
        )
    except (OSError, TimeoutError, UnicodeError) as fault:
        await _refuse(writer, 502, f"polis: {target.host}:{target.port}: {fault}\n")
        return
    await _relay(target, (reader, writer), origin)


def _read_target(head: bytes) -> _Target:
    """The host, the port, and what to send on. _BadRequest on anything but the two forms."""
    line, _, rest = head.partition(b"\r\n")
    try:
        method, where, version = line.decode("ascii").split(" ")
    except ValueError:
        raise _BadRequest("not an HTTP request") from None
    if method == "CONNECT":
        parts = urlsplit(f"//{where}")
        if not parts.hostname or _port(parts.netloc, where) is None:
            raise _BadRequest("CONNECT needs host:port")
        return _Target(_plain(parts.hostname), parts.port or 443, b"")
    parts = urlsplit(where)
    if parts.scheme != "http" or not parts.hostname:
        raise _BadRequest("this is a proxy: send an absolute http:// address, or CONNECT")
    try:
        port = parts.port or 80
    except ValueError:
        raise _BadRequest("the port is not a number") from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not (method.isalpha() and version in ("HTTP/1.0", "HTTP/1.1")):
        raise _BadRequest("not an HTTP request")
    # The host that was judged, whatever the client's Host says (RFC 9112, 3.2.2).
    host = parts.netloc.rpartition("@")[2]
    first = f"{method} {path} {version}\r\nHost: {host}\r\n".encode("ascii") + _end_to_end(rest)
    return _Target(_plain(parts.hostname), port, first)


def _port(netloc: str, where: str) -> int | None:
    try:
        return urlsplit(f"//{where}").port
    except ValueError:
        raise _BadRequest(f"the port of {netloc} is not a number") from None


def _plain(host: str) -> str:
    """One spelling per host: lower case, no trailing dot."""
    return host.rstrip(".").lower()


def _end_to_end(headers: bytes) -> bytes:
    """The headers without Host and the hop-by-hop ones; one request per connection keeps a
    second one on it from naming another host unjudged."""
    kept = [
        header
        for header in headers.split(b"\r\n")
        if header
        and header.split(b":", 1)[0].strip().lower()
        not in (b"proxy-connection", b"connection", b"keep-alive", b"proxy-authorization", b"host")
    ]
    return b"\r\n".join([*kept, b"Connection: close", b"", b""])


async def _resolve(target: _Target, never: _Networks) -> str:
    """The address to connect to. OSError when the name leads to this machine."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if any(_is_in(address, never) or (never and _is_own(address)) for address in addresses):
        raise OSError("leads to this machine itself, which the proxy never does")
    return addresses[0]


def _is_own(address: str) -> bool:
    """Whether the address is one of this machine's own: the way there begins at it. Connecting
    a datagram socket looks up the way and sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:
            return False  # there is no way to it
        return ipaddress.ip_address(probe.getsockname()[0]) == ipaddress.ip_address(address)


def _is_in(text: str, networks: _Networks) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


async def _refuse(writer: asyncio.StreamWriter, status: int, text: str) -> None:
    reasons = {400: "Bad Request", 403: "Forbidden by polis", 502: "Bad Gateway", 503: "Busy"}
    body = text.encode()
    head = (
        f"HTTP/1.1 {status} {reasons[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode("ascii") + body)
    await writer.drain()


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _relay(target: _Target, client: _Streams, origin: _Streams) -> None:
    if target.first_bytes:
        origin[1].write(target.first_bytes)
    else:
        client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        await asyncio.gather(_copy(client[0], origin[1]), _copy(origin[0], client[1]))
    finally:
        with contextlib.suppress(OSError):
            origin[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies until the end, then passes the end on (half-close)."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()
