"""What a word of a line will be, as far as that is known before it runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cash.policy.glob import ANY, HOLES, NAME, ONE, UNKNOWN, VISIBLE
from cash.syntax.command import Expansion, Word

_MOST_BRACES = 64
_BRACKET = re.compile(r"\[[^\]]*\]")
_PARAMETER = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))\Z")
# A glob in front of a name finds no hidden file. (A bare `?` stays: it is not all of a folder.)
_STAR_IN_FRONT = re.compile(f"(?:(?<=/)|^)(?:{NAME}|{ONE}(?=[^/]))")
_NUMBERS = re.compile(r"\{(-?\d{1,6})\.\.(-?\d{1,6})\}\Z")


# A tuple, since a line makes dozens: a frozen dataclass takes three times as long to make.
class Value(NamedTuple):
    """text: with holes (cash.policy.glob) where bash decides. assumed: it rests on a variable
    set earlier in the line. loose: it may become several words, or none, or flags."""

    text: str
    word: Word
    assumed: bool = False
    loose: bool = False
    holes: bool = False


def likely_text(value: Value) -> str:
    """The text with globs as written: `x?y` stays that when no file has such a name."""
    if not value.holes:
        return value.text
    return "".join(_likely_part(part) for part in value.word.parts)


def _likely_part(part: str | Expansion) -> str:
    if isinstance(part, str):
        return _as_holes(part)
    return part.text if part.kind == "glob" else UNKNOWN


Variables = Mapping[str, "str | None"]


def value_of(word: Word, variables: Variables) -> Value:
    """variables: name → value as far as known; None for one whose value is not."""
    parts = word.parts
    if len(parts) == 1 and isinstance(parts[0], str):
        text = parts[0]
        if text.isascii() or HOLES.isdisjoint(text):
            return Value(text, word)
        return Value(_as_holes(text), word, holes=True)
    return _compose(word, parts, variables)


def values_of(words: Sequence[Word], variables: Variables) -> list[Value]:
    """The values of an argv, braces expanded: `{a,b}` is two words, and so is an unquoted `$X`
    with a blank in it."""
    found: list[Value] = []
    for word in words:
        parts = word.parts
        if len(parts) == 1 and isinstance(parts[0], str) and parts[0].isascii():
            found.append(Value(parts[0], word))  # the usual word
        elif len(parts) > 1 or (parts and not isinstance(parts[0], str)):
            for one in expand_braces(word):
                found += _split(value_of(one, variables))
        else:
            found.append(value_of(word, variables))
    return found


def _split(value: Value) -> list[Value]:
    """A known variable's value as bash splits it, where it is all of the word."""
    parts = value.word.parts
    if not value.assumed or value.holes or len(parts) != 1 or not isinstance(parts[0], Expansion):
        return [value]
    if _is_quoted(value.word, parts[0]):
        return [value]
    words = value.text.split()
    return [Value(one, Word((one,), one), assumed=True) for one in words] or [value]


def _compose(word: Word, parts: Sequence[str | Expansion], variables: Variables) -> Value:
    out: list[str] = []
    assumed = loose = False
    for part in parts:
        if isinstance(part, str):
            out.append(_as_holes(part))
            continue
        match part.kind:
            case "glob":
                out.append(_glob_text(part.text))
                loose = True
            case "tilde":
                out.append(_home_of(part, variables))
            case "process":
                out.append("/dev/fd/63")  # what bash puts there, or a number below
            case "parameter" if (known := _variable(part, variables)) is not None:
                out.append(known)
                assumed = True
            case _:
                out.append(UNKNOWN)
                loose = loose or not _is_quoted(word, part)
    text = "".join(out)
    if loose and (NAME in text or ONE in text):
        text = _STAR_IN_FRONT.sub(VISIBLE, text)
    return Value(text, word, assumed, loose, not HOLES.isdisjoint(text))


def _as_holes(text: str) -> str:
    # Nobody types private-use characters; one in a line must not pass for a literal.
    if text.isascii() or HOLES.isdisjoint(text):
        return text
    return "".join(UNKNOWN if char in HOLES else char for char in text)


def _glob_text(text: str) -> str:
    return _BRACKET.sub(ONE, text).replace("**", ANY).replace("*", NAME).replace("?", ONE)


def _home_of(part: Expansion, variables: Variables) -> str:
    if part.text in ("~", "~/") or not part.name:
        known = variables.get("PWD" if part.text == "~+" else "HOME")
        return known if known is not None else UNKNOWN
    return "/root" if part.name == "root" else UNKNOWN


def _variable(part: Expansion, variables: Variables) -> str | None:
    found = _PARAMETER.match(part.text)
    if found is None:
        return None
    return variables.get(found[1] or found[2])


def _is_quoted(word: Word, part: Expansion) -> bool:
    """Whether the expansion stands in double quotes: then it stays one word."""
    at = word.source.find(part.text)
    if at < 0:
        return word.source.startswith('"')
    return word.source.count('"', 0, at) - word.source.count('\\"', 0, at) & 1 == 1


def expand_braces(word: Word) -> tuple[Word, ...]:
    """The words of `a{b,c}d`; the word itself where the braces hold more than text."""
    for index, part in enumerate(word.parts):
        if isinstance(part, Expansion) and part.kind == "brace":
            choices = _choices(part.text)
            others = sum(isinstance(one, Expansion) and one.kind == "brace" for one in word.parts)
            if not choices or len(choices) * 2 ** (others - 1) > _MOST_BRACES:
                return (word,)
            before, after = word.parts[:index], word.parts[index + 1 :]
            found = [
                one
                for choice in choices
                for one in expand_braces(Word((*before, choice, *after), word.source))
            ]
            return tuple(found) if len(found) <= _MOST_BRACES else (word,)
    return (_joined(word),)


def _joined(word: Word) -> Word:
    if not word.literal or len(word.parts) == 1:
        return word
    return Word((word.text,), word.source, word.span)


def _choices(text: str) -> list[str]:
    if numbers := _NUMBERS.match(text):
        first, last = int(numbers[1]), int(numbers[2])
        step = 1 if last >= first else -1
        found = range(first, last + step, step)
        return [str(number) for number in found] if len(found) <= _MOST_BRACES else []
    if any(char in text for char in "$`\"'\\*?[~") or not text.startswith("{"):
        return []
    return _split_braces(text[1:-1])


def _split_braces(inner: str) -> list[str]:
    found, depth = [""], 0
    for char in inner:
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            found.append("")
        else:
            found[-1] += char
    flat = [one for choice in found for one in _flatten(choice)]
    return flat if len(found) > 1 and len(flat) <= _MOST_BRACES else []


def _flatten(choice: str) -> list[str]:
    start, end = choice.find("{"), choice.rfind("}")
    if start < 0 or end < start:
        return [choice]
    inner = _split_braces(choice[start + 1 : end])
    return [choice[:start] + one + choice[end + 1 :] for one in inner] if inner else [choice]
