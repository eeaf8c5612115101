"""One action with everything rules ask of it, worked out once and only when asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from cash.policy.action import Action, Connect, Exec, GitOp, ToolCall, Write
from cash.policy.arguments import Arguments, Flag, split_arguments
from cash.policy.context import Context
from cash.policy.features import CHANGES, REDIRECTED, REMOTE, SETTING, UNCONFIGURED
from cash.policy.identity import Naming, namings_of
from cash.policy.paths import Ground, locate
from cash.policy.programs import UNKNOWN_PROGRAM, USAGES
from cash.policy.scripts import Scripts
from cash.policy.usage import Usage
from cash.policy.value import Value, Variables, value_of, values_of
from cash.policy.variables import variables_of
from cash.syntax.command import Command, Redirect, Word

if TYPE_CHECKING:
    from cash.policy.actions.git_line import LineConfig

KINDS: Final = ("exec", "write", "git", "connect", "tool")
OUTPUTS: Final = frozenset((">", ">>", ">|", "<>", "&>", "&>>", ">&"))
_INPUTS = frozenset(("<", "<>"))
# Programs whose arguments are text, or whose first one is a pattern or script.
_SAYING = frozenset(("echo", "printf"))
_SEARCHING = frozenset(
    (
        *("grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack", "sed", "gsed", "awk", "gawk"),
        *("mawk", "jq", "yq"),
    )
)
_SCRIPT_FLAGS = frozenset(("-e", "-f", "--regexp", "--file", "--expression", "--from-file"))
# Flags whose value is no path.
_WORDY = frozenset(
    (
        *("--message", "--regexp", "--expression", "--include", "--exclude", "--exclude-dir"),
        *("--format", "--author", "--grep", "--header", "--user-agent", "--request", "--type"),
        *("-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex", "-type"),
    )
)
_KEYED = re.compile(r"[A-Za-z][\w-]*=(?=.)")
_DESCRIPTOR = re.compile(r"\d+-?|-")

SETTERS: Final = frozenset(
    ("env", "export", "declare", "typeset", "local", "readonly", "sudo", "doas")
)


class Key(NamedTuple):
    """What rules are looked up by. names: what the program goes by. operation: git's, or ""."""

    kind: str
    names: tuple[str, ...]
    operation: str
    features: int


def usage_name(key: Key) -> str:
    """By what name its arguments are split: see Subject.arguments."""
    if key.kind == "git":
        return f"git {key.operation}"
    return key.names[0] if key.names else ""


class Scene:
    """All actions of one line: what its commands share. Lives for one judgement."""

    def __init__(
        self, actions: Sequence[Action], context: Context, scripts: Scripts | None = None
    ) -> None:
        self.context = context
        self.scripts = scripts or Scripts()
        # What the line itself configures git with; worked out when git is met.
        self.line_config: LineConfig | None = None
        self.ground = Ground(context.tree, context.home, context.agent, context.branch)
        self.names: Mapping[str, str] = {"agent": context.agent, "branch": context.branch}
        self.execs = [action for action in actions if isinstance(action, Exec)]
        self.variables: Variables = variables_of(
            [one.command for one in self.execs], {"HOME": context.home, "PWD": context.cwd}
        )
        self.subjects: dict[int, Subject] = {}
        self.sources: dict[int, list[int]] = {}
        self._programs: list[tuple[str, int]] | None = None
        self._places: dict[int, int] | None = None
        self._commands: dict[int, Exec] | None = None

    # In most lines nothing asks for these two.
    @property
    def places(self) -> dict[int, int]:
        """The place of every exec, by its id()."""
        if self._places is None:
            self._places = {id(action): place for place, action in enumerate(self.execs)}
        return self._places

    @property
    def commands(self) -> dict[int, Exec]:
        """Every command's exec, by the command's id()."""
        if self._commands is None:
            self._commands = {id(action.command): action for action in self.execs}
        return self._commands

    @property
    def programs(self) -> list[tuple[str, int]]:
        """Every name of every exec's program, with the exec's place."""
        if self._programs is None:
            self._programs = [
                (name, at)
                for at, one in enumerate(self.execs)
                for name in self.subject(one).key.names
            ]
        return self._programs

    def subject(self, action: Action) -> Subject:
        """The subject of an action; the same one for the same action."""
        known = self.subjects.get(id(action))
        if known is None:
            known = self.subjects[id(action)] = Subject(action, self)
        return known


class Subject:
    """An action, seen by rules. kind: one of KINDS."""

    __slots__ = (
        *("_arguments", "_own", "_paths", "_settings", "_targets", "_texts"),
        *("action", "command", "cwd", "first", "key", "kind", "namings", "scene", "values"),
    )

    def __init__(self, action: Action, scene: Scene) -> None:
        self.action = action
        self.scene = scene
        self.kind = kind_of(action)
        self.command: Command | None = getattr(action, "command", None)
        self.cwd: str | None = getattr(action, "cwd", scene.context.cwd)
        self._targets: list[Value] | None = None
        self._texts: list[str] | None = None
        self._settings: list[tuple[str, str]] | None = None
        self._own: Arguments | None = None
        self._paths: dict[tuple[int, bool], list[Value]] = {}
        self._arguments: dict[tuple[int, int], Arguments] = {}
        # What follows every rule asks for, so it is worked out at once.
        launch = None if self.kind == "exec" else self._find_launch()
        # The command's argv.
        self.values: list[Value] = self._find_values() if launch is None else launch.values
        # The names the command's program goes by; empty when it is not known, or there is none.
        self.namings: tuple[Naming, ...] = (
            self._find_namings() if launch is None else launch.namings
        )
        # The name as spelled, or None.
        self.first: Naming | None = self.namings[0] if self.namings else None
        # What rules are looked up by.
        self.key = self._find_key()

    def _find_launch(self) -> Subject | None:
        """The exec that a write, git operation or connection comes from."""
        if self.command is None:
            return None
        launch = self.scene.commands.get(id(self.command))
        return None if launch is None else self.scene.subject(launch)

    def _find_values(self) -> list[Value]:
        return [] if self.command is None else values_of(self.command.argv, self.scene.variables)

    def _find_namings(self) -> tuple[Naming, ...]:
        if self.command is None or not self.command.argv:
            return ()
        action, identities = self.action, self.scene.context.identities
        if isinstance(action, Exec):
            return namings_of(
                self.values, action.program, action.resolved, action.inode, identities
            )
        return namings_of(self.values, None, None, None, identities)

    def _find_key(self) -> Key:
        operation = self.action.operation if isinstance(self.action, GitOp) else ""
        names = tuple([one.name for one in self.namings])
        return Key(self.kind, names, operation, self._features())

    def _features(self) -> int:
        action, command = self.action, self.command
        found = 0
        if isinstance(action, GitOp):
            found = REMOTE if action.config else REMOTE | UNCONFIGURED
        elif isinstance(action, Write):
            found = CHANGES[action.kind]
        if command is None:
            return found
        if command.remote is not None:
            found |= REMOTE
        if command.redirects:
            found |= REDIRECTED
        if command.assignments or (self.first is not None and self.first.name in SETTERS):
            found |= SETTING
        return found

    def arguments(self, naming: Naming | None, usages: Mapping[str, Usage]) -> Arguments:
        """The argv split as the program of that naming would; usages: a policy file's own."""
        if usages or naming is not self.first:
            return self._split_as(naming, usages)
        if self._own is None:
            self._own = self._split_as(naming, usages)
        return self._own

    def _split_as(self, naming: Naming | None, usages: Mapping[str, Usage]) -> Arguments:
        name = naming.name if naming is not None else ""
        skip = naming.skip if naming is not None else 1
        if isinstance(self.action, GitOp):
            name, skip = f"git {self.action.operation}", 0
        usage = usages.get(name) or USAGES.get(name) or UNKNOWN_PROGRAM
        key = (id(usage), skip)
        known = self._arguments.get(key)
        if known is None:
            known = self._arguments[key] = self._split(usage, skip)
        return known

    def _split(self, usage: Usage, skip: int) -> Arguments:
        action = self.action
        if not isinstance(action, GitOp):
            return split_arguments(self.values[skip:], usage)
        found = split_arguments(values_of(action.args, self.scene.variables), usage)
        known = {flag.name for flag in found.flags}
        found.flags.extend(Flag(name) for name in action.flags if name not in known)
        return found

    @property
    def texts(self) -> list[str]:
        """What the command says: its words joined by blanks, as written where a word is not
        known; here-documents, here-strings, and values it is given."""
        if self._texts is None:
            self._texts = [] if self.command is None else self._find_texts(self.command)
        return self._texts

    def _find_texts(self, command: Command) -> list[str]:
        words = [value.word.text if value.holes else value.text for value in self.values]
        texts = [" ".join(words)]
        texts += [one.body for one in command.redirects if one.body is not None]
        texts += [one.target.text for one in command.redirects if one.operator == "<<<"]
        return texts + [one.value.text for one in command.assignments]

    @property
    def settings(self) -> list[tuple[str, str]]:
        """The variables that the command sets or is given, with their values."""
        if self._settings is None:
            self._settings = [] if self.command is None else self._find_settings(self.command)
        return self._settings

    def _find_settings(self, command: Command) -> list[tuple[str, str]]:
        variables = self.scene.variables
        found = [(one.name, value_of(one.value, variables).text) for one in command.assignments]
        if self.first is not None and self.first.name in SETTERS:
            for word in command.argv[1:]:
                first = word.parts[0] if word.parts else ""
                if isinstance(first, str) and "=" in first and not first.startswith("-"):
                    name, _, rest = first.partition("=")
                    value = value_of(Word((rest, *word.parts[1:]), word.source), variables)
                    found.append((name, value.text))
        return found

    @property
    def targets(self) -> list[Value]:
        """The file a write changes."""
        if self._targets is None:
            self._targets = []
            if isinstance(self.action, Write):
                self._targets = [self.path_of(value_of(self.action.path, self.scene.variables))]
        return self._targets

    def paths(self, naming: Naming | None, usages: Mapping[str, Usage]) -> list[Value]:
        """The arguments as absolute paths, values of flags and `key=path` included."""
        return self._found_paths(naming, self.arguments(naming, usages), reads=False)

    def reads(self, naming: Naming | None, usages: Mapping[str, Usage]) -> list[Value]:
        """What the command may read: its paths, input redirects and `@file` arguments."""
        return self._found_paths(naming, self.arguments(naming, usages), reads=True)

    def _found_paths(
        self, naming: Naming | None, arguments: Arguments, *, reads: bool
    ) -> list[Value]:
        key = (id(arguments), reads)
        known = self._paths.get(key)
        if known is None:
            known = self._find_paths(self._operands(naming, arguments), reads=reads)
            self._paths[key] = known
        return known

    def _find_paths(self, operands: list[Value], *, reads: bool) -> list[Value]:
        found: list[Value] = []
        cwd = self.cwd
        for value in operands:
            text, word, assumed, loose, holes = value
            path = locate(text[7:] if text.startswith("file://") else text, cwd)
            found.append(Value(path, word, assumed, loose, holes))
            if "=" in text and (keyed := _KEYED.match(text)) is not None:
                found.append(self.path_of(value, keyed.end()))
            if reads and "@" in text:
                found.append(self.path_of(value, text.index("@") + 1))
        return found + self.redirected(_INPUTS) if reads else found

    @staticmethod
    def _operands(naming: Naming | None, arguments: Arguments) -> list[Value]:
        """Arguments and flag values that may be paths."""
        name = naming.name if naming is not None else ""
        found = [value for value, _ in arguments.positionals]
        if name in _SAYING:
            found = []
        elif name in _SEARCHING and not any(flag.name in _SCRIPT_FLAGS for flag in arguments.flags):
            found = found[1:]
        groups = arguments.usage.aliases
        for flag in arguments.flags:
            if flag.value is not None:
                group = groups.get(flag.name, frozenset((flag.name,)))
                if group.isdisjoint(_WORDY):
                    found.append(flag.value)
        return found

    def redirected(self, operators: frozenset[str]) -> list[Value]:
        """The targets of the command's redirects with one of these operators."""
        if self.command is None or not self.command.redirects:
            return []
        return [
            self.path_of(value_of(one.target, self.scene.variables))
            for one in self.command.redirects
            if one.operator in operators and is_file(one)
        ]

    def path_of(self, value: Value, start: int = 0) -> Value:
        """value from offset start on, as an absolute path."""
        text = value.text[start:]
        if text.startswith("file://"):
            text = text[7:]
        path = locate(text, self.cwd)
        return Value(path, value.word, value.assumed, value.loose, value.holes)


def is_file(redirect: Redirect) -> bool:
    """Whether a redirect's target is a file: `>&2` and `>&-` are not."""
    return not (redirect.operator in (">&", "<&") and _DESCRIPTOR.fullmatch(redirect.target.text))


_KIND_OF: Final[dict[type, str]] = {
    Exec: "exec",
    Write: "write",
    GitOp: "git",
    Connect: "connect",
    ToolCall: "tool",
}


def kind_of(action: Action) -> str:
    """The word of `on:` for an action."""
    return _KIND_OF[type(action)]


@dataclass(frozen=True, slots=True)
class Element:
    """One of several things a key is compared with. assumed: it rests on a guess."""

    text: str
    assumed: bool = False
