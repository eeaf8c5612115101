"""From a manifest to what is started: argv, environment, files that must be there first."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cash.providers.facets import PURPOSES, Purpose, Settled, Sort, Words
from cash.providers.manifest import Manifest, ProviderFault

# Linux takes 128 kB in one word of an argv, its NUL included (MAX_ARG_STRLEN).
_LONGEST_WORD = (128 << 10) - 1


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of an agent's program.

    argv: the program first. environment: NAME, value on top of what the walls give. files: path
    below HOME, content; cash/providers/settling.py puts them there, a `.json` into what is there.
    notes: a line for each capability that was missing. given: for its standard input, which then
    ends; None leaves the terminal there. typed: a prompt that argv could not take, for whoever
    writes to its terminal once it waits. output: what it writes on standard output, "" for text
    (facets.Start). hooks: the protocol whose hooks are to be installed, "" for none."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    notes: tuple[str, ...] = ()
    given: bytes | None = None
    typed: str = ""
    output: str = ""
    hooks: str = ""


def plan_launch(
    manifest: Manifest,
    *,
    program: str,
    version: str,
    purpose: Purpose,
    prompt: str = "",
    model: str = "",
    resume: str = "",
    session: str = "",
    tree: str = "",
    home: str = "",
    lacking: Collection[str] = (),
    account: Sort = "",
    key_tail: str = "",
    hooked: bool = True,
) -> Launch:
    """How `program` is started for a purpose.

    program, version, lacking: as probed (cash/providers/program.py), lacking being the names of
    capabilities it does not have. resume: the provider's own id of a conversation, "" for the
    last one. session: the id a new conversation gets, where the program takes one. tree, home: as
    seen inside. account: what sort the agent has. key_tail: the end of its key, by which a program
    remembers that it was accepted. hooked: its hooks are wanted. ProviderFault when the provider
    has no such start and the prompt would be lost; what else is missing is a note. Touches
    nothing."""
    said = {"prompt": prompt, "model": model, "resume": resume, "session": session}
    known = {"tree": tree, "home": home, "key_tail": key_tail}
    filling = _Filling(said | known, manifest, lacking, version)
    purpose, typed = _what_it_can(manifest, purpose, prompt, filling)
    start = manifest.starts[purpose]
    given = prompt.encode("utf-8", "surrogateescape") if start.input else None
    # What follows a prompt might be taken for a part of it.
    last = tuple(one for one in start.groups if _holds_prompt(one))
    first = tuple(one for one in start.groups if one not in last)
    argv = (program, *filling.words((*first, *manifest.always, *manifest.model, *last)))
    if model and not manifest.model:
        filling.notes.append(f"{manifest.name} has no way to choose a model: {model} is left out")
    settled = (one for one in manifest.settled if one.account in ("", account))
    files = [filling.file(one) for one in settled if filling.has(one.needs)]
    hooks = manifest.hooks if hooked else None
    told = hooks.protocol if hooks and filling.has(hooks.needs) else ""
    environment = tuple((name, filling.text(value)) for name, value in manifest.environment)
    return Launch(
        argv=argv,
        environment=environment,
        files=tuple(files),
        given=given,
        typed=typed,
        output=start.output,
        hooks=told,
        notes=tuple(dict.fromkeys(filling.notes)),
    )


def _what_it_can(
    manifest: Manifest, purpose: Purpose, prompt: str, filling: _Filling
) -> tuple[Purpose, str]:
    """The purpose that comes nearest, and the prompt that is then still to be typed."""
    if purpose not in PURPOSES:
        raise ValueError(f"no purpose: {purpose}")
    start = manifest.starts.get(purpose)
    # What is no matter of the prompt may be missing.
    groups = start.groups if start else ()
    if purpose == "prompt":
        groups = tuple(one for one in groups if _holds_prompt(one))
    elif purpose == "resumed-headless":
        groups = tuple(one for one in groups if _takes_up(one))
    has = start is not None and all(filling.has(one.needs, quiet=True) for one in groups)
    match purpose:
        case "resumed" if not has:
            filling.notes.append(f"{manifest.name} cannot take up a conversation: a new one begins")
            return "interactive", ""
        case "prompt" if not has or _is_long(prompt):
            if not manifest.typed:
                raise ProviderFault(f"an agent of provider {manifest.name} takes no prompt")
            return "interactive", prompt
        case "headless" if start is None:
            raise ProviderFault(
                f"{manifest.name} cannot work without a terminal", hint="leave --headless out"
            )
        case "resumed-headless" if not has:
            # A task that was meant for what was said before is not given to one who knows nothing.
            raise ProviderFault(
                f"{manifest.name} cannot take up a conversation without a terminal",
                hint="leave --headless or --resume out",
            )
        case "headless" | "resumed-headless" if start and _is_long(prompt) and not start.input:
            raise ProviderFault(
                f"{manifest.name} takes a prompt of at most {_LONGEST_WORD} bytes",
                hint="put the text into a file of its tree and name that",
            )
        case _:
            return purpose, ""


def _holds_prompt(group: Words) -> bool:
    return any("{prompt}" in word for word in group.words)


def _takes_up(group: Words) -> bool:
    return group.unless == "resume" or any("{resume}" in word for word in group.words)


def _is_long(prompt: str) -> bool:
    return len(prompt.encode("utf-8", "surrogateescape")) > _LONGEST_WORD


class _Filling:
    """Puts what is known into the places for it, and notes what is missing."""

    def __init__(
        self, values: Mapping[str, str], manifest: Manifest, lacking: Collection[str], version: str
    ) -> None:
        self.notes: list[str] = []
        self._values = values
        self._manifest = manifest
        self._lacking = lacking
        self._version = version

    def has(self, capability: str, *, quiet: bool = False) -> bool:
        """Whether the program can that; a note when it cannot."""
        if not capability or capability not in self._lacking:
            return True
        if not quiet:
            what = self._manifest.capabilities[capability].note or f"it lacks {capability}"
            shown = f"{self._manifest.name} {self._version}".rstrip()
            self.notes.append(f"{shown}: {what}")
        return False

    def words(self, groups: Iterable[Words]) -> tuple[str, ...]:
        """Those of all groups that are whole."""
        kept = (group.words for group in groups if self._is_whole(group) and self.has(group.needs))
        return tuple(self.text(word) for words in kept for word in words)

    def _is_whole(self, group: Words) -> bool:
        missing = [f"{{{name}}}" for name, value in self._values.items() if not value]
        unfilled = any(name in word for name in missing for word in group.words)
        return not unfilled and not self._values.get(group.unless)

    def text(self, text: str) -> str:
        """The text with its places filled, each once: what is put in is not looked at again."""
        parts = text.split("{")
        found = [parts[0]]
        for part in parts[1:]:
            name, end, rest = part.partition("}")
            known = bool(end) and name in self._values
            found.append(self._values[name] + rest if known else "{" + part)
        return "".join(found)

    def file(self, settled: Settled) -> tuple[str, bytes]:
        """A file of the home, as it is to hold at least."""
        if isinstance(settled.value, str):
            return settled.path, self.text(settled.value).encode()
        return settled.path, json.dumps(self._deep(settled.value), indent=2).encode()

    def _deep(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(key): self._deep(one) for key, one in value.items()}
            case list():
                return [self._deep(one) for one in value]
            case _:
                return value
