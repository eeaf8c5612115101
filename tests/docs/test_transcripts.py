"""What the documents show is what happens: their console blocks are run and compared."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from installation import Installation

from cash.cli.tour.repository import make_repository

_CHECKOUT = Path(__file__).parents[2]
_PAGES = sorted([_CHECKOUT / "README.md", *(_CHECKOUT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STATUS = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class Shown:
    """A command as typed, what the page shows of its output, and its exit status."""

    command: str
    output: str
    status: int


def read_page(text: str) -> list[Shown]:
    """The commands of all console blocks. `$ ` begins one, `> ` continues it, `[N]` on a line of
    its own is its status, a line `…` stands for any lines, and … within one for any text."""
    found = []
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            command = [lines.pop(0)]
            while lines and lines[0].startswith("> "):
                command.append(lines.pop(0)[2:])
            status = 0
            if lines and (said := _STATUS.fullmatch(lines[-1].strip())):
                status = int(said[1])
                lines.pop()
            found.append(Shown("\n".join(command), "\n".join(lines).rstrip(), status))
    return found


def matches(shown: str, real: str) -> bool:
    """Whether the output is the one that is shown."""
    pattern = "\n".join(
        "(?:.*\n?)*?.*" if line == "…" else ".*".join(map(re.escape, line.split("…")))
        for line in shown.split("\n")
    )
    return re.fullmatch(pattern, real) is not None


class Reader:
    """Types the page's commands into bash, in one directory after another."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.folder = make_repository(installation.home / "shop")

    def type(self, command: str) -> tuple[str, int]:
        place = self.installation.folder / "place"
        script = f"{{ {command}\n}} 2>&1; ended=$?; pwd >{place}; exit $ended"
        ran = self.installation.run("bash", "-c", script, cwd=self.folder)
        self.folder = Path(place.read_text().strip())
        home = str(self.installation.home)
        lines = [line.rstrip() for line in ran.out.replace(home, "~").splitlines()]
        return "\n".join(lines).rstrip(), ran.status


@pytest.mark.parametrize("page", _PAGES, ids=[str(p.relative_to(_CHECKOUT)) for p in _PAGES])
def test_the_page_shows_what_happens(page: Path, installation: Installation) -> None:
    reader = Reader(installation)
    for shown in read_page(page.read_text()):
        output, status = reader.type(shown.command)
        assert status == shown.status, f"{shown.command}\n{output}"
        assert matches(shown.output, output), f"{shown.command}\n{output}"


def test_there_are_transcripts() -> None:
    assert sum(len(read_page(page.read_text())) for page in _PAGES) >= 5


def test_a_page_is_read_as_it_is_meant() -> None:
    page = "x\n```console\n$ cd a\n$ for x in 1; do\n> echo $x\n> done\n1\n[3]\n```\n"
    assert read_page(page) == [Shown("cd a", "", 0), Shown("for x in 1; do\necho $x\ndone", "1", 3)]


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a…c", "abc", True),
        ("a…c", "ab\nc", False),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\n…\nd", "a\nd", False),
        ("…", "", True),
        ("…", "a\nb", True),
        ("a", "a\nb", False),
        (".", "x", False),
    ],
)
def test_outputs_are_compared(shown: str, real: str, same: bool) -> None:
    assert matches(shown, real) is same


@pytest.mark.parametrize("page", _PAGES, ids=[str(p.relative_to(_CHECKOUT)) for p in _PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


def test_what_the_readme_puts_on_the_path_is_there() -> None:
    (line,) = re.findall(r"`(export PATH=[^`]*)`", (_CHECKOUT / "README.md").read_text())
    asked = f"{line}; command -v polis; command -v pnpm"
    ran = subprocess.run(
        ["sh", "-c", asked], cwd=_CHECKOUT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [
        f"{_CHECKOUT}/.venv/bin/polis",
        f"{_CHECKOUT}/.tools/node_modules/.bin/pnpm",
    ]
