"""Text made easier for tree-sitter-bash, byte for byte, so that every position stays.

The grammar has holes (several here-documents or backtick groups on a line, `time`, `coproc`, `<>`,
`{fd}>`, a line that begins with a backslash). What stands in a hole is read here and overwritten
with something plain; the walker puts it back where it finds that position. Words are always taken
from the true text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tree_sitter import Node, Tree

from cash.syntax.scan import HereDocument, close_of, here_document

_SUSPECT = re.compile(rb"<<|`|<>|\}[<>]|\btime\b|\bcoproc\b|!|\bdo\b|\n\\")
# What each of those has in it.
_MARK = re.compile(rb"[<`}!\n]")
_WORDS = (b"time", b"coproc", b"do")
_CANDIDATE = re.compile(
    rb"(?P<document>(?<!<)<<(?!<))"
    rb"|(?P<backtick>`)"
    rb"|(?P<both><>)"
    rb"|(?P<string><<<)"
    rb"|(?<=for|ect)[ \t]+[A-Za-z_]\w*(?P<blank>[ \t])(?=[ \t]*do\s)"
    rb"|(?P<descriptor>\{[A-Za-z_]\w*\}(?=[<>]))"
    rb"|(?<![^\s;&|(){`!])(?P<time>time(?:[ \t]+-p)?(?:[ \t]+--)?)(?=\s|$)"
    rb"|(?<![^\s;&|(){`!])(?P<coproc>coproc(?:[ \t]+[A-Za-z_]\w*"
    rb"(?=[ \t]+(?:[{(]|(?:while|until|for|if|case|select)\s)))?)(?=\s)"
    rb"|(?<![^\s;&|(){`!])(?P<not>!)(?=\s)"
    rb"|(?P<line>\n)(?=\\)"
)
# What each candidate has in it: behind the last one, little is left to look at closely.
_HINT = re.compile(rb"[<`{!\\]|time|coproc|do")
_HARD_TO_NEGATE = re.compile(rb"[ \t]+[{(\[!tc]")
# Each filled hole costs another parse of the whole text; more bytes than this are not parsed.
_MOST_WORK = 1_500_000
_TEXT = frozenset({"raw_string", "comment", "ansi_c_string", "string_content", "regex"})
_BLANKED = bytes([byte if byte == 0x0A else 0x20 for byte in range(256)])
_NUMBERS = frozenset(
    {"binary_expression", "arithmetic_expansion", "unary_expression", "test_command"}
)


@dataclass(slots=True)
class Masks:
    """What was overwritten, by where it starts (documents, strings; backticks: to its end), ends
    (descriptors), or by where the text behind it starts (prefixes). filled: anything was."""

    documents: dict[int, HereDocument] = field(default_factory=dict)
    backticks: dict[int, int] = field(default_factory=dict)
    strings: set[int] = field(default_factory=set)
    descriptors: dict[int, str] = field(default_factory=dict)
    prefixes: dict[int, str] = field(default_factory=dict)
    failure: str | None = None
    incomplete: bool = False
    filled: bool = False


def mask(source: bytes, parse: Callable[[bytes], Tree]) -> tuple[Tree, Masks | None]:
    """The tree of the text with the grammar's holes filled, and what stood in them (None when
    there was nothing to fill)."""
    tree = parse(source)
    # Looking for one text at a time is many times as fast as looking for all of them at once.
    if _MARK.search(source) is None and not any([word in source for word in _WORDS]):
        return tree, None
    if not _SUSPECT.search(source):
        return tree, None
    masker = _Masker(source, parse, tree)
    masker.run()
    return masker.tree, masker.masks


class _Masker:
    def __init__(self, source: bytes, parse: Callable[[bytes], Tree], tree: Tree) -> None:
        self.source = source
        self.parse = parse
        self.tree = tree
        self.text = bytearray(source)
        self.masks = Masks()
        self.line_ends: dict[int, int] = {}
        self.work = 0

    def run(self) -> None:
        position = 0
        while self.masks.failure is None and _HINT.search(self.text, position) is not None:
            found = _CANDIDATE.search(self.text, position)
            if found is None:
                return
            position = found.end()
            if self._escaped(found.start()):
                position = found.start() + 1
            elif self._fill(found):
                self.masks.filled = True
                self.work += len(self.text)
                if self.work > _MOST_WORK:
                    self.masks.failure = "too many here-documents or backticks"
                    return
                self.tree = self.parse(bytes(self.text))

    def _escaped(self, start: int) -> bool:
        before = self.text[:start]
        return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1

    def _fill(self, found: re.Match[bytes]) -> bool:
        """Overwrites one candidate; False when it is no such thing here."""
        start, end = found.span()
        node = self.tree.root_node.descendant_for_byte_range(start, start + 1)
        if node is None or node.type in _TEXT:
            return False
        match found.lastgroup:
            case "document":
                return self._fill_document(start, node)
            case "backtick":
                return self._fill_backtick(start)
            case "both":
                if not self.tree.root_node.has_error:
                    return False
                self.text[start:end] = b">>"
            case "string":
                if not self.tree.root_node.has_error:
                    return False
                self.masks.strings.add(start)
                self.text[start:end] = b"<  "
            case "blank":  # `for x do`
                if not self.tree.root_node.has_error:
                    return False
                self.text[found.start("blank")] = 0x3B
            case "descriptor":
                if node.type == "string":
                    return False
                self.masks.descriptors[end] = found.group().decode()
                self.text[start:end] = b" " * (end - start - 1) + b"9"
            case "not":
                parent = _parent_type(node)
                if parent != "command_name" and not (
                    parent == "negated_command" and _HARD_TO_NEGATE.match(self.text, end)
                ):
                    return False
                self.text[start:end] = b" "
            case "line":
                return self._fill_line(end, node)
            case label:
                if not _commands_name(node):
                    return False
                following = re.compile(rb"\s*").match(self.text, end)
                self.masks.prefixes[following.end() if following else end] = str(label)
                self.text[start:end] = b" " * (end - start)
        return True

    def _fill_line(self, start: int, node: Node) -> bool:
        """A line that begins with `\\`: the grammar takes its word for one of the line before."""
        following = bytes(self.text[start + 1 : start + 2])
        if following == b"\n" and node.type != "string":
            while self.text[start : start + 2] == b"\\\n":
                self.text[start : start + 2] = b"  "
                start += 2
            return True
        if node.type != "word" and following not in (b" ", b"\t"):
            return False
        is_part = following.isalnum() or following >= b"\x80"
        self.text[start : start + 2] = b"_" + (following if is_part else b"_")
        return True

    def _fill_document(self, start: int, node: Node) -> bool:
        if node.type in ("string", "word") or (node.parent and node.parent.type in _NUMBERS):
            return False
        document = here_document(bytes(self.text), start, self.line_ends)
        if document is None:
            self.masks.failure = "a here-document that does not end"
            self.masks.incomplete = True
            return False
        self.masks.documents[start] = document
        self.line_ends[document.line_end] = document.end
        stop = document.delimiter[1]
        self.text[start:stop] = b"<" + b"_" * (stop - start - 1)
        body = slice(document.body_start, document.end)
        self.text[body] = self.text[body].translate(_BLANKED)
        return True

    def _fill_backtick(self, start: int) -> bool:
        end = close_of(bytes(self.text), start)
        if end is None:
            self.masks.failure = "a backtick that does not end"
            self.masks.incomplete = True
            return False
        self.masks.backticks[start] = end
        self.text[start:end] = b"_" * (end - start)
        return True


def _parent_type(node: Node) -> str:
    return node.parent.type if node.parent is not None else ""


def _commands_name(node: Node) -> bool:
    """Whether the word is (the start of) a command's name, or in a tree too broken to tell."""
    above: Node | None = node
    while above is not None and above.start_byte == node.start_byte:
        if above.type in ("command_name", "ERROR"):
            return True
        above = above.parent
    return above is not None and above.type == "ERROR"
