"""Other names and other first lines: what the kernel itself sees through."""

from __future__ import annotations

import functools
import glob
import os
import tempfile

from route import Content, Copy, Forbidden, HardLink, Route, Script, Symlink, bash, sh


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    routes = {
        **_scripts(forbidden),
        **_names(forbidden),
        **_copies(forbidden),
        **_descriptors(forbidden),
    }
    if _can_link(forbidden.path):
        routes["hard link"] = Route(
            ("./innocent", forbidden.argument), {"innocent": HardLink(forbidden.path)}
        )
    return routes | _loaders(forbidden)


def _scripts(forbidden: Forbidden) -> dict[str, Route]:
    line, path, argument = forbidden.line, forbidden.path, forbidden.argument
    named: dict[str, Content] = {"one": Script(f"#!{path} {argument}\n")}
    return {
        "#! of the program": Route(("./one",), named),
        "#! of the program, by sh": Route(("sh", "-c", "./one"), named),
        "#! with blanks": Route(("./one",), {"one": Script(f"#!  \t{path} \t{argument}\n")}),
        "#!/bin/sh": Route(("./one",), {"one": Script(f"#!/bin/sh\n{line}\n")}),
        "#!/usr/bin/env": Route(("./one",), {"one": Script(f"#!/usr/bin/env bash\n{line}\n")}),
        "#!/usr/bin/env -S": Route(("./one",), {"one": Script(f"#!/usr/bin/env -S {line}\n")}),
        "#! chain": Route(
            ("./one",),
            {
                "one": Script("#!./two\n"),
                "two": Script("#!./three x\n"),
                "three": Script(f"#!{path} {argument}\n"),
            },
        ),
        "#! of a link": Route(
            ("./one",), {"one": Script(f"#!./innocent {argument}\n"), "innocent": Symlink(path)}
        ),
        "a script behind a link": Route(("./two",), {"two": Symlink("one"), **named}),
        "a script on a descriptor": Route(
            ("bash", "-c", "exec 7<one; exec /proc/self/fd/7"), named
        ),
    }


def _names(forbidden: Forbidden) -> dict[str, Route]:
    path, argument = forbidden.path, forbidden.argument
    link = Symlink(path)
    shown = f"../../../../../../../../{path}"
    return {
        "by its path": Route((path, argument)),
        "by a path with detours": Route((f"/./usr//share/../..{path}", argument)),
        "by a relative path": Route((shown, argument)),
        "by /proc/self/root": Route((f"/proc/self/root{path}", argument)),
        "by /proc/self/cwd": bash(
            f"cd {os.path.dirname(path)}; /proc/self/cwd/{forbidden.name} {argument}"
        ),
        "symlink": Route(("./innocent", argument), {"innocent": link}),
        "symlink to a symlink": Route(
            ("./innocent", argument), {"innocent": Symlink("other"), "other": link}
        ),
        "a folder that is a symlink": Route(
            (f"./d/{forbidden.name}", argument), {"d": Symlink(os.path.dirname(path))}
        ),
        "symlink in PATH": Route(("sh", "-c", f"PATH=$PWD/d:$PATH; ls {argument}"), {"d/ls": link}),
    }


def _copies(forbidden: Forbidden) -> dict[str, Route]:
    path, argument = forbidden.path, forbidden.argument
    copy = Copy(path)
    return {
        "copy": Route(("./innocent", argument), {"innocent": copy}, copy=True),
        "copy by cat": sh(
            f"cat {path} >innocent; chmod +x innocent; ./innocent {argument}", copy=True
        ),
        "copy in /tmp": sh(
            f"f=$(mktemp); cp {path} $f; chmod +x $f; $f {argument}; rm $f", copy=True
        ),
        "copy in /dev/shm": sh(
            f"f=$(mktemp -p /dev/shm); cp {path} $f; chmod +x $f; $f {argument}; rm $f", copy=True
        ),
        "a copy of its own name": Route((f"./{forbidden.name}", argument), {forbidden.name: copy}),
        "hard link to a copy": Route(
            ("sh", "-c", f"ln {forbidden.name} innocent; ./innocent {argument}"),
            {forbidden.name: copy},
            copy=True,
        ),
    }


def _descriptors(forbidden: Forbidden) -> dict[str, Route]:
    path, argument = forbidden.path, forbidden.argument
    return {
        "/proc/self/fd": bash(f"exec 7<{path}; exec /proc/self/fd/7 {argument}"),
        "/dev/fd": bash(f"exec 7<{path}; /dev/fd/7 {argument}"),
        "/proc/PID/fd of the parent": bash(
            f"exec 7<{path}; sh -c '/proc/$PPID/fd/7 {argument}; :'; :"
        ),
        "a removed copy": bash(
            f"cp {path} x; exec 7<x; rm x; exec /proc/self/fd/7 {argument}", copy=True
        ),
    }


_LOADER_IN_MEMORY = """
import os, sys
memory = os.memfd_create("x")
os.write(memory, open(sys.argv[1], "rb").read())
os.execve(memory, ["x", *sys.argv[2:]], os.environ)
"""


def _loaders(forbidden: Forbidden) -> dict[str, Route]:
    path, argument = forbidden.path, forbidden.argument
    found = sorted(glob.glob("/lib64/ld-linux-*.so.*") + glob.glob("/lib/ld-linux-*.so.*"))
    if not found:
        return {}
    loader = found[0]
    return {
        "ld-linux": Route((loader, path, argument)),
        "ld-linux --argv0": Route((loader, "--argv0", "ls", path, argument)),
        "ld-linux --library-path": Route((loader, "--library-path", "/usr/lib", path, argument)),
        "ld-linux, a mask": Route((loader, "--glibc-hwcaps-mask", "x", path, argument)),
        "ld-linux, flags": Route((loader, "--inhibit-cache", "--argv0", "ls", path, argument)),
        "ld-linux, copied": Route(
            ("sh", "-c", f"cp {loader} loader; ./loader {path} {argument}"), needs=("cp",)
        ),
        "ld-linux in a memfd": Route(
            (*("python3", "-c", _LOADER_IN_MEMORY, loader, path, argument),),
            needs=("python3",),
        ),
        "ld-linux behind a link": Route(("./ls", path, argument), {"ls": Symlink(loader)}),
        "#! of ld-linux": Route(
            ("./innocent", argument), {"innocent": Script(f"#!{loader} {path}\n")}
        ),
    }


@functools.cache
def _can_link(path: str) -> bool:
    """The tests' folder is on the program's filesystem, and a file of another user may be linked
    (fs.protected_hardlinks)."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.link(path, f"{folder}/x")
        except OSError:
            return False
    return True
