"""The README's picture: a real terminal session of the governed shell, drawn as SVG."""

from __future__ import annotations

import html
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyte

_ROWS, _COLUMNS = 26, 100
_FONT_SIZE, _CELL, _LINE = 14, 8.43, 19
_MARGIN, _BAR = 16, 34
_BACKGROUND, _FOREGROUND, _DIM = "#14171c", "#d5d9e0", "#7d8590"
_COLOURS = {
    "black": "#3b424c",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "yellow": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": "#d5d9e0",
    "brightblack": _DIM,
}

_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-label="{title}">
<rect width="{width}" height="{height}" rx="8" fill="{background}"/>
<circle cx="18" cy="17" r="5" fill="#ff5f57"/>
<circle cx="36" cy="17" r="5" fill="#febc2e"/>
<circle cx="54" cy="17" r="5" fill="#28c840"/>
<text x="{middle}" y="22" text-anchor="middle" fill="{dim}" font-family="sans-serif" \
font-size="13">{title}</text>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="{size}" \
xml:space="preserve" style="white-space: pre">
{body}
</g>
</svg>
"""

# What is typed, and what the screen shows when it is done.
_STORY = (
    ("ls\r", "README.md"),
    ("npm install left-pad\r", "Done in"),
    ("echo cleaning; rm -rf ~\r", "denied by"),
    ("git push --force origin agent/alice\r", "explain"),
    ("n", "denied by a person"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One character as the terminal shows it."""

    text: str
    colour: str
    bold: bool
    reverse: bool


def draw(rows: Sequence[Sequence[Cell]], title: str) -> str:
    """The SVG of a screen in a plain window frame; every run of like cells is one element."""
    width = round(_MARGIN * 2 + _CELL * max(len(row) for row in rows))
    height = _BAR + _MARGIN + _LINE * len(rows)
    body = [text for number, row in enumerate(rows) for text in _draw_row(row, number)]
    return _FRAME.format(
        width=width,
        height=height,
        middle=width // 2,
        title=html.escape(title),
        background=_BACKGROUND,
        dim=_DIM,
        size=_FONT_SIZE,
        body="\n".join(body),
    )


def _draw_row(row: Sequence[Cell], number: int) -> Iterator[str]:
    y = _BAR + _LINE * (number + 1) - 5
    column = 0
    for (colour, bold, reverse), group in groupby(row, lambda c: (c.colour, c.bold, c.reverse)):
        text = "".join(cell.text for cell in group)
        x, length = _MARGIN + _CELL * column, _CELL * len(text)
        column += len(text)
        if reverse:
            box = f'x="{x:.1f}" y="{y - 14}" width="{length:.1f}" height="18"'
            yield f'<rect {box} fill="{colour}"/>'
            colour = _BACKGROUND
        if text.strip():
            weight = ' font-weight="bold"' if bold else ""
            yield (
                f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}" fill="{colour}"{weight}>'
                f"{html.escape(text)}</text>"
            )


def read_screen(screen: pyte.Screen) -> list[list[Cell]]:
    """The screen's rows without the empty ones at its end."""
    rows = [
        [_read_cell(screen.buffer[y][x]) for x in range(screen.columns)]
        for y in range(screen.lines)
    ]
    while rows and not "".join(cell.text for cell in rows[-1]).strip():
        rows.pop()
    return rows


def _read_cell(found: Any) -> Cell:
    colour = _FOREGROUND
    if found.fg != "default":
        colour = _COLOURS.get(found.fg, f"#{found.fg}" if len(found.fg) == 6 else _FOREGROUND)
    return Cell(found.data or " ", colour, found.bold, found.reverse)


def record() -> list[list[Cell]]:
    """Plays the story in a small repository made for it; polis is stopped and all of it removed
    afterwards. Needs pexpect and pyte (the development dependencies)."""
    with tempfile.TemporaryDirectory(prefix="polis-picture-") as folder:
        environment = _prepare(Path(folder))
        repository = Path(folder) / "shop"
        try:
            return _play(environment, repository)
        finally:
            subprocess.run(["polis", "down"], env=environment, cwd=repository, check=False)


def _prepare(folder: Path) -> dict[str, str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": os.fspath(folder / "home"),
        "XDG_STATE_HOME": os.fspath(folder / "home/.local/state"),
        "XDG_RUNTIME_DIR": os.fspath(folder / "run"),
        "XDG_CONFIG_HOME": os.fspath(folder / "home/.config"),
        "TERM": "xterm-256color",
    }
    for name in ("home", "run", "shop"):
        (folder / name).mkdir(mode=0o700)
    (folder / "home/.gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    (folder / "shop/README.md").write_text("# A small shop\n")
    (folder / "shop/package.json").write_text('{"name": "shop", "private": true}\n')
    (folder / "shop/.npmrc").write_text("update-notifier=false\n")
    for words in (
        ("git", "init", "-q", "-b", "main"),
        ("git", "add", "."),
        ("git", "commit", "-q", "-m", "Open the shop"),
        ("polis", "init"),
        ("polis", "agents", "add", "alice"),
    ):
        subprocess.run(
            words, cwd=folder / "shop", env=environment, check=True, stdout=subprocess.DEVNULL
        )
    return environment


def _play(environment: dict[str, str], repository: Path) -> list[list[Cell]]:
    import pexpect
    import pyte

    screen = pyte.Screen(_COLUMNS, _ROWS)
    stream = pyte.ByteStream(screen)
    shell = pexpect.spawn(
        "polis",
        ["shell", "alice"],
        env=environment,
        cwd=os.fspath(repository),
        dimensions=(_ROWS, _COLUMNS),
    )
    try:
        _feed(shell, stream, screen, "$")
        for keys, shown in _STORY:
            shell.send(keys)
            _feed(shell, stream, screen, shown)
        return read_screen(screen)
    finally:
        shell.close(force=True)


def _feed(shell: Any, stream: Any, screen: Any, shown: str) -> None:
    """Feeds the screen until it shows the text and has been still for a moment."""
    import pexpect

    deadline = time.monotonic() + 60
    still = False
    while not (still and any(shown in line for line in screen.display)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{shown!r} never came:\n" + "\n".join(screen.display))
        try:
            stream.feed(shell.read_nonblocking(65536, 1.0))
            still = False
        except pexpect.TIMEOUT:
            still = True


def main() -> None:
    """Writes docs/shell.svg of the checkout, or the file named."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/shell.svg")
    target.write_text(draw(record(), "polis shell alice"))
    print(target)


if __name__ == "__main__":
    main()
