"""Polis' own hand inside an agent's walls: the writer's steps, each when polisd says so.

It has the agent's rights and no more, and every call by which it changes a file waits for the
keeper as any program's does. It is forked and never executed, so no program of the agent's can
stand in for it. An agent can stop or kill it, as it can all that runs under its uid: then the file
is as it was.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cash.faults import Fault
from cash.guard.change import Append, Change, Delete, Move, Order, Replace, Write
from cash.guard.hand import LocalHand
from cash.keeper import messages
from cash.keeper.messages import LinkEnded


def serve(orders: socket.socket, tree: str) -> int:
    """Does what the order says, step by step; what goes wrong is told. The exit status."""
    # Whoever hangs up closes `orders` too: its end takes the draft away.
    for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        values, descriptors = messages.receive_packet(orders)
        hand = LocalHand(tree, unpack_order(values, descriptors))
        try:
            _work(orders, hand)
        finally:
            hand.close()
    except (LinkEnded, OSError):
        return 1
    return 0


def _work(orders: socket.socket, hand: LocalHand) -> None:
    """Until polisd hangs up, or a step fails."""
    while True:
        values, _ = messages.receive_packet(orders)
        try:
            answer = _step(hand, values["do"])
        except Fault as fault:
            told = {"message": fault.message, "hint": fault.hint, "status": fault.status}
            hand.close()  # before it is told: whoever hears of it may begin anew
            messages.send_packet(orders, {"fault": told})
            return
        messages.send_packet(orders, answer)


def _step(hand: LocalHand, do: str) -> dict[str, Any]:
    match do:
        case "find":
            return {"paths": list(hand.find())}
        case "draft":
            return asdict(hand.draft())
        case "tidy":
            hand.tidy()
        case _:
            hand.commit()
    return {}


def pack_order(order: Order) -> tuple[dict[str, Any], list[bytes]]:
    """An order as JSON values, and the texts that go beside them."""
    match order.change:
        case Write(content):
            return {"change": "write", "path": order.path}, [content]
        case Append(content):
            return {"change": "append", "path": order.path}, [content]
        case Replace(old, new):
            return {"change": "replace", "path": order.path}, [old, new]
        case Delete():
            return {"change": "delete", "path": order.path}, []
        case Move(to):
            return {"change": "move", "path": order.path, "to": to}, []


def unpack_order(values: dict[str, Any], descriptors: Sequence[int]) -> Order:
    """The reverse, of texts in files (closed here)."""
    texts = [_read(descriptor) for descriptor in descriptors]
    change: Change
    match values["change"], texts:
        case "write", [content]:
            change = Write(content)
        case "append", [content]:
            change = Append(content)
        case "replace", [old, new]:
            change = Replace(old, new)
        case "delete", []:
            change = Delete()
        case "move", []:
            change = Move(values["to"])
        case _:
            raise LinkEnded("that is no order")
    return Order(values["path"], change)


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


def send_order(link: socket.socket, order: Order) -> None:
    """Hands an order to a scribe. OSError."""
    values, texts = pack_order(order)
    held: list[int] = []
    try:
        for text in texts:
            held.append(os.memfd_create("text", os.MFD_CLOEXEC))
            with open(held[-1], "wb", closefd=False) as file:
                file.write(text)
            os.lseek(held[-1], 0, os.SEEK_SET)
        messages.send_packet(link, values, held)
    finally:
        for descriptor in held:
            os.close(descriptor)
