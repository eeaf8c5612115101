"""What a shell does by itself."""

from __future__ import annotations

from route import Forbidden, Route, Script, Text, bash, sh

# The command's own stdout, for what runs where something else takes what it prints.
_KEEP = "exec 9>&1; "


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    return _plain(forbidden) | _words(forbidden) | _read(forbidden) | _hooks(forbidden)


def _plain(forbidden: Forbidden) -> dict[str, Route]:
    line, path = forbidden.line, forbidden.path
    return {
        "the program itself": Route((forbidden.name, forbidden.argument)),
        "sh -c": sh(line),
        "dash -c": Route(("dash", "-c", line)),
        "bash -c": bash(line),
        "zsh -c": Route(("zsh", "-c", line)),
        "ksh -c": Route(("ksh", "-c", line)),
        "a login shell": Route(("bash", "-lc", forbidden.full_line)),
        "shells in shells": Route(("sh", "-c", f'bash -c \'dash -c "sh -c \\"{line}\\""\'')),
        "positional words": Route(("sh", "-c", '"$@"', "_", forbidden.name, forbidden.argument)),
        "exec": sh(f"exec {line}"),
        "builtin exec": bash(f"builtin exec {line}"),
        "exec -a": bash(f"exec -a ls {line}"),
        "command": sh(f"command {line}"),
        "subshell": sh(f"( {line} )"),
        "pipeline": sh(f"true | {line} | cat"),
        "background": sh(f"{line} & wait"),
        "background, disowned": bash(
            f"{{ {line} >out 2>err; >done; }} & disown\n"
            "until [ -e done ]; do sleep 0.01; done; cat out; cat err >&2"
        ),
        "coproc": bash(f"coproc {line}; cat <&${{COPROC[0]}}"),
        "process substitution, read": bash(f"cat <({line})"),
        "process substitution, written": bash(f"true > >({line}); wait $!"),
        "a path by hash -p": bash(f"hash -p {path} ls; ls {forbidden.argument}"),
    }


def _words(forbidden: Forbidden) -> dict[str, Route]:
    line, name, argument = forbidden.line, forbidden.name, forbidden.argument
    codes = "".join(f"\\x{ord(letter):x}" for letter in name)
    return {
        "eval": sh(f'eval "{line}"'),
        "a name in two halves": sh(f"a={name[:2]} b={name[2:]}; $a$b {argument}"),
        "a name in quotes": bash(f"$'{codes}' {argument}"),
        "a name by glob": sh(f"{forbidden.path[:-1]}[{forbidden.path[-1]}] {argument}"),
        "a name reversed": sh(f"$(printf %s {name[::-1]} | rev) {argument}", "rev"),
        "base64": sh(f"echo '{line}' | base64 | base64 -d | sh"),
        "command substitution": sh(f'echo "$({line})"'),
        "alias": bash(f"shopt -s expand_aliases\nalias ls='{line}'\nls"),
        "arithmetic": bash(f"{_KEEP}x='a[$({line} >&9)]'; echo $((x))"),
        "a subscript": bash(f"{_KEEP}x='a[$({line} >&9)]'; [[ -v $x ]]"),
        "a prompt expanded": bash(f"{_KEEP}x='$({line} >&9)'; : ${{x@P}}"),
    }


def _read(forbidden: Forbidden) -> dict[str, Route]:
    text = Text(forbidden.line + "\n")
    return {
        "a script on stdin": sh("sh < script", script=text),
        "a script by pipe": sh("cat script | sh", script=text),
        "a script by name": Route(("sh", "./script"), {"script": text}),
        "a script at /dev/stdin": sh("bash /dev/stdin < script", script=text),
        "a script of process substitution": bash(f"bash <(echo '{forbidden.line}')"),
        "a script without a first line": sh("./script", script=Script(forbidden.line + "\n")),
        "here-document": sh(f"sh <<END\n{forbidden.line}\nEND"),
        "here-string": bash(f"sh <<< '{forbidden.line}'"),
        "source": bash("source ./script", script=text),
        "the dot": sh(". ./script", script=text),
    }


def _hooks(forbidden: Forbidden) -> dict[str, Route]:
    line, text = forbidden.line, Text(forbidden.line + "\n")
    return {
        "trap EXIT": bash(f"trap '{line}' EXIT"),
        "trap DEBUG": bash(f"trap 'trap - DEBUG; {line}' DEBUG; :"),
        "trap of a signal": sh(f"trap '{line}' USR1; kill -USR1 $$; :"),
        "command_not_found_handle": bash(f"command_not_found_handle() {{ {line}; }}; nope"),
        "an exported function": bash(f"ls() {{ {line}; }}; export -f ls; bash -c ls"),
        "BASH_FUNC": Route(("env", f"BASH_FUNC_ls%%=() {{ {line}; }}", "bash", "-c", "ls")),
        "BASH_ENV": Route(("env", "BASH_ENV=./rc", "bash", "-c", ":"), {"rc": text}),
        "ENV": Route(("env", "ENV=./rc", "sh", "-i"), {"rc": text}),
        "--rcfile": Route(("bash", "--rcfile", "./rc", "-i"), {"rc": text}),
        "PROMPT_COMMAND": Route(("env", f"PROMPT_COMMAND={line}", "bash", "--norc", "-i")),
        "PS1": bash(f"{_KEEP}PS1='$({line} >&9)' bash --norc -i"),
        "PS4": bash(f"{_KEEP}PS4='$({line} >&9)'; set -x; :"),
        "mapfile -C": bash(f"mapfile -c 1 -C '{line}; :' <<< x"),
        "compgen -C": bash(f"{_KEEP}compgen -C '{line} >&9; :'"),
    }
