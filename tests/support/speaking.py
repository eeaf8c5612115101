"""What a program of an agent's own says to polisd by its socket."""

from __future__ import annotations


def client(*fields: str) -> str:
    """A program of the agent's own that says to polisd what it likes; it prints all it hears."""
    return f"""
import socket, struct
body = b"".join(one.encode("utf-8", "surrogateescape") + bytes(1) for one in {fields!r})
with socket.socket(socket.AF_UNIX) as polisd:
    polisd.settimeout(20)
    polisd.connect("/run/polis/agent.sock")
    polisd.sendall(b"remote\\n" + struct.pack(">I", len(body)) + body)
    heard = b"".join(iter(lambda: polisd.recv(65536), b""))
while heard:
    kind, length = struct.unpack_from(">cI", heard)
    print(kind.decode(), heard[5 : 5 + length].decode("utf-8", "backslashreplace"))
    heard = heard[5 + length :]
"""
