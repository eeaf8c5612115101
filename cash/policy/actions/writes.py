"""Which files a command is about to change: redirects, and the programs that write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cash.policy.action import Write, WriteKind
from cash.policy.arguments import Arguments
from cash.policy.glob import has_holes
from cash.policy.subject import Subject, is_file
from cash.policy.value import Value, likely_text, value_of
from cash.syntax.command import Word

Change = tuple[Value, WriteKind]
Writer = Callable[[Arguments], Iterator[Change]]

_REDIRECTS: Final[dict[str, WriteKind]] = {
    ">": "overwrite",
    ">|": "overwrite",
    "&>": "overwrite",
    ">&": "overwrite",
    "<>": "overwrite",
    ">>": "append",
    "&>>": "append",
}


def writes_of(subject: Subject) -> Iterator[Write]:
    """The writes of one command, redirects first."""
    command = subject.command
    if command is None:
        return
    for redirect in command.redirects:
        kind = _REDIRECTS.get(redirect.operator)
        if kind is not None and is_file(redirect):
            yield _write(subject, value_of(redirect.target, subject.scene.variables), kind)
    for naming in subject.namings:
        writer = WRITERS.get(naming.name)
        if writer is not None:
            for value, kind in writer(subject.arguments(naming, {})):
                yield _write(subject, value, kind)


def _write(subject: Subject, value: Value, kind: WriteKind) -> Write:
    located = subject.path_of(value)
    if located.holes or value.holes:
        return Write(value.word, kind, subject.command, subject.cwd)
    path = Word((located.text,), value.word.source, value.word.span)
    return Write(path, kind, subject.command, subject.cwd)


def _positionals(arguments: Arguments) -> list[Value]:
    return [value for value, _ in arguments.positionals]


def _has(arguments: Arguments, *names: str) -> bool:
    return any(flag.name in names or flag.name.startswith("--in-pl") for flag in arguments.flags)


def _value_of(arguments: Arguments, *names: str) -> Value | None:
    found = [flag.value for flag in arguments.flags if flag.name in names and flag.value]
    return found[-1] if found else None


def _every(kind: WriteKind, first: int = 0) -> Writer:
    def find(arguments: Arguments) -> Iterator[Change]:
        for value in _positionals(arguments)[first:]:
            yield value, kind

    return find


def _into(target: Value, source: Value) -> Value:
    """source's name in the folder target."""
    name = source.text.rstrip("/").rpartition("/")[2]
    text = f"{target.text.rstrip('/')}/{name}"
    word = Word((*target.word.parts, "/" + name), target.word.source)
    return Value(text, word, target.assumed, target.loose, target.holes or source.holes)


def _copies(arguments: Arguments) -> Iterator[Change]:
    """The last argument, or -t's; which may be a folder, and then the file in it."""
    words = _positionals(arguments)
    target = _value_of(arguments, "-t", "--target-directory")
    if target is None:
        if len(words) < 2:
            return
        target, words = words[-1], words[:-1]
    yield target, "overwrite"
    for source in words:
        yield _into(target, source), "overwrite"


def _moves(arguments: Arguments) -> Iterator[Change]:
    words = _positionals(arguments)
    sources = words if _value_of(arguments, "-t", "--target-directory") else words[:-1]
    for source in sources:
        yield source, "rename"
    yield from _copies(arguments)


def _links(arguments: Arguments) -> Iterator[Change]:
    words = _positionals(arguments)
    if len(words) == 1 and _value_of(arguments, "-t", "--target-directory") is None:
        yield Value(words[0].text.rpartition("/")[2], words[0].word), "create"
        return
    yield from _copies(arguments)


def _installs(arguments: Arguments) -> Iterator[Change]:
    if _has(arguments, "-d", "--directory"):
        yield from _every("create")(arguments)
    else:
        yield from _copies(arguments)


def _tee(arguments: Arguments) -> Iterator[Change]:
    kind: WriteKind = "append" if _has(arguments, "-a", "--append") else "overwrite"
    for value in _positionals(arguments):
        yield value, kind


def _metadata(arguments: Arguments) -> Iterator[Change]:
    first = 0 if _value_of(arguments, "--reference") else 1
    yield from _every("metadata", first)(arguments)


def _dd(arguments: Arguments) -> Iterator[Change]:
    for value in _positionals(arguments):
        if value.text.startswith("of="):
            yield _behind(value, 3), "overwrite"


def _behind(value: Value, start: int) -> Value:
    first = value.word.parts[0]
    parts = (first[start:], *value.word.parts[1:]) if isinstance(first, str) else value.word.parts
    word = Word(parts, value.word.source)
    return Value(value.text[start:], word, value.assumed, value.loose, value.holes)


def _edits(arguments: Arguments) -> Iterator[Change]:
    """sed -i and perl -i: the files behind the script."""
    if not any(flag.name.startswith(("-i", "--in-place")) for flag in arguments.flags):
        return
    scripted = any(
        flag.name in ("-e", "-f", "-E", "--expression", "--file") for flag in arguments.flags
    )
    yield from _every("overwrite", 0 if scripted else 1)(arguments)


def _shred(arguments: Arguments) -> Iterator[Change]:
    kind: WriteKind = "delete" if _has(arguments, "-u", "--remove") else "overwrite"
    yield from _every(kind)(arguments)


def _find(arguments: Arguments) -> Iterator[Change]:
    """`find DIR … -delete`, and the files that -fprint writes."""
    flags = {flag.name for flag in arguments.flags}
    if "-delete" in flags:
        yield from _every("delete")(arguments)
    for flag in arguments.flags:
        if flag.name in ("-fprint", "-fprint0", "-fprintf", "-fls") and flag.value is not None:
            yield flag.value, "overwrite"


def _tar(arguments: Arguments) -> Iterator[Change]:
    archive = _value_of(arguments, "-f", "--file")
    if _has(arguments, "-c", "--create", "-r", "--append", "-u", "--update"):
        if archive is not None:
            yield archive, "overwrite"
        if _has(arguments, "--remove-files"):
            yield from _every("delete")(arguments)
    elif _has(arguments, "-x", "--extract", "--get"):
        target = _value_of(arguments, "-C", "--directory")
        if target is not None:
            yield target, "create"


def _output(*names: str) -> Writer:
    def find(arguments: Arguments) -> Iterator[Change]:
        for flag in arguments.flags:
            if flag.name in names and flag.value is not None and flag.value.text != "-":
                yield flag.value, "overwrite"

    return find


def _curl(arguments: Arguments) -> Iterator[Change]:
    yield from _output(
        "-o", "--output", "-D", "--dump-header", "-c", "--cookie-jar", "--output-dir"
    )(arguments)
    if _has(arguments, "-O", "--remote-name", "--remote-name-all"):
        yield from _named_by_urls(_positionals(arguments))


def _wget(arguments: Arguments) -> Iterator[Change]:
    if _value_of(arguments, "-O", "--output-document") is not None:
        yield from _output("-O", "--output-document")(arguments)
        return
    folder = _value_of(arguments, "-P", "--directory-prefix")
    if folder is not None:
        yield folder, "create"
    else:
        yield from _named_by_urls(_positionals(arguments))


def _named_by_urls(values: Sequence[Value]) -> Iterator[Change]:
    for value in values:
        text = likely_text(value)
        name = text.partition("?")[0].rpartition("/")[2]
        if name and "/" in text and not has_holes(name):
            yield Value(name, Word((name,), value.word.source)), "overwrite"


def _rsync(arguments: Arguments) -> Iterator[Change]:
    words = _positionals(arguments)
    if len(words) > 1 and ":" not in words[-1].text:
        yield words[-1], "overwrite"


def _sponge(arguments: Arguments) -> Iterator[Change]:
    yield from _tee(arguments)


# Every program that is known to write files, and how it says which.
WRITERS: Final[dict[str, Writer]] = {
    "rm": _every("delete"),
    "unlink": _every("delete"),
    "rmdir": _every("delete"),
    "shred": _shred,
    "wipe": _every("delete"),
    "srm": _every("delete"),
    "cp": _copies,
    "mv": _moves,
    "ln": _links,
    "link": _copies,
    "install": _installs,
    "tee": _tee,
    "sponge": _sponge,
    "truncate": _every("overwrite"),
    "touch": _every("create"),
    "mkdir": _every("create"),
    "mkfifo": _every("create"),
    "mknod": _every("create"),
    "mkfs": _every("overwrite"),
    "chmod": _metadata,
    "chown": _metadata,
    "chgrp": _metadata,
    "chattr": _metadata,
    "setfacl": _metadata,
    "dd": _dd,
    "sed": _edits,
    "gsed": _edits,
    "perl": _edits,
    "find": _find,
    "tar": _tar,
    "bsdtar": _tar,
    "unzip": _output("-d"),
    "sort": _output("-o", "--output"),
    "curl": _curl,
    "wget": _wget,
    "rsync": _rsync,
    "scp": _rsync,
}
