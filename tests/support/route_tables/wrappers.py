"""Programs whose work is to start another one."""

from __future__ import annotations

from route import Forbidden, Route, Script, Text, sh


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    return _settings(forbidden) | _sessions(forbidden) | _many(forbidden)


def _settings(forbidden: Forbidden) -> dict[str, Route]:
    """What sets something up and then becomes the program."""
    called, by_path = (forbidden.name, forbidden.argument), (forbidden.path, forbidden.argument)
    return {
        "env": Route(("env", *called)),
        "env NAME=VALUE": Route(("env", "A=b", *called)),
        "env -i": Route(("env", "-i", *by_path)),
        "env -S": Route(("env", "-S", forbidden.line)),
        "env PATH=": Route(("env", f"PATH={forbidden.path.rpartition('/')[0]}", *called)),
        "nice": Route(("nice", "-n", "1", *called)),
        "ionice": Route(("ionice", "-c", "3", *called)),
        "timeout": Route(("timeout", "20", *called)),
        "nohup": Route(("nohup", *called)),
        "stdbuf": Route(("stdbuf", "-oL", *called)),
        "chrt": Route(("chrt", "--other", "0", *called)),
        "taskset": Route(("taskset", "ffffffff", *called)),
        "setarch": Route(("setarch", "-R", *called)),
        "prlimit": Route(("prlimit", "--core=0", *called)),
        "flock": Route(("flock", "./lock", *called)),
        "flock -c": Route(("flock", "./lock", "-c", forbidden.line)),
        "busybox": Route(("busybox", "env", *called)),
        "busybox sh": Route(("busybox", "sh", "-c", forbidden.line)),
        "wrappers in wrappers": Route(("env", "nice", "timeout", "20", "nohup", *called)),
    }


def _sessions(forbidden: Forbidden) -> dict[str, Route]:
    """What leaves the caller's session or terminal."""
    line, called = forbidden.line, (forbidden.name, forbidden.argument)
    wait = "until [ -e done ]; do sleep 0.01; done; cat out; cat err >&2"
    kept = f"{line} >out 2>err; >done"
    # A socket of its own, and the server goes with its last session.
    tmux = "tmux -f /dev/null -S ./socket"
    return {
        "setsid": Route(("setsid", "--wait", *called)),
        "setsid, forked twice": sh(f"setsid --fork sh -c '({kept}) &'; {wait}", "setsid"),
        "start-stop-daemon": sh(
            f"/sbin/start-stop-daemon --start --exec {forbidden.path} -- {forbidden.argument}",
            "/sbin/start-stop-daemon",
        ),
        "script -c": Route(("script", "-qec", line, "/dev/null"), heard=False),
        "tmux": sh(f"{tmux} new-session -d '{kept}'; {wait}", "tmux"),
        # It ends when the output changes.
        "watch": sh(
            f"TERM=xterm script -qc 'watch -n 0.1 -tg \"{kept}; date +%N\"' /dev/null >log; {wait}",
            *("watch", "script"),
        ),
    }


def _many(forbidden: Forbidden) -> dict[str, Route]:
    """What starts it for each of many things."""
    name, argument, line = forbidden.name, forbidden.argument, forbidden.line
    one = {"one": Text("")}
    return {
        "xargs": sh(f"echo {argument} | xargs {name}"),
        "xargs, the name too": sh(f"echo {line} | xargs env"),
        "xargs -P": sh(f"echo {argument} | xargs -P 4 -n 1 {name}"),
        "xargs sh -c": sh(f"echo '{line}' | xargs -I {{}} sh -c '{{}}'"),
        "parallel": sh(f"echo {argument} | parallel {name}", "parallel"),
        "find -exec": Route(("find", ".", "-name", "one", "-exec", name, argument, ";"), one),
        "find -exec +": sh(f"find . -name one -exec sh -c '{line}' {{}} +", one=one["one"]),
        # GNU find refuses -execdir while PATH has a relative folder; here it has none.
        "find -execdir": Route(("find", ".", "-name", "one", "-execdir", name, argument, ";"), one),
        "find -ok": sh(f"yes | find . -name one -ok {line} \\;", one=one["one"]),
        "run-parts": Route(("run-parts", "./d"), {"d/one": Script(f"#!/bin/sh\n{line}\n")}),
    }
