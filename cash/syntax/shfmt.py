"""The second deciding reader: shfmt's typed syntax tree, as JSON with byte offsets."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from cash.syntax.command import Redirect, Word
from cash.syntax.reading import Collector, Place, Reading, TooDeep
from cash.syntax.scan import quotes_subscript, unescape_backticks
from cash.syntax.shfmt_process import ShfmtFailure, ShfmtProcess
from cash.syntax.shfmt_words import POSITIONS, Tree, TreeWords, range_of
from cash.syntax.word import (
    Hole,
    UnreadableWord,
    lex_word,
    literal_word,
    word_of,
    words_of,
)

_UNFINISHED = re.compile(rb"reached EOF|unclosed here-document|statement must end with")


class Shfmt:
    """Reads bash with shfmt, one process a text, started beforehand."""

    def __init__(self, process: ShfmtProcess | None = None) -> None:
        self._process = process or ShfmtProcess()

    def prepare(self) -> None:
        """Starts the processes that the next line, and one text nested in it, will use."""
        with suppress(ShfmtFailure):
            self._process.prepare(2)

    def close(self) -> None:
        """Ends the waiting processes."""
        self._process.close()

    def read(self, source: bytes, deadline: float) -> Reading:
        """Never raises."""
        collector = Collector()
        try:
            failure, incomplete = self.walk(source, 0, collector, Place(), deadline)
        except (TooDeep, RecursionError):
            return Reading(tuple(collector.commands), "nested too deeply", too_deep=True)
        except ShfmtFailure as fault:
            return Reading(tuple(collector.commands), str(fault))
        except UnreadableWord as fault:
            return Reading(tuple(collector.commands), str(fault))
        except (LookupError, TypeError, ValueError, AttributeError):
            return Reading(tuple(collector.commands), "shfmt's tree is of an unknown form")
        return Reading(tuple(collector.commands), failure, incomplete)

    def walk(
        self, source: bytes, base: int | None, collector: Collector, place: Place, deadline: float
    ) -> tuple[str | None, bool]:
        """Reads a text that stands at offset base of the line (None: nowhere as written) and adds
        its commands at the place. Returns failure, incomplete."""
        output = self._process.run(source, deadline)
        if not output.startswith(b"{"):
            message = output.decode("utf-8", "replace").strip().partition(" ")[2]
            return message or "shfmt ended without a word", bool(_UNFINISHED.search(output))
        walk = _Walk(self, source, base, collector, deadline)
        walk.statements(json.loads(output).get("Stmts", ()), place)
        return walk.failure, False


class _Walk(TreeWords):
    def __init__(
        self,
        reader: Shfmt,
        source: bytes,
        base: int | None,
        collector: Collector,
        deadline: float,
    ) -> None:
        self.reader = reader
        super().__init__(source, base)
        self.collector = collector
        self.deadline = deadline
        self.failure: str | None = None

    # ------------------------------------------------------------------ statements

    def statements(self, statements: Sequence[Tree], place: Place) -> None:
        for statement in statements:
            self.statement(statement, place)

    def statement(self, statement: Tree, place: Place) -> None:
        command = statement.get("Cmd")
        redirects = statement.get("Redirs", ())
        kind = command["Type"] if command else ""
        if command is None or (redirects and kind not in ("CallExpr", "DeclClause", "LetClause")):
            index = self.simple((), (), redirects, place, statement)
            self.redirect_children(redirects, place.of(index))
            if command is None:
                return
            redirects = ()
        match kind:
            case "CallExpr":
                self.call(command, redirects, place)
            case "BinaryCmd":
                self.binary(statement, place)
            case "DeclClause":
                self.declaration(command, redirects, place)
            case "LetClause":
                self.let(command, redirects, place)
            case _:
                self.compound(kind, command, place)

    def binary(self, statement: Tree, place: Place) -> None:
        """`a && b || c` and `a | b` lean to the left, as deep as they are long."""
        command = statement["Cmd"]
        piped = command["Op"] in ("|", "|&")
        rights: list[Tree] = []
        while (
            (inner := statement.get("Cmd"))
            and inner["Type"] == "BinaryCmd"
            and (inner["Op"] in ("|", "|&")) == piped
            and not (rights and _is_marked(statement))
        ):
            rights.append(inner["Y"])
            statement = inner["X"]
        members = [statement, *reversed(rights)]
        if not piped:
            self.statements(members, place)
            return
        for member, inner_place in self.collector.stages(place, members):
            self.statement(member, inner_place)

    def compound(self, kind: str, command: Tree, place: Place) -> None:
        match kind:
            case "Subshell":
                self.statements(command.get("Stmts", ()), place.deeper("subshell"))
            case "Block":
                self.statements(command.get("Stmts", ()), place.deeper())
            case "IfClause":
                self.branches(command, place.deeper("if"))
            case "WhileClause":
                inner = place.deeper("until" if command.get("Until") else "while")
                self.statements(command.get("Cond", ()), inner)
                self.statements(command.get("Do", ()), inner)
            case "ForClause":
                inner = place.deeper("select" if command.get("Select") else "for")
                self.hidden(command.get("Loop"), inner)
                self.statements(command.get("Do", ()), inner)
            case "CaseClause":
                inner = place.deeper("case")
                self.hidden(command.get("Word"), inner)
                for item in command.get("Items", ()):
                    self.hidden(item.get("Patterns"), inner)
                    self.statements(item.get("Stmts", ()), inner)
            case "FuncDecl":
                names = [command["Name"]] if "Name" in command else command.get("Names", [])
                name = " ".join(each["Value"] for each in names)
                self.function(command["Body"], place, f"function {name}")
            case "TimeClause" | "CoprocClause":
                label = "time" if kind == "TimeClause" else "coproc"
                if inner_statement := command.get("Stmt"):
                    if "Name" in command and "Cmd" not in inner_statement:
                        # `coproc cat >f`: shfmt takes the command for the coprocess's name.
                        inner_statement["Cmd"] = _call(command["Name"])
                    self.statement(inner_statement, place.deeper(label))
            case _:  # ArithmCmd, TestClause, and whatever a later shfmt may add
                if quotes_subscript(self.source[slice(*range_of(command))]):
                    self.failure = self.failure or "a quoted subscript is evaluated"
                self.hidden(command, place.deeper())

    def function(self, body: Tree, place: Place, label: str) -> None:
        """A function's redirects happen when it runs, at its body's place."""
        self.statement(body, place.deeper(label))

    def branches(self, command: Tree, place: Place) -> None:
        """`elif` and `else` hang on each other."""
        branch: Tree | None = command
        while branch:
            self.statements(branch.get("Cond", ()), place)
            self.statements(branch.get("Then", ()), place)
            branch = branch.get("Else")

    # ------------------------------------------------------------------ simple commands

    def call(self, command: Tree, redirects: Sequence[Tree], place: Place) -> None:
        args = command.get("Args", ())
        assigns = command.get("Assigns", ())
        argv = tuple([word for arg in args for word in self.words(arg)])
        index = self.simple(argv, assigns, redirects, place, command)
        inner = place.of(index)
        for assign in assigns:
            self.hidden(assign, inner)
        for arg in args:
            if not _is_simple(arg):
                self.hidden(arg, inner)
        self.redirect_children(redirects, inner)

    def declaration(self, command: Tree, redirects: Sequence[Tree], place: Place) -> None:
        args = command.get("Args", ())
        argv = [literal_word(command["Variant"]["Value"])]
        start, end = range_of(command["Variant"])
        argv = [Word(argv[0].parts, argv[0].source, self.span(start, end))]
        for arg in args:
            argv.extend(self.declared(arg))
        index = self.simple(tuple(argv), (), redirects, place, command)
        for arg in args:
            self.hidden(arg, place.of(index))
        self.redirect_children(redirects, place.of(index))

    def let(self, command: Tree, redirects: Sequence[Tree], place: Place) -> None:
        argv = [Word(("let",), "let", self.span(*range_of(command, length=3)))]
        for expression in command.get("Exprs", ()):
            start, end = range_of(expression)
            text = self.slice(start, end)
            if expression.get("Type") == "Word":
                argv.extend(self.words(expression))
            else:
                holes: dict[int, Hole] = {}
                self.find_holes(expression, holes)
                atoms = lex_word(self.source, start, end, holes)
                argv.extend(words_of(atoms, text, self.span(start, end)))
        index = self.simple(tuple(argv), (), redirects, place, command)
        self.hidden(command.get("Exprs"), place.of(index))
        self.redirect_children(redirects, place.of(index))

    def simple(
        self,
        argv: tuple[Word, ...],
        assigns: Sequence[Tree],
        redirects: Sequence[Tree],
        place: Place,
        whole: Tree,
    ) -> int:
        start, end = range_of(whole) if argv or assigns or "Type" in whole else _extent(whole)
        for redirect in redirects:
            first, last = _redirect_extent(redirect)
            start, end = min(start, first), max(end, last)
        return self.collector.add(
            place,
            argv,
            tuple([self.assignment(assign) for assign in assigns]) if assigns else (),
            tuple([self.redirect(redirect) for redirect in redirects]) if redirects else (),
            self.span(start, end),
        )

    # ------------------------------------------------------------------ words

    # ------------------------------------------------------------------ redirects

    def redirect(self, redirect: Tree) -> Redirect:
        word = redirect["Word"]
        start, end = range_of(word)
        document = redirect.get("Hdoc")
        heredoc = redirect["Op"] in ("<<", "<<-")
        atoms = self.atoms(word["Parts"])
        target = word_of(atoms, self.slice(start, end), self.span(start, end), value=heredoc)
        if heredoc:
            target = Word((target.text,), target.source, target.span)
        descriptor = redirect.get("N", {}).get("Value", "")
        body = self.body(redirect["Op"], document) if heredoc else None
        return Redirect(redirect["Op"], target, descriptor, body)

    def body(self, operator: str, document: Tree | None) -> str:
        if document is None:
            return ""
        start, _ = range_of(document)
        last = document["Parts"][-1] if document.get("Parts") else document
        end = range_of(last)[1]
        # The tree ends a body behind its delimiter; the last literal tells where it is.
        if last.get("Type") == "Lit":
            end = self.literal_end(last)
        text = self.slice(start, end)
        return re.sub(r"(?m)^\t+", "", text) if operator == "<<-" else text

    def literal_end(self, literal: Tree) -> int:
        start, _ = range_of(literal)
        value = literal["Value"].encode("utf-8", "surrogateescape")
        return start + len(value)

    def redirect_children(self, redirects: Sequence[Tree], place: Place) -> None:
        for redirect in redirects:
            if not _is_simple(redirect["Word"]):
                self.hidden(redirect["Word"], place)
            if document := redirect.get("Hdoc"):
                self.hidden(document, place.deeper("heredoc"), quoted=True)

    # ------------------------------------------------------------------ substitutions

    def hidden(self, tree: Any, place: Place, *, quoted: bool = False) -> None:
        """Commands in any part of the tree that is not itself a statement."""
        if isinstance(tree, list):
            for each in tree:
                self.hidden(each, place, quoted=quoted)
            return
        if not isinstance(tree, dict):
            return
        match tree.get("Type"):
            case "CmdSubst":
                self.substitution(tree, place.substitution(), quoted=quoted)
            case "ProcSubst":
                inner = place.substitution("process substitution")
                self.statements(tree.get("Stmts", ()), inner)
            case "Lit":
                pass
            case kind:
                if kind == "ParamExp":
                    place = place.deeper()
                for key, value in tree.items():
                    if key not in POSITIONS and isinstance(value, dict | list):
                        self.hidden(value, place, quoted=quoted or kind == "DblQuoted")

    def substitution(self, tree: Tree, place: Place, *, quoted: bool) -> None:
        start, end = range_of(tree)
        text = self.source[start + 1 : end - 1]
        if tree.get("Backquotes") and b"\\" in text:
            # What runs is the text with one level of escapes taken off.
            text = unescape_backticks(text, quoted=quoted)
            failure, _ = self.reader.walk(text, None, self.collector, place, self.deadline)
            self.failure = self.failure or failure
        else:
            self.statements(tree.get("Stmts", ()), place)

    # ------------------------------------------------------------------ text


def _redirect_extent(redirect: Tree) -> tuple[int, int]:
    return redirect["Pos"]["Offset"], redirect["Word"]["End"]["Offset"]


def _extent(statement: Tree) -> tuple[int, int]:
    """A statement's range without the here-document bodies that its end counts in."""
    command = statement.get("Cmd")
    if command is not None:
        return statement["Pos"]["Offset"], command["End"]["Offset"]
    ranges = [_redirect_extent(redirect) for redirect in statement.get("Redirs", ())]
    return min(first for first, _ in ranges), max(last for _, last in ranges)


def _call(word: Tree) -> Tree:
    """A command of one word."""
    return {"Type": "CallExpr", "Pos": word["Pos"], "End": word["End"], "Args": [word]}


def _is_simple(word: Tree) -> bool:
    """Whether no command can hide in the word."""
    return all(part["Type"] in ("Lit", "SglQuoted") for part in word["Parts"])


def _is_marked(statement: Tree) -> bool:
    return bool(statement.get("Negated") or statement.get("Background"))
