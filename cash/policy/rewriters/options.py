"""Reading the options of npm, npx and yarn from words, and writing them for pnpm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cash.policy.rewriters.result import Unclear, literal_word
from cash.syntax.command import Word

_TRUTH = ("true", "false")


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a program reads its options.

    short: letter or abbreviation → the option it stands for, `save-dev` or `loglevel=silent`.
    valued: options that take the next word as their value; every other one is a switch.
    switches: the known switches; only needed where unique prefixes count (`abbreviates`).
    """

    short: Mapping[str, str]
    valued: frozenset[str]
    switches: frozenset[str] = frozenset()
    abbreviates: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """One option. name: without dashes, `no-` in front when negated. words: as written."""

    name: str
    value: Word | None
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The option as people write it."""
        return self.words[0].text


@dataclass(frozen=True, slots=True)
class Options:
    """items: flags and operands in the order written. rest: what stands behind `--`."""

    items: tuple[Flag | Word, ...]
    rest: tuple[Word, ...] | None = None

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(item for item in self.items if isinstance(item, Flag))

    @property
    def operands(self) -> tuple[Word, ...]:
        return tuple(item for item in self.items if isinstance(item, Word))

    def has(self, *names: str) -> bool:
        """Whether one of the options was given, not negated."""
        return any([isinstance(item, Flag) and item.name in names for item in self.items])

    def without(self, *names: str) -> Options:
        """The same with these options left out."""
        kept = (i for i in self.items if not (isinstance(i, Flag) and i.name in names))
        return replace(self, items=tuple(kept))

    def after_verb(self) -> Options:
        """The same without the first operand."""
        items = list(self.items)
        items.remove(self.operands[0])
        return replace(self, items=tuple(items))


@dataclass(slots=True)
class _Reading:
    grammar: Grammar
    words: Sequence[Word]
    index: int = 0
    items: list[Flag | Word] = field(default_factory=list)

    def take(self) -> Word:
        self.index += 1
        return self.words[self.index - 1]

    def following(self) -> Word | None:
        return self.words[self.index] if self.index < len(self.words) else None


def read_options(
    words: Sequence[Word], grammar: Grammar, *, until_operand: bool = False
) -> Options | Unclear:
    """Options and operands of `words`; with until_operand all from the first operand on is rest.

    A word whose first letter is not known before running may be an option or several: Unclear.
    """
    reading = _Reading(grammar, words)
    while (word := reading.following()) is not None:
        start = word.parts[0] if word.parts else ""
        if not isinstance(start, str):
            return Unclear(f"{word.text} may be a package or an option; it is known only later")
        if word.text == "--":
            return Options(tuple(reading.items), tuple(words[reading.index + 1 :]))
        if not start.startswith("-") or start == "-":
            if until_operand:
                return Options(tuple(reading.items), tuple(words[reading.index :]))
            reading.items.append(reading.take())
            continue
        trouble = _read_flag(reading)
        if trouble is not None:
            return trouble
    return Options(tuple(reading.items))


def _read_flag(reading: _Reading) -> Unclear | None:
    word = reading.take()
    head = word.parts[0]
    assert isinstance(head, str)
    spelled, equals, _ = head.partition("=")
    if not equals and not word.literal:
        return Unclear(f"the option {word.text} is known only when the line runs")
    bare = spelled.lstrip("-")
    letters = "" if spelled.startswith("--") or _known(bare, reading.grammar) else bare
    if len(letters) > 1 and all(letter in reading.grammar.short for letter in letters):
        for letter in letters:
            alone = literal_word(f"-{letter}")
            reading.items.append(_flag(reading, alone, reading.grammar.short[letter], equals=False))
        return None
    name = _name(bare, reading.grammar)
    flag = _flag(reading, word, name, equals=bool(equals))
    if flag.name.startswith(bare) and flag.name != bare and bare not in reading.grammar.short:
        flag = replace(flag, words=(literal_word(f"--{flag.name}"), *flag.words[1:]))
    reading.items.append(flag)
    return None


def _known(bare: str, grammar: Grammar) -> bool:
    long = grammar.valued | grammar.switches
    return bare in grammar.short or bare in long or bare.removeprefix("no-") in long


def _name(bare: str, grammar: Grammar) -> str:
    """The option a spelling stands for; an unknown one stands for itself, as a switch."""
    if bare in grammar.short:
        return grammar.short[bare]
    if grammar.abbreviates and not _known(bare, grammar):
        longer = [n for n in sorted(grammar.valued | grammar.switches) if n.startswith(bare)]
        if len(longer) == 1:
            return longer[0]
    return bare


def _flag(reading: _Reading, word: Word, name: str, *, equals: bool) -> Flag:
    name, fixed, constant = name.partition("=")
    if fixed:
        return Flag(name, literal_word(constant), (word,))
    value = _behind_equals(word) if equals else None
    words: tuple[Word, ...] = (word,)
    following = reading.following()
    takes = name in reading.grammar.valued or (following and following.text in _TRUTH)
    if not equals and following is not None and takes:
        value = reading.take()
        words = (word, value)
    if name not in reading.grammar.valued and value is not None and value.text in _TRUTH:
        negated = (value.text == "false") != name.startswith("no-")
        name = f"no-{name.removeprefix('no-')}" if negated else name.removeprefix("no-")
        return Flag(name, None, (literal_word(f"--{name}"),))
    return Flag(name, value, words)


def _behind_equals(word: Word) -> Word:
    head = word.parts[0]
    assert isinstance(head, str)
    before, _, after = head.partition("=")
    parts = ((after,) if after else ()) + word.parts[1:]
    source = word.source.removeprefix(f"{before}=")
    return Word(parts=parts or ("",), source=source)


@dataclass(frozen=True, slots=True)
class As:
    """What a flag becomes. words: `{}` stands for its value, `=` for the flag as written; none:
    it is left out, because pnpm behaves that way anyway or it only changes what is printed.
    leading: it goes before pnpm's verb."""

    words: tuple[str, ...] = ()
    leading: bool = False


KEPT = As(("=",))
DROPPED = As()
Table = Mapping[str, As]


@dataclass(frozen=True, slots=True)
class Written:
    """leading goes before pnpm's verb, following behind it."""

    leading: tuple[Word, ...]
    following: tuple[Word, ...]


def write_options(options: Options, table: Table, *, program: str) -> Written | Unclear:
    """The options and operands as pnpm takes them; a flag missing in the table is Unclear.

    The table is asked for `name=value` first, then for `name`.
    """
    leading: list[Word] = []
    following: list[Word] = []
    for item in options.items:
        if isinstance(item, Word):
            following.append(item)
            continue
        become = _lookup(item, table)
        if become is None:
            return no_equivalent(item, program)
        if item.value is None and any("{}" in word for word in become.words):
            return Unclear(f"{item.text} has no value", hint=f"{program} --help")
        (leading if become.leading else following).extend(_write(item, become))
    return Written(tuple(leading), tuple(following))


def no_equivalent(flag: Flag, program: str) -> Unclear:
    """The answer for a flag that pnpm does not have."""
    return Unclear(
        f"pnpm has no equivalent of {program}'s {flag.text}",
        hint=f"Leave {flag.text} out, or write the pnpm command that is meant.",
    )


def _lookup(flag: Flag, table: Table) -> As | None:
    if flag.value is not None and flag.value.literal:
        exact = table.get(f"{flag.name}={flag.value.text}")
        if exact is not None:
            return exact
    return table.get(flag.name)


def _write(flag: Flag, become: As) -> Iterable[Word]:
    for template in become.words:
        if template == "=":
            yield from flag.words
        elif "{}" not in template:
            yield literal_word(template)
        else:
            assert flag.value is not None
            yield _filled(template, flag.value)


def _filled(template: str, value: Word) -> Word:
    """`--filter={}` with a value that may hold expansions."""
    before = template.removesuffix("{}")
    if value.literal:
        return literal_word(before + value.text)
    return Word(parts=(before, *value.parts), source=before + value.source)
