"""What stands behind a wrapper's own words: sudo, env, timeout, flock…"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from cash.syntax.command import Assignment, Expansion, Word
from cash.syntax.launch import Finder, Launch, Listens, Reads, Starts, assignment_of, joined
from cash.syntax.options import parse_options, rest_of
from cash.syntax.word import literal_word
from cash.syntax.wrappers import WRAPPERS, Wrapper


def wrapper_launches(name: str, wrapper: Wrapper, argv: Sequence[Word]) -> Iterator[Launch]:
    options = parse_options(argv, 1, wrapper.valued, wrapper.flags, wrapper.long)
    texts = options.values(*wrapper.text)
    yield from (Reads(text.parts, name) for text in texts)
    if options.has(*wrapper.ends):
        return
    first = options.first
    if name == "env" and first < len(argv) and argv[first].text == "-":
        first += 1
    yield from _behind(name, wrapper, argv, first, listens=wrapper.shell and not texts)
    for doubt in options.doubts:
        yield from _behind(name, wrapper, argv, doubt, listens=False)


def _behind(
    name: str, wrapper: Wrapper, argv: Sequence[Word], first: int, *, listens: bool
) -> Iterator[Launch]:
    assignments: list[Assignment] = []
    while wrapper.assigns and first < len(argv) and (found := assignment_of(argv[first])):
        assignments.append(found)
        first += 1
    rest = tuple(argv[first + wrapper.operands :])
    if rest:
        yield from started(name, rest, tuple(assignments))
    elif listens:
        yield Listens(name)


def started(
    name: str,
    argv: tuple[Word, ...],
    assignments: tuple[Assignment, ...] = (),
    remote: str | None = None,
) -> Iterator[Launch]:
    """The command that begins here. Where its first word is not known, that may be an option or
    vanish, and the next word be the command."""
    yield Starts(argv, name, assignments, remote)
    for index, word in enumerate(argv):
        if any(isinstance(part, str) for part in word.parts):
            if index and word.literal and not word.text.startswith("-"):
                yield Starts(argv[index:], name, assignments, remote)
            return


def env_launches(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    wrapper = WRAPPERS["env"]
    options = parse_options(argv, 1, wrapper.valued, wrapper.flags, wrapper.long)
    texts = options.values("-S", "--split-string")
    if not texts:
        yield from wrapper_launches(name, wrapper, argv)
        return
    words = _split_env(texts[-1])
    # What -S splits is read as env's own words: options, assignments, then the command.
    yield from env_launches(name, (argv[0], *words, *argv[options.first :]))


def _split_env(text: Word) -> list[Word]:
    """`env -S`: like a shell's quotes, without expansion."""
    if not text.literal:
        return [Word(text.parts, text.source)]
    try:
        return [literal_word(word) for word in shlex.split(text.text.replace("\\_", " "))]
    except ValueError:
        return [Word((Expansion("unknown", text.text),), text.source)]


def _flock(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """flock [options] FILE (COMMAND… | -c TEXT)."""
    yield from wrapper_launches(name, WRAPPERS["flock"], argv)
    for index, word in enumerate(argv[:-1]):
        if index > 1 and word.text in ("-c", "--command"):
            yield Reads(argv[index + 1].parts, name)


def _setarch(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """setarch [ARCH] [options] [COMMAND…]: the architecture may be missing."""
    wrapper = WRAPPERS["setarch"]
    yield from wrapper_launches(name, wrapper, argv)
    if len(argv) > 2:
        yield from wrapper_launches(name, wrapper, argv[1:])


def _bwrap(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """bubblewrap's options want from none to three values; the command is what then begins."""
    wants = {"--bind": 2, "--ro-bind": 2, "--dev-bind": 2, "--symlink": 2, "--setenv": 2,
             "--bind-try": 2, "--ro-bind-try": 2, "--dev-bind-try": 2, "--file": 2,
             "--bind-data": 2, "--ro-bind-data": 2, "--chmod": 2}  # fmt: skip
    bare = {"--unshare-all", "--share-net", "--unshare-user", "--unshare-ipc", "--unshare-pid",
            "--unshare-net", "--unshare-uts", "--unshare-cgroup", "--clearenv", "--new-session",
            "--die-with-parent", "--as-pid-1", "--unshare-user-try", "--unshare-cgroup-try",
            "--disable-userns"}  # fmt: skip
    index = 1
    while index < len(argv) and argv[index].text.startswith("--"):
        option = argv[index].text
        index += 1 if option == "--" else 1 + wants.get(option, 0 if option in bare else 1)
        if option == "--":
            break
    if argv[index:]:
        yield Starts(tuple(argv[index:]), name)


def _gdb(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    for index, word in enumerate(argv):
        if word.text in ("--args", "-args") and argv[index + 1 :]:
            yield Starts(tuple(argv[index + 1 :]), name)


def _script(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """script [options] [FILE] [-- COMMAND…]; -c may stand behind the file."""
    texts = []
    for index, word in enumerate(argv[1:], start=1):
        lead = word.parts[0]
        if not isinstance(lead, str):
            continue
        if lead.startswith("--command="):
            texts.append(rest_of(word, len("--command=")))
        elif lead == "--command" or re.fullmatch(r"-\w*c", lead):
            texts.extend(argv[index + 1 : index + 2])
        elif lead.startswith("-c"):
            texts.append(rest_of(word, 2))
    yield from (Reads(text.parts, "script -c") for text in texts)
    ends = [index for index, word in enumerate(argv) if word.text == "--"]
    if ends and argv[ends[0] + 1 :]:
        yield Starts(tuple(argv[ends[0] + 1 :]), name)
    elif not texts:
        yield Listens(name)


def _watch(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    wrapper = WRAPPERS["watch"]
    options = parse_options(argv, 1, wrapper.valued, wrapper.flags, wrapper.long)
    words = argv[options.first :]
    if words and options.has("-x", "--exec"):
        yield Starts(tuple(words), name)
    elif words:
        yield Reads(joined(words), name)


WRAPPING: dict[str, Finder] = {
    "env": env_launches,
    "flock": _flock,
    "setarch": _setarch,
    "bwrap": _bwrap,
    "gdb": _gdb,
    "script": _script,
    "watch": _watch,
}
