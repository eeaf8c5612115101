"""Interpreters, each by every call that starts a program."""

from __future__ import annotations

import platform

from route import Forbidden, Route, Text, sh

# The distribution's own: the first in PATH may be a shim that starts three programs more.
_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    return {
        **_python(forbidden),
        **_python_os(forbidden),
        **_python_low(forbidden),
        **_python_memory(forbidden),
        **_node(forbidden),
        **_perl(forbidden),
        **_filters(forbidden),
        **_others(forbidden),
    }


def _python(forbidden: Forbidden) -> dict[str, Route]:
    line, argv, path = forbidden.line, [forbidden.name, forbidden.argument], forbidden.path
    texts = {
        # vfork, unless asked otherwise.
        "subprocess": f"import subprocess; subprocess.run({argv})",
        "subprocess, shell": f"import subprocess; subprocess.run({line!r}, shell=True)",
        "subprocess, fork": f"import subprocess; subprocess.run({argv}, preexec_fn=lambda: None)",
        "subprocess, executable": (
            f"import subprocess; subprocess.run(['ls', {argv[1]!r}], executable={path!r})"
        ),
        "asyncio": (
            "import asyncio\nasync def main():\n"
            f" await (await asyncio.create_subprocess_exec(*{argv})).wait()\n"
            "asyncio.run(main())"
        ),
        "multiprocessing": (
            "import multiprocessing, os\n"
            "context = multiprocessing.get_context('fork')\n"
            f"p = context.Process(target=os.execv, args=({path!r}, {argv})); p.start(); p.join()"
        ),
    }
    routes = {f"python {name}": Route((*_PYTHON, text)) for name, text in texts.items()}
    terminal = f"import pty; pty.spawn({argv})"
    routes["python pty.spawn"] = Route((*_PYTHON, terminal), heard=False)
    return routes


def _python_os(forbidden: Forbidden) -> dict[str, Route]:
    line, argv, path = forbidden.line, [forbidden.name, forbidden.argument], forbidden.path
    texts = {
        "os.posix_spawn": f"import os; os.waitpid(os.posix_spawn({path!r}, {argv}, os.environ), 0)",
        "os.posix_spawnp": (
            f"import os; os.waitpid(os.posix_spawnp({argv[0]!r}, {argv}, os.environ), 0)"
        ),
        "os.spawnvp": f"import os; os.spawnvp(os.P_WAIT, {argv[0]!r}, {argv})",
        "os.execv": f"import os; os.execv({path!r}, {argv})",
        "os.execvp": f"import os; os.execvp({argv[0]!r}, {argv})",
        "os.fork": f"import os; os.fork() and (os.wait(), os._exit(0)); os.execv({path!r}, {argv})",
        "os.system": f"import os; os.system({line!r})",
        "os.popen": f"import os; print(os.popen({line!r}).read())",
        "a thread": (
            "import os, threading, time\n"
            f"threading.Thread(target=os.execv, args=({path!r}, {argv})).start(); time.sleep(20)"
        ),
    }
    return {f"python {name}": Route((*_PYTHON, text)) for name, text in texts.items()}


def _python_low(forbidden: Forbidden) -> dict[str, Route]:
    """Below Python's own calls."""
    path, argument = forbidden.path.encode(), forbidden.argument.encode()
    words = f"(ctypes.c_char_p * 3)({path!r}, {argument!r}, None)"
    start = "import ctypes, os; libc = ctypes.CDLL(None); "
    number = 322 if platform.machine() == "x86_64" else 281
    execveat = f"libc.syscall(ctypes.c_long({number}), "
    folder, _, rest = path.rpartition(b"/")
    by_folder = f"ctypes.c_long(os.open({folder!r}, os.O_PATH)), "
    itself = f"ctypes.c_long(os.open({path!r}, os.O_PATH)), "
    texts = {
        "execve": f"libc.execve({path!r}, {words}, None)",
        "execveat": f"{execveat}{by_folder}{rest!r}, {words}, None, ctypes.c_long(0))",
        "execveat of a descriptor": f"{execveat}{itself}b'', {words}, None, ctypes.c_long(0x1000))",
        "fexecve": f"os.execve(os.open({path!r}, 0), [{path!r}, {argument!r}], os.environ)",
        "system": f"libc.system({path + b' ' + argument!r})",
        "/proc/self/fd": (
            f"fd = os.open({path!r}, 0); os.execv(f'/proc/self/fd/{{fd}}', [b'ls', {argument!r}])"
        ),
    }
    return {f"ctypes {name}": Route((*_PYTHON, start + text)) for name, text in texts.items()}


def _python_memory(forbidden: Forbidden) -> dict[str, Route]:
    path = forbidden.path
    memory = f"import os; fd = os.memfd_create('ls'); os.write(fd, open({path!r}, 'rb').read()); "
    by_name = f"os.execv(f'/proc/self/fd/{{fd}}', ['ls', {forbidden.argument!r}])"
    by_fd = f"os.execve(fd, ['ls', {forbidden.argument!r}], os.environ)"
    keep = "os.set_inheritable(fd, True); "
    return {
        "memfd": Route((*_PYTHON, memory + by_fd), copy=True),
        "memfd by name": Route((*_PYTHON, memory + keep + by_name), copy=True),
    }


def _node(forbidden: Forbidden) -> dict[str, Route]:
    line, name, words = forbidden.line, forbidden.name, [forbidden.argument]
    start = "const c = require('child_process'); "
    inherit = "{stdio: 'inherit'}"
    show = "(error, out, err) => { process.stdout.write(out); process.stderr.write(err) }"
    texts = {
        "spawn": f"c.spawn({name!r}, {words}, {inherit})",
        "spawn, shell": f"c.spawn({line!r}, {{stdio: 'inherit', shell: true}})",
        "spawn, argv0": f"c.spawn({name!r}, {words}, {{stdio: 'inherit', argv0: 'ls'}})",
        "exec": f"c.exec({line!r}, {show})",
        "execFile": f"c.execFile({name!r}, {words}, {show})",
        "spawnSync": f"c.spawnSync({name!r}, {words}, {inherit})",
        "execSync": f"c.execSync({line!r}, {inherit})",
        "spawn, detached": f"c.spawn({name!r}, {words}, {{stdio: 'inherit', detached: true}})",
        "worker": (
            "new (require('worker_threads').Worker)("
            f"`require('child_process').spawnSync({name!r}, {words}, {inherit})`, {{eval: true}})"
        ),
    }
    return {f"node {key}": Route(("node", "-e", start + text)) for key, text in texts.items()}


def _perl(forbidden: Forbidden) -> dict[str, Route]:
    line, path, argument = forbidden.line, forbidden.path, forbidden.argument
    texts = {
        "exec": f"exec '{path}', '{argument}'",
        "exec under another name": f"exec {{'{path}'}} 'ls', '{argument}'",
        "system": f"system '{forbidden.name}', '{argument}'",
        "system, shell": f"system '{line} && true'",
        "backticks": f"print `{line}`",
        "open": f"open F, '{line} |'; print <F>",
        "fork": f"if (!fork) {{ exec '{path}', '{argument}' }} wait",
    }
    return {f"perl {key}": Route(("perl", "-e", text)) for key, text in texts.items()}


def _filters(forbidden: Forbidden) -> dict[str, Route]:
    line = forbidden.line
    system = f'BEGIN {{ system("{line}") }}'
    reading = f'BEGIN {{ while ("{line}" | getline line) print line }}'
    printing = f'BEGIN {{ print "" | "{line}" }}'
    routes = {
        "sed e": sh(f"echo | sed '1e {line}'"),
        "sed s///e": sh(f"echo x | sed 's/x/{line.replace('/', chr(92) + '/')}/e'"),
    }
    for awk in ("awk", "gawk", "mawk", "original-awk"):
        routes[f"{awk} system"] = Route((awk, system))
        routes[f"{awk} getline"] = Route((awk, reading))
        routes[f"{awk} print"] = Route((awk, printing))
    return routes


def _others(forbidden: Forbidden) -> dict[str, Route]:
    line, name, argument = forbidden.line, forbidden.name, forbidden.argument
    go = (
        'package main\nimport ("os"; "os/exec")\nfunc main() {\n'
        f'c := exec.Command("{name}", "{argument}")\nc.Stdout, c.Stderr = os.Stdout, os.Stderr\n'
        "c.Run()\n}\n"
    )
    return {
        "ruby system": Route(("ruby", "-e", f"system '{name}', '{argument}'")),
        "ruby spawn": Route(("ruby", "-e", f"Process.wait spawn('{line}')")),
        "php passthru": Route(("php", "-r", f"passthru('{line}');")),
        "lua os.execute": Route(("lua", "-e", f"os.execute('{line}')")),
        "tclsh exec": sh(f"echo 'exec {line} >@stdout 2>@stderr' | tclsh", "tclsh"),
        "m4 syscmd": sh(f"echo 'syscmd(`{line}'\\'')' | m4", "m4"),
        "sqlite3 .shell": sh(f"echo '.shell {line}' | sqlite3", "sqlite3"),
        "ed !": sh(f"echo '!{line}' | ed -s", "ed"),
        "go run": Route(
            ("sh", "-c", "GOCACHE=$PWD/cache GO111MODULE=off go run x.go"),
            {"x.go": Text(go)},
            ("go",),
        ),
    }
