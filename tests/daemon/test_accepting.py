from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import cast

import pytest

from cash.daemon.polisd import _Polisd
from cash.daemon.repositories import Repositories


def test_polisd_listens_on_after_it_ran_out_of_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def converse() -> bytes:
        polisd = _Polisd(cast("Repositories", None), b"", asyncio.Event())
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen()
            listener.setblocking(False)
            loop = asyncio.get_running_loop()
            real = loop.sock_accept
            refusals = [OSError(24, "Too many open files")] * 2

            async def refuse(endpoint: socket.socket) -> object:
                if refusals:
                    raise refusals.pop()
                return await real(endpoint)

            monkeypatch.setattr(loop, "sock_accept", refuse)
            accepting = asyncio.ensure_future(polisd.accept(listener))
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
            writer.write(b'J\0\0\0\x0f{"verb":"none"}')
            heard = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            accepting.cancel()
            return heard

    assert b"polisd does not know" in asyncio.run(converse())
