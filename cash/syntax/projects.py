"""Tools that run a program in a project's own environment: uv run, poetry run, pnpm exec…"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cash.syntax.command import Word
from cash.syntax.launch import Finder, Launch, Starts
from cash.syntax.options import parse_options
from cash.syntax.word import literal_word
from cash.syntax.wrappers import Wrapper
from cash.syntax.wrapping import wrapper_launches


@dataclass(frozen=True, slots=True)
class _Tool:
    """verbs: after which another program begins. own: options before the verb. behind: what
    stands between the verb and the program."""

    verbs: tuple[str, ...]
    own: Wrapper = field(default_factory=Wrapper)
    behind: Wrapper = field(default_factory=Wrapper)


_UV = Wrapper(
    "pPwCf", "nqv",
    ("--python", "--with", "--with-editable", "--with-requirements", "--group", "--no-group",
     "--only-group", "--extra", "--no-extra", "--env-file", "--package", "--project", "--directory",
     "--index", "--default-index", "--index-url", "--extra-index-url", "--find-links",
     "--cache-dir", "--config-file", "--color", "--from", "--refresh-package"),
)  # fmt: skip
_CONDA = Wrapper("np", "v", ("--name", "--prefix", "--cwd", "--env"))
_NODE = Wrapper("CF", "rcw", ("--dir", "--filter", "--workspace-concurrency", "--reporter"),
                text=("-c", "--shell-mode"))  # fmt: skip

_TOOLS = {
    "uv": _Tool(("run",), _UV, _UV),
    "poetry": _Tool(("run",), Wrapper("CP", "nqv", ("--directory", "--project"))),
    "pipenv": _Tool(("run",), Wrapper("", "qv", ("--python",))),
    "pdm": _Tool(("run",), Wrapper("cp", "qv"), Wrapper("p", "s", ("--venv",))),
    "rye": _Tool(("run",)),
    "hatch": _Tool(("run",), Wrapper("ep", "qv", ("--env", "--project"))),
    "pixi": _Tool(("run",), behind=Wrapper("e", "qv", ("--environment", "--manifest-path"))),
    "conda": _Tool(("run",), behind=_CONDA),
    "mamba": _Tool(("run",), behind=_CONDA),
    "micromamba": _Tool(("run",), behind=_CONDA),
    "bundle": _Tool(("exec",), behind=Wrapper("", "", ("--gemfile",))),
    "pnpm": _Tool(("exec",), _NODE, _NODE),
    "direnv": _Tool(("exec",), behind=Wrapper(operands=1)),
    "mise": _Tool(("exec", "x"), Wrapper("CE", "qvy")),
    "asdf": _Tool(("exec",)),
    "pyenv": _Tool(("exec",)),
    "rbenv": _Tool(("exec",)),
    "nodenv": _Tool(("exec",)),
    "opam": _Tool(("exec",), behind=Wrapper("", "", ("--switch", "--root"))),
    "volta": _Tool(("run",), behind=Wrapper("", "", ("--node", "--npm", "--pnpm", "--yarn"))),
    "rustup": _Tool(("run",), behind=Wrapper(operands=1)),
    "doppler": _Tool(("run",), behind=Wrapper("pc", "", ("--project", "--config"))),
    "op": _Tool(("run",), behind=Wrapper("", "", ("--env-file", "--account"))),
}
_COREPACK = frozenset({"npm", "npx", "pnpm", "pnpx", "yarn", "yarnpkg"})


def _project(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    tool = _TOOLS[name]
    first = parse_options(argv, 1, tool.own.valued, tool.own.flags, tool.own.long).first
    if argv[first:] and argv[first].text in tool.verbs:
        yield from wrapper_launches(name, tool.behind, _past_versions(name, argv[first:]))


def _past_versions(name: str, argv: Sequence[Word]) -> Sequence[Word]:
    """`mise exec node@20 -- CMD`: what stands before the dashes is no program."""
    ends = [at for at, word in enumerate(argv) if word.text == "--"]
    return (argv[0], *argv[ends[0] :]) if name == "mise" and ends else argv


def _corepack(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """corepack npm@10 install x: the package manager itself."""
    if argv[1:] and argv[1].literal:
        program, at, _ = argv[1].text.partition("@")
        if program in _COREPACK:
            yield Starts((literal_word(program) if at else argv[1], *argv[2:]), name)


PROJECTS: dict[str, Finder] = {**dict.fromkeys(_TOOLS, _project), "corepack": _corepack}
