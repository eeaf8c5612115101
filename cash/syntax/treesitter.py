"""The first deciding reader: tree-sitter-bash. It runs in this process, in microseconds."""

from __future__ import annotations

import re
from collections.abc import Sequence

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from cash.syntax.command import Assignment, Word
from cash.syntax.incomplete import can_be_completed
from cash.syntax.masks import Masks, mask
from cash.syntax.reading import Collector, Place, Reading, TooDeep
from cash.syntax.scan import close_of, quotes_subscript, unescape_backticks
from cash.syntax.treesitter_words import EXPRESSIONS, HOLES, Piece, TreeWords
from cash.syntax.word import hides_nothing

_COMPOUND = {
    "subshell": "subshell",
    "compound_statement": None,
    "if_statement": "if",
    "while_statement": "while",
    "for_statement": "for",
    "c_style_for_statement": "for",
    "case_statement": "case",
    "function_definition": "function",
}
_SIMPLE = frozenset(
    {
        "command",
        "declaration_command",
        "unset_command",
        "variable_assignment",
        "variable_assignments",
    }
)
_STATEMENTS = _SIMPLE | _COMPOUND.keys() | {"pipeline", "test_command"}
_REDIRECTS = frozenset({"file_redirect", "herestring_redirect"})
_IN_BODY = re.compile(rb"\\.|`|\$[({\[]", re.DOTALL)


class TreeSitter:
    """Reads bash with tree-sitter-bash. Not for two threads at once."""

    def __init__(self) -> None:
        self._parser = Parser(Language(tree_sitter_bash.language()))

    def prepare(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read(self, source: bytes, _deadline: float) -> Reading:
        """Never raises."""
        collector = Collector()
        try:
            failure, incomplete = self.walk(source, 0, collector, Place())
        except (TooDeep, RecursionError):
            return Reading(tuple(collector.commands), "nested too deeply", too_deep=True)
        if failure is not None and not incomplete:
            incomplete = can_be_completed(source, self.parses)
        return Reading(tuple(collector.commands), failure, incomplete)

    def walk(
        self, source: bytes, base: int | None, collector: Collector, place: Place
    ) -> tuple[str | None, bool]:
        """Reads a text that stands at offset base of the line (None: nowhere as written) and adds
        its commands at the place. Returns failure, incomplete."""
        tree, masks = mask(source, self._parser.parse)
        root = tree.root_node
        walk = _Walk(self, source, base, collector, masks)
        walk.is_sound = not (masks is not None and masks.filled) and not root.has_error
        walk.is_plain = walk.is_sound and hides_nothing(source)
        walk.node(root, place)
        failure = walk.failure
        if failure is None and root.has_error and _has_true_error(root):
            failure = "it is no bash the grammar knows"
        return failure, masks is not None and masks.incomplete

    def walk_expansion(
        self, source: bytes, base: int | None, collector: Collector, place: Place
    ) -> str | None:
        """The same for a text that is one expansion of a here-document's body."""
        tree, masks = mask(source, self._parser.parse)
        walk = _Walk(self, source, base, collector, masks)
        node = tree.root_node
        while node.type not in HOLES and node.children:
            node = node.children[0]
        if tree.root_node.has_error or node.end_byte != len(source):
            return "a substitution the grammar does not know"
        walk.node(node, place)
        return walk.failure

    def parses(self, source: bytes) -> bool:
        """Whether the text is whole and valid."""
        return not mask(source, self._parser.parse)[0].root_node.has_error


class _Walk(TreeWords):
    def __init__(
        self,
        reader: TreeSitter,
        source: bytes,
        base: int | None,
        collector: Collector,
        masks: Masks | None,
    ) -> None:
        super().__init__(source, base, masks)
        self.reader = reader
        self.collector = collector
        # Whether the tree is the text's own, without a mistake; and whether no word of a simple
        # command can hold another one, so that nobody need look into them.
        self.is_sound = self.is_plain = False
        self.has_backticks = masks is not None and bool(masks.backticks)

    # ------------------------------------------------------------------ statements

    def node(self, node: Node, place: Place, redirects: Sequence[Node] = ()) -> None:
        """A node of any kind: commands in it are added."""
        kind = node.type
        if kind == "list":
            self.sequence(node, place, redirects)
        elif kind == "redirected_statement":
            self.redirected(node, place, redirects)
        elif kind in _STATEMENTS:
            if self.masks and (label := self.masks.prefixes.pop(node.start_byte, None)):
                place = place.deeper(label)
            if kind in _SIMPLE:
                self.simple(node, place, redirects)
            elif kind == "pipeline":
                self.pipeline(_members(node), place, redirects)
            elif kind == "test_command":
                self.test(node, place, redirects)
            else:
                self.compound(node, place, redirects)
        elif kind == "negated_command":
            for child in node.children:
                if child.is_named:
                    self.node(child, place, redirects)
        elif kind == "command_substitution":
            inner = place.substitution()
            files = [child for child in node.children if child.type in _REDIRECTS]
            if files:  # $(<file) is a command of its own
                self.bare(files[0].start_byte, inner, files)
            self.children(node, inner)
        elif kind == "process_substitution":
            self.children(node, place.substitution("process substitution"))
        elif kind == "expansion":
            self.children(node, place.deeper())
        else:
            self.children(node, place)

    def children(self, node: Node, place: Place) -> None:
        children = node.children
        if not children:
            if self.has_backticks:
                self.backticks(node, place)
            return
        for child in children:
            if child.type == "regex" and not child.child_count:
                # `${x#$(rm y)}`: the grammar does not look into patterns.
                self.body(child.start_byte, child.end_byte, place.deeper())
            elif child.child_count or self.has_backticks:
                self.node(child, place)

    def sequence(self, node: Node, place: Place, redirects: Sequence[Node]) -> None:
        """`a && b || c`: a list leans to the left, as deep as it is long."""
        rights: list[Node] = []
        while node.type == "list":
            named = [child for child in node.children if child.is_named]
            rights.extend(reversed(named[1:]))
            if not named:
                return
            node = named[0]
        members = [node, *reversed(rights)]
        for member in members[:-1]:
            self.node(member, place)
        self.node(members[-1], place, redirects)

    def pipeline(self, members: Sequence[Node], place: Place, redirects: Sequence[Node]) -> None:
        for member, inner in self.collector.stages(place, members):
            self.node(member, inner, redirects if member is members[-1] else ())

    def redirected(self, node: Node, place: Place, redirects: Sequence[Node]) -> None:
        own: list[Node] = []
        bodies: list[Node] = []
        for child in node.children:
            if child.type in _REDIRECTS:
                own.append(child)
            elif child.is_named:
                bodies.append(child)
        if bodies:
            self.node(bodies[0], place, (*own, *redirects))
        else:
            self.bare(node.start_byte, place, (*own, *redirects))
        for extra in bodies[1:]:
            self.failure = self.failure or "a statement where none can stand"
            self.node(extra, place)

    def compound(self, node: Node, place: Place, redirects: Sequence[Node]) -> None:
        kind = node.type
        children = node.children
        if kind == "function_definition":
            name = next((child for child in children if child.type == "word"), None)
            label: str | None = f"function {self.text(name)}" if name else "function"
            redirects = (*(child for child in children if child.type in _REDIRECTS), *redirects)
        else:
            label = _COMPOUND[kind]
            if label in ("while", "for") and children and not children[0].is_named:
                label = children[0].type if children[0].type in ("until", "select") else label
        if redirects:
            self.bare(node.start_byte, place, redirects)
        inner = place.deeper(label)
        arithmetic = kind == "c_style_for_statement" or (
            kind == "compound_statement" and bool(children) and children[0].type == "(("
        )
        if arithmetic and quotes_subscript(self.source[node.start_byte : node.end_byte]):
            self.failure = self.failure or "a quoted subscript is evaluated"
        for child in children:
            if child.type not in _REDIRECTS and (child.child_count or self.has_backticks):
                if arithmetic:
                    self.inner(child, inner)
                else:
                    self.node(child, inner)

    def inner(self, node: Node, place: Place) -> None:
        """What an assignment holds, where the assignment itself is not a statement."""
        if node.type == "variable_assignment":
            self.children(node, place)
        else:
            self.node(node, place)

    def bare(self, start: int, place: Place, redirects: Sequence[Node]) -> None:
        """Redirects without a command, or around a compound one."""
        values, extras = self.redirects(redirects)
        argv = tuple([word for extra in extras for word in self.words(extra)])
        span = self.span(start, max(node.end_byte for node in redirects))
        index = self.collector.add(place, argv, (), values, span)
        self.redirect_children(redirects, place.of(index))

    def test(self, node: Node, place: Place, redirects: Sequence[Node]) -> None:
        """`[ … ]` is a command, `[[ … ]]` is not."""
        if node.children and node.children[0].type == "[[":
            if redirects:
                self.bare(node.start_byte, place, redirects)
            if quotes_subscript(self.source[node.start_byte : node.end_byte]):
                self.failure = self.failure or "a quoted subscript is evaluated"
            self.children(node, place.deeper())
            return
        self.simple(node, place, redirects)

    # ------------------------------------------------------------------ simple commands

    def simple(self, node: Node, place: Place, redirects: Sequence[Node]) -> None:
        kind = node.type
        if kind == "command" and self.is_sound and self.plain(node, place, redirects):
            return
        declares = kind == "declaration_command"
        is_plain = self.is_plain and kind == "command"
        children = [node] if kind == "variable_assignment" else node.children
        own: list[Node] = []
        deeper: list[Node] = []
        spans: list[Piece] = []
        for child in children:
            kind = child.type
            if kind in _REDIRECTS:
                own.append(child)
                continue
            if not is_plain and (child.child_count or self.has_backticks):
                deeper.append(child)
            if kind in EXPRESSIONS:
                self.flatten(child, spans)
            elif kind != "comment":
                self.add_piece(spans, child, kind)
        own.extend(redirects)
        values, extras = self.redirects(own) if own else ((), [])
        if spans and self.escapes:
            self.add_escaped(spans, len(self.source))
        if extras:
            spans = sorted([*spans, *extras], key=lambda piece: piece.start)
        assignments: list[Assignment] = []
        argv: list[Word] = []
        for piece in spans:
            if piece.assignment is not None and not declares:
                assignments.append(self.assignment(piece))
            elif piece.end > piece.start:
                argv.extend(self.words(piece, declares))
        end = node.end_byte
        if redirects:
            end = max([end, *(redirect.end_byte for redirect in redirects)])
        span = self.span(node.start_byte, end)
        index = self.collector.add(place, tuple(argv), tuple(assignments), values, span)
        if deeper or (own and not is_plain):
            inner = place.of(index)
            for child in deeper:
                self.inner(child, inner)
            self.redirect_children(own, inner)

    def plain(self, node: Node, place: Place, redirects: Sequence[Node]) -> bool:
        """A command of plain words, as most are: its nodes need not be looked at. False: it is
        another one."""
        argv = self.plain_words(node.start_byte, node.end_byte)
        if argv is None:
            return False
        if not redirects:
            span = self.span(node.start_byte, node.end_byte)
            self.collector.add(place, argv, (), (), span)
            return True
        values, extras = self.redirects(redirects)
        if extras:
            return False
        end = max([node.end_byte, *[redirect.end_byte for redirect in redirects]])
        span = self.span(node.start_byte, end)
        index = self.collector.add(place, argv, (), values, span)
        if not self.is_plain:
            self.redirect_children(redirects, place.of(index))
        return True

    # ------------------------------------------------------------------ redirects

    def redirect_children(self, nodes: Sequence[Node], place: Place) -> None:
        """Substitutions in targets and in here-document bodies."""
        for node in nodes:
            self.children(node, place)
            if self.masks is None:
                continue
            for child in node.children:
                document = self.masks.documents.get(child.start_byte)
                if document and not child.is_named and not document.quoted:
                    self.body(document.body_start, document.body_end, place.deeper("heredoc"))

    def body(self, start: int, end: int, place: Place) -> None:
        """Substitutions in a text that is expanded like a double-quoted one."""
        while found := _IN_BODY.search(self.source, start, end):
            start = found.end()
            if found.group()[:1] != b"\\":
                start = self.expansion(found.start(), end, place)

    def expansion(self, start: int, limit: int, place: Place) -> int:
        """Commands in the expansion that starts here; returns where it ends."""
        end = close_of(self.source[:limit], start)
        if end is None:
            self.failure = self.failure or "a substitution that does not end"
            return limit
        if self.source[start : start + 1] == b"`":
            self.backtick(start, end, place, quoted=True)
            return end
        base = None if self.base is None else self.base + start
        failure = self.reader.walk_expansion(self.source[start:end], base, self.collector, place)
        self.failure = self.failure or failure
        return end

    def backticks(self, node: Node, place: Place) -> None:
        assert self.masks is not None
        for start, end in self.masks.backticks.items():
            if node.start_byte <= start < node.end_byte:
                self.backtick(start, end, place)

    def backtick(self, start: int, end: int, place: Place, *, quoted: bool = False) -> None:
        text = self.source[start + 1 : end - 1]
        base = None if self.base is None or b"\\" in text else self.base + start + 1
        text = unescape_backticks(text, quoted=quoted)
        failure, _ = self.reader.walk(text, base, self.collector, place.substitution())
        self.failure = self.failure or failure

    # ------------------------------------------------------------------ text


def _members(node: Node) -> list[Node]:
    """The commands of a pipeline; the grammar nests some pipelines to the right."""
    members: list[Node] = []
    for child in node.children:
        if child.type == "pipeline":
            members.extend(_members(child))
        elif child.is_named and child.type != "comment":
            members.append(child)
    return members


def _has_true_error(node: Node) -> bool:
    """The grammar wants a command's name behind `A=1 >f`; bash does not."""
    if node.is_error:
        return True
    if node.is_missing:
        command = node.parent.parent if node.parent is not None else None
        return command is None or not any(
            child.type in ("variable_assignment", "file_redirect") for child in command.children
        )
    return any(_has_true_error(child) for child in node.children if child.has_error)
