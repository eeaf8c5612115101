"""Settings in layers: built-in < user < answers < repository < environment, each value with its
origin. Answers are what was chosen when a policy asked, kept for one repository in polis' state:
closer than what the user has set for all, and given way to what the repository itself says."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from cash.faults import UsageFault
from cash.places import Places

Value = float | int | str


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set. meaning: a line for people. least: the smallest number.
    words: the words it may be, empty for any. shared: whether a repository may set it for all
    who work in it; what opens the walls is the user's alone. lines: it is a list of lines, kept as
    one text. zero: what 0 stands for, where that is no number."""

    name: str
    default: Value
    meaning: str
    least: float = 0
    words: tuple[str, ...] = ()
    shared: bool = True
    lines: bool = False
    zero: str = ""

    def shown(self, text: str) -> str:
        """A value's text, as people read it in a table."""
        return f"{text} ({self.zero})" if self.zero and not float(text) else text


SETTINGS = (
    Setting(
        "ask-seconds",
        0.0,
        "how many seconds a command waits for an answer; 0 is not no time, but as long as its "
        "agent's program allows (110 s for most); 0.1 hardly waits",
        zero="as long as the agent's program allows",
    ),
    Setting(
        "github-api",
        "",
        "where pull requests are opened; empty: as the remote's host says",
        shared=False,
    ),
    Setting(
        "installer",
        "",
        "what installs node packages where only package-lock.json is there",
        words=("pnpm", "npm"),
    ),
    Setting("max-agents", 100, "how many agents a repository may have", least=1),
    Setting("path", "", "the PATH inside the walls; empty: that of polisd", shared=False),
    Setting("provider", "shell", "what an agent is when agents add does not say"),
    Setting(
        "setup", "", "commands that make a new agent's tree ready, once you have agreed", lines=True
    ),
    Setting(
        "undo-command",
        512,
        "how many MiB of what one command changes are kept for polis undo",
        shared=False,
    ),
    Setting(
        "undo-total",
        4096,
        "how many MiB are kept of each agent for polis undo; the oldest goes first",
        shared=False,
    ),
)

# How many MiB are kept for `polis undo`: of one command, and of one agent.
UNDO_SETTINGS = ("undo-command", "undo-total")

_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A setting's value and where it comes from: "default", a file, or a variable's name."""

    value: Value
    origin: str

    @property
    def text(self) -> str:
        """The value as one would write it."""
        if isinstance(self.value, float):
            return f"{self.value:g}"
        return str(self.value).replace("\n", "; ")


def user_file(places: Places) -> Path:
    """The user's own settings."""
    return places.config / "config.yaml"


def repository_file(root: Path) -> Path:
    """A repository's settings, read from the user's own checkout."""
    return root / ".polis" / "config.yaml"


def answers_file(folder: Path) -> Path:
    """What was chosen for a repository in answer to questions. folder: polis' own for it."""
    return folder / "config.yaml"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return "POLIS_" + name.replace("-", "_").upper()


def settings_files(places: Places, root: Path | None, folder: Path | None) -> tuple[Path, ...]:
    """The files there may be, each stronger than the one before. root, folder: of a repository,
    and polis' own for it."""
    answers = (answers_file(folder),) if folder else ()
    return (user_file(places), *answers, *((repository_file(root),) if root else ()))


def read_settings(files: Iterable[Path], environment: Mapping[str, str]) -> Mapping[str, Chosen]:
    """Every setting by name. UsageFault names the file and the key that is wrong."""
    chosen = {setting.name: Chosen(setting.default, "default") for setting in SETTINGS}
    for path in files:
        for name, value in _read_file(path).items():
            chosen[name] = Chosen(value, str(path))
    for setting in SETTINGS:
        said = environment.get(variable(setting.name))
        if said is not None:
            origin = variable(setting.name)
            chosen[setting.name] = Chosen(check_value(setting.name, said, origin=origin), origin)
    return chosen


class LiveSettings:
    """The settings of one repository for a program that lives on: a changed file is seen at the
    next look, and one that cannot be read leaves the last good values in force."""

    def __init__(self, files: tuple[Path, ...], environment: Mapping[str, str]) -> None:
        self._files = files
        self._environment = environment
        self._stamps: tuple[object, ...] = ()
        self._chosen = {setting.name: setting.default for setting in SETTINGS}

    def value(self, name: str) -> Value:
        """The value now; some microseconds while nothing changed. Never raises for what is in
        the files."""
        stamps = tuple(_stamp(path) for path in self._files)
        if stamps != self._stamps:
            self._stamps = stamps
            with contextlib.suppress(UsageFault):
                found = read_settings(self._files, self._environment)
                self._chosen = {key: chosen.value for key, chosen in found.items()}
        return self._chosen[name]


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def check_name(name: str, *, origin: str = "") -> Setting:
    """The setting of that name. UsageFault names the nearest."""
    found = _BY_NAME.get(name)
    if found is None:
        near = difflib.get_close_matches(name, _BY_NAME, n=1)
        hint = f"did you mean {near[0]}?" if near else "list them: polis config"
        raise UsageFault(f"{_prefix(origin)}there is no setting {name}", hint=hint)
    return found


def check_value(name: str, value: object, *, origin: str = "") -> Value:
    """`value` as the setting's type. UsageFault says what it must be."""
    setting = check_name(name, origin=origin)
    read: Value | None = None
    wanted = ""
    match setting.default:
        case str() if setting.lines:
            read, wanted = _read_lines(value), "a list of lines"
        case str():
            said = str(value).strip()
            wanted = " or ".join(setting.words) or "a word"
            read = said if said and (said in setting.words or not setting.words) else None
        case int() | float() as default:
            kind = "whole number" if isinstance(default, int) else "number"
            read, wanted = _read_number(value, setting), f"a {kind}, {setting.least:g} or more"
    if read is None:
        raise UsageFault(f"{_prefix(origin)}{name} must be {wanted}, not {value!r}")
    return read


def _read_lines(value: object) -> str | None:
    lines = value.splitlines() if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(
        isinstance(line, str) and line.strip() and "\n" not in line for line in lines
    ):
        return None
    return "\n".join(line.strip() for line in lines)


def _check_place(name: str, path: Path) -> None:
    setting = check_name(name, origin=str(path))
    if not setting.shared and path == repository_file(path.parent.parent):
        raise UsageFault(
            f"{path}: {name} cannot be set by a repository", hint=f"polis config set {name} VALUE"
        )


def _read_number(value: object, setting: Setting) -> Value | None:
    try:
        number = type(setting.default)(str(value))
    except ValueError:
        return None
    return number if setting.least <= float(number) < float("inf") else None


def write_setting(path: Path, name: str, value: str) -> None:
    """Sets one key in a file of settings and leaves every other line as it stands. UsageFault
    when the value, the file, or the place is wrong."""
    check_value(name, value)
    _check_place(name, path)
    if check_name(name).lines:
        raise UsageFault(f"{name} is a list", hint=f"write it into {path}: `{name}:`, `- COMMAND`")
    _read_file(path)  # a file that is wrong already is mended by its owner, not overwritten
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition(":")[0].strip() != name]
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text("\n".join([*kept, f"{name}: {value}", ""]))
    half.replace(path)


def remove_setting(path: Path, name: str) -> bool:
    """Takes one key out of a file of settings and leaves every other line as it stands; whether
    it was there. UsageFault when there is no such setting, or the file is wrong."""
    check_name(name)
    before = dict(_read_file(path))
    if name not in before:
        return False
    kept: list[str] = []
    inside = False
    for line in path.read_text().splitlines():
        # A list goes on below its key, indented or not.
        inside = line.partition(":")[0].strip() == name or (inside and line[:1] in (" ", "-"))
        kept += [] if inside else [line]
    del before[name]
    text = "".join(f"{line}\n" for line in kept)
    if (yaml.safe_load(text) or {}).keys() != before.keys():
        raise UsageFault(f"{name} stands in {path} in a way of your own", hint=f"edit {path}")
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text(text)
    half.replace(path)
    return True


def _read_file(path: Path) -> Mapping[str, Value]:
    try:
        found = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        what = " ".join(str(fault).split())
        raise UsageFault(f"{path} cannot be read: {what}", hint=f"mend {path}") from fault
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageFault(f"{path} must hold `name: value` lines")
    for name in found:
        _check_place(str(name), path)
    return {
        str(name): check_value(str(name), value, origin=str(path)) for name, value in found.items()
    }


def _prefix(origin: str) -> str:
    return f"{origin}: " if origin else ""
