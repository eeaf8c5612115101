"""Options of a command line as getopt sees them, on words that may not be known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cash.syntax.command import Word


@dataclass(slots=True)
class Options:
    """found: option → its value, in order. first: index of the first word that is none.
    doubts: where else the operands might begin, because an unknown option may want a value."""

    found: list[tuple[str, Word | None]] = field(default_factory=list)
    first: int = 0
    doubts: list[int] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether one of the options stands there."""
        return any(name in names for name, _ in self.found)

    def values(self, *names: str) -> list[Word]:
        """The values of these options."""
        return [value for name, value in self.found if name in names and value is not None]


def parse_options(
    argv: Sequence[Word],
    start: int,
    valued: str,
    flags: str,
    long: Sequence[str] = (),
) -> Options:
    """Takes options from argv[start:] until the first operand or `--`."""
    options = Options()
    index = start
    while index < len(argv):
        word = argv[index]
        lead = word.parts[0]
        if not isinstance(lead, str) or not lead.startswith("-") or word.text == "-":
            break
        index += 1
        if word.text == "--":
            break
        if lead.startswith("--"):
            index += _take_long(argv, index, word, long, options)
        else:
            index += _take_short(argv, index, word, valued, flags, options)
    options.first = min(index, len(argv))
    return options


def _take_long(
    argv: Sequence[Word], following: int, word: Word, long: Sequence[str], options: Options
) -> int:
    name, equals, _ = word.text.partition("=")
    if equals:
        options.found.append((name, rest_of(word, len(name) + 1)))
        return 0
    # getopt takes any unique beginning of a long option.
    wants = next((each for each in long if each.startswith(name)), None)
    if wants is None or following >= len(argv):
        options.found.append((name, None))
        return 0
    options.found.append((wants, argv[following]))
    return 1


def _take_short(
    argv: Sequence[Word], following: int, word: Word, valued: str, flags: str, options: Options
) -> int:
    lead = word.parts[0]
    assert isinstance(lead, str)
    for place, letter in enumerate(lead[1:], start=1):
        name = f"-{letter}"
        if letter in valued:
            value = rest_of(word, place + 1)
            if value.text:
                options.found.append((name, value))
                return 0
            if following < len(argv):
                options.found.append((name, argv[following]))
                return 1
        options.found.append((name, None))
        if letter not in flags and letter not in valued:
            options.doubts.append(following + 1)
    return 0


def rest_of(word: Word, length: int) -> Word:
    """The word without its first characters, which are literal."""
    lead = word.parts[0]
    assert isinstance(lead, str)
    rest = (lead[length:], *word.parts[1:])
    return Word(tuple(part for part in rest if part != "") or ("",), word.source)
