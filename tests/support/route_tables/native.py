"""Programs in C: every system call and libc function that starts a program."""

from __future__ import annotations

import shutil

from compiling import can_be_static
from route import Built, Forbidden, Route

# Names that launchers/launch.c knows.
_HOWS = (
    *("execve", "execvp", "posix_spawn", "posix_spawnp", "vfork", "fork", "fexecve"),
    *("execveat-empty", "execveat-folder", "clone-vm", "clone-vfork", "thread", "memfd"),
    *("system", "popen", "daemon", "other-argv0", "no-environment"),
)
_SOURCE = "launchers/launch.c"


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    if not shutil.which("gcc"):
        return {}
    words = (forbidden.path, forbidden.argument)
    dynamic, static = {"go": Built(_SOURCE)}, {"go": Built(_SOURCE, ("-static",))}
    routes = {
        f"C {how}": Route(("./go", how, *words), dynamic, copy=how == "memfd") for how in _HOWS
    }
    if can_be_static():
        for how in ("execve", "posix_spawn", "vfork", "fexecve"):
            routes[f"static C {how}"] = Route(("./go", how, *words), static)
    preloaded = {"x.so": Built("launchers/preload.c", ("-shared", "-fPIC"))}
    routes["LD_PRELOAD"] = Route(
        ("env", "LD_PRELOAD=./x.so", "EXEC=" + words[0], "true"), preloaded
    )
    return routes
