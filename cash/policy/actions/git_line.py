"""What a line configures git with before git runs in it: the aliases that it sets up itself.

In which order a line's commands run is not known in general (functions, loops), so a git command
is judged with each state of the configuration that the line may give it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cash.policy.actions.git_call import SETTING, call_of, resolve_alias, settings_of
from cash.policy.actions.git_config import add_setting, environment_config
from cash.policy.actions.writes import writes_of
from cash.policy.glob import UNKNOWN
from cash.policy.subject import SETTERS, Scene, Subject
from cash.policy.value import value_of

# Files that git reads its configuration from; an agent's own git directory is one called git.
_FILE: Final = re.compile(
    r"(^|/)(\.gitconfig|(\.git|git)/config(\.worktree)?|\.git/(modules|worktrees)/.*config[^/]*)$"
)
# More settings in one line than anybody writes; each is a state to judge with.
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class LineConfig:
    """environment: configuration by variables that the line sets. settings: what its `git
    config` sets, in order. unclear: why more may be configured than is known, or ""; then an
    operation that is not git's own may be anything. written: it writes a configuration file, so
    that nothing git does is known."""

    environment: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    unclear: str = ""
    written: bool = False

    def states(self, base: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Every configuration the line may run git under, base being what holds before it."""
        yield dict(base)
        current = dict(base)
        for key, value in self.settings:
            add_setting(current, key, value)
            yield dict(current)
        if self.environment:
            yield {**current, **dict(self.environment)}


_NOTHING: Final = LineConfig()


def line_config_of(scene: Scene) -> LineConfig:
    """The configuration of the scene's line, worked out once."""
    if scene.line_config is None:
        several = len(scene.execs) > 1
        scene.line_config = _find(scene) if several else _NOTHING
    return scene.line_config


def _find(scene: Scene) -> LineConfig:
    subjects = [scene.subject(one) for one in scene.execs]
    calls = [(subject, call) for subject in subjects if (call := call_of(subject)) is not None]
    if not calls:
        return _NOTHING
    settings: list[tuple[str, str]] = []
    current = dict(scene.context.facts.git_config)
    for _, call in calls:
        if call.is_builtin and call.operation not in SETTING:
            continue
        # An alias of the line may itself be `config`.
        for key, value in settings_of(resolve_alias(call, {**current, **call.config})):
            settings.append((key, value))
            add_setting(current, key, value)
    unclear = ""
    if len(settings) > _MOST or any(key == UNKNOWN for key, _ in settings):
        unclear = "the line configures git with what shows only when it runs"
    elif any(map(_exports_unknown, subjects)):
        unclear = "the line sets variables that show only when it runs"
    environment = environment_config(
        {
            name: UNKNOWN if text is None else text
            for name, text in scene.variables.items()
            if name.startswith("GIT_")
        }
    )
    return LineConfig(
        tuple(environment.items()),
        tuple(settings[:_MOST]),
        unclear,
        any(_FILE.search(write.path.text) for subject in subjects for write in writes_of(subject)),
    )


def _exports_unknown(subject: Subject) -> bool:
    """`export $X`: which variable that sets is not known."""
    if subject.first is None or subject.first.name not in SETTERS or subject.command is None:
        return False
    words = subject.command.argv[1:]
    return any(value_of(word, {}).text.startswith(UNKNOWN) for word in words)
