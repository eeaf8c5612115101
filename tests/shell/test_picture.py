"""The picture is what a terminal shows, as well-formed SVG."""

from __future__ import annotations

from xml.etree import ElementTree

import pyte

from cash.shell.picture import Cell, draw, read_screen


def test_a_screen_becomes_svg() -> None:
    screen = pyte.Screen(20, 5)
    text = "\x1b[1;32malice\x1b[0m <a & b>\r\n\x1b[7m%\x1b[0m  \x1b[38;5;196mx\x1b[0m\r\n"
    pyte.Stream(screen).feed(text)
    rows = read_screen(screen)
    assert len(rows) == 2
    assert rows[0][0] == Cell("a", "#7ee787", bold=True, reverse=False)
    assert rows[1][0].reverse
    assert rows[1][3].colour == "#ff0000"
    root = ElementTree.fromstring(draw(rows, "polis <shell>"))
    told = [(one.text or "").rstrip() for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert told == ["polis <shell>", "alice", " <a & b>", "%", "x"]
    assert root.get("aria-label") == "polis <shell>"
