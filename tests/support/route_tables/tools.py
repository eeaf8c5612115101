"""Ordinary tools with an option that starts a program."""

from __future__ import annotations

from route import Forbidden, Route, Script, Text, sh

_KEEP = "exec 9>&1; "


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    return {
        **_archives(forbidden),
        **_remotes(forbidden),
        **_texts(forbidden),
        **_make(forbidden),
        **_builders(forbidden),
    }


def _archives(forbidden: Forbidden) -> dict[str, Route]:
    line = forbidden.line
    # For options that take a program and no arguments.
    helper = Script(f"#!/bin/sh\n{line} >&9\n")
    return {
        "tar --to-command": sh(
            f"tar cf a one; tar xf a --to-command='{line}'", "tar", one=Text("one")
        ),
        "tar --checkpoint-action": sh(
            f"tar cf a --checkpoint=1 --checkpoint-action=exec='{line}' one",
            "tar",
            one=Text("one"),
        ),
        "tar -I": sh(f"{_KEEP}tar -I ./helper -cf a one", "tar", one=Text("one"), helper=helper),
        "sort --compress-program": sh(
            f"{_KEEP}seq 500 | sort -S 1k --compress-program=./helper --batch-size=2 -o /dev/null",
            helper=Script(f"#!/bin/sh\nmkdir ran 2>/dev/null && {line} >&9\ncat\n"),
        ),
        "split --filter": sh(f"{_KEEP}echo x | split --filter='{line} >&9'"),
        "zip -TT": sh(f"{_KEEP}zip -q -T -TT '{line} >&9;:' a one", "zip", one=Text("one")),
        "install --strip-program": sh(
            f"{_KEEP}install -s --strip-program=./helper one two", one=Text("one"), helper=helper
        ),
    }


def _remotes(forbidden: Forbidden) -> dict[str, Route]:
    line = forbidden.line
    helper = Script(f"#!/bin/sh\n{line} >&9\n")
    return {
        "rsync -e": sh(f"{_KEEP}rsync -e './helper' x:one .", "rsync", helper=helper),
        "ssh ProxyCommand": sh(
            # The shell holds ssh's end open until it has run.
            f"ssh -F none -o ProxyCommand=\"sh -c '{line} >out; :'\" x; cat out",
            "ssh",
        ),
        "ssh Match exec": sh(
            "ssh -F ./config x; cat out",
            "ssh",
            config=Text(f'Match exec "{line} >out"\nUser x\nHost *\nProxyCommand false\n'),
        ),
    }


def _texts(forbidden: Forbidden) -> dict[str, Route]:
    line = forbidden.line
    helper = Script(f"#!/bin/sh\n{line} >&9\n")
    return {
        "vim -c !": sh(f"vim -u NONE -es -c '!{line}' -c q </dev/null", "vim"),
        "vim system()": sh(
            f"vim -u NONE -es -c 'verbose echo system(\"{line}\")' -c q </dev/null 2>&1",
            "vim",
            heard=False,
        ),
        "vim -u": sh("vim -u ./rc -es -c q </dev/null", "vim", rc=Text(f"!{line}\n")),
        "ex": sh(f"printf '!{line}\\nq\\n' | ex -u NONE -s", "ex"),
        "less LESSOPEN": sh(f"LESSOPEN='|{line} %s' less one", "less", one=Text("one\n")),
        "diff3 --diff-program": sh(
            f"{_KEEP}diff3 --diff-program=./helper one one one",
            "diff3",
            one=Text("one\n"),
            helper=Script(f"#!/bin/sh\nmkdir ran 2>/dev/null && {line} >&9\n"),
        ),
        "sdiff --diff-program": sh(
            f"{_KEEP}sdiff --diff-program=./helper one one", "sdiff", one=Text(""), helper=helper
        ),
    }


def _make(forbidden: Forbidden) -> dict[str, Route]:
    line, argument = forbidden.line, forbidden.argument
    recipe = Text(f"all:\n\t@{line}\n")
    return {
        "make": Route(("make", "-s"), {"Makefile": recipe}),
        "make -j": Route(("make", "-s", "-j2", "-f", "rules"), {"rules": recipe}),
        "make, shell needed": Route(("make",), {"Makefile": Text(f"all:\n\t@{line} && true\n")}),
        "make SHELL": Route(
            ("make", "-s", f"SHELL={forbidden.path}", f".SHELLFLAGS={argument}"),
            {"Makefile": Text("all:\n\t@true && true\n")},
        ),
        "make .ONESHELL": Route(
            ("make", "-s"), {"Makefile": Text(f".ONESHELL:\nall:\n\ttrue\n\t{line}\n")}
        ),
        "make $(shell)": Route(
            ("make", "-s"), {"Makefile": Text(f"$(info $(shell {line}))\nall: ;\n")}
        ),
        "make --eval": Route(("make", "-s", f"--eval=all: ; @{line}")),
        "make MAKEFILES": Route(
            ("env", "MAKEFILES=./rules", "make", "-s", "all"), {"rules": recipe}
        ),
        "make in make": Route(
            ("make", "-s"),
            {"Makefile": Text("all:\n\t@$(MAKE) -s -f rules\n"), "rules": recipe},
        ),
    }


def _builders(forbidden: Forbidden) -> dict[str, Route]:
    name, argument = forbidden.name, forbidden.argument
    cmake = Text(f"execute_process(COMMAND {name} {argument})\n")
    ninja = Text(f"rule r\n command = {forbidden.line}\nbuild x: r\n")
    return {
        "gcc -wrapper": Route(
            ("gcc", "-wrapper", f"{name},{argument}", "-S", "x.c"), {"x.c": Text("int x;\n")}
        ),
        "cmake -P": Route(("cmake", "-P", "x.cmake"), {"x.cmake": cmake}),
        "ninja": Route(("ninja",), {"build.ninja": ninja}, heard=False),
    }
