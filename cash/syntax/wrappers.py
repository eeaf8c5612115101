"""Programs that start another program: how their own words end and the other's begin.

One line a program. Options are what getopt would take: letters that want a value, letters that do
not, and the long ones that want a value. An option that is not listed might want one, so both
readings are then judged.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wrapper:
    """valued, flags: short options with and without a value. long: long options with a value;
    long options not listed are taken for flags. operands: words of its own before the command.
    assigns: NAME=value words may stand there. ends: options after which nothing is started.
    text: options whose value is shell text. shell: without a command it starts a shell, which
    reads its standard input."""

    valued: str = ""
    flags: str = ""
    long: tuple[str, ...] = ()
    operands: int = 0
    assigns: bool = False
    ends: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    shell: bool = False


WRAPPERS: dict[str, Wrapper] = {
    "sudo": Wrapper(
        "CDghpRrTtUu", "AbBEeHiKklNnPSsVv",
        ("--close-from", "--chdir", "--group", "--host", "--prompt", "--chroot", "--role",
         "--command-timeout", "--type", "--other-user", "--user"),
        assigns=True, ends=("-e", "--edit", "-l", "--list", "-v", "--validate", "-K", "-V"),
        shell=True,
    ),
    "doas": Wrapper("aCu", "Lns", shell=True),
    "pkexec": Wrapper("u", "", ("--user",), shell=True),
    "gosu": Wrapper(operands=1),
    "su-exec": Wrapper(operands=1),
    "env": Wrapper(
        "CPSu", "0iv", ("--chdir", "--split-string", "--unset", "--argv0"), assigns=True
    ),
    "timeout": Wrapper("ks", "fpv", ("--kill-after", "--signal"), operands=1),
    "nice": Wrapper("n", "0123456789+-", ("--adjustment",)),
    "ionice": Wrapper(
        "cnpPu", "t", ("--class", "--classdata", "--pid", "--pgid", "--uid"),
        ends=("-p", "--pid", "-P", "--pgid", "-u", "--uid"),
    ),
    "chrt": Wrapper(
        "DPT", "abdfimoRrv", ("--sched-runtime", "--sched-period", "--sched-deadline"),
        operands=1, ends=("-p", "--pid", "-m", "--max"),
    ),
    "taskset": Wrapper("", "ac", operands=1, ends=("-p", "--pid")),
    "numactl": Wrapper("ClmNPpiw", "aHs"),
    "prlimit": Wrapper("p", "", ("--pid",), ends=("-p", "--pid")),
    "setpriv": Wrapper(
        "", "d", ("--ambient-caps", "--inh-caps", "--bounding-set", "--ruid", "--euid", "--rgid",
                  "--egid", "--reuid", "--regid", "--groups", "--securebits", "--selinux-label"),
    ),
    "setsid": Wrapper("", "cfw"),
    "setarch": Wrapper("p", "vRFZLXBIST3h"),
    "linux32": Wrapper("", "vRFZLXBIST3h"),
    "linux64": Wrapper("", "vRFZLXBIST3h"),
    "nohup": Wrapper(),
    "stdbuf": Wrapper("ioe", "", ("--input", "--output", "--error")),
    "time": Wrapper("fo", "apvqV", ("--format", "--output")),
    "chroot": Wrapper("", "", ("--userspec", "--groups"), operands=1, shell=True),
    "unshare": Wrapper(
        "SGRwl", "cfimnprTuU", ("--setuid", "--setgid", "--root", "--wd", "--map-user",
                              "--map-users", "--map-group", "--map-groups", "--propagation",
                              "--setgroups", "--monotonic", "--boottime", "--load-interp"),
        shell=True,
    ),
    "nsenter": Wrapper(
        "tSGNW", "aCimnpruUFTcekwZ", ("--target", "--setuid", "--setgid", "--wdns", "--net-socket"),
        shell=True,
    ),
    "strace": Wrapper(
        "abeEIoOpPsSuUX", "cCdDfFhiknqrtTvVwxyYzZ",
        ("--attach", "--output", "--trace", "--env", "--user", "--string-limit", "--expr"),
    ),
    "ltrace": Wrapper("aADeFlnopsuwxX", "bcCfhiLrStTV", ("--output", "--library", "--where")),
    "gdb": Wrapper("", "q", ("--ex", "-ex", "--eval-command", "--command"), ends=("-p", "--pid")),
    "valgrind": Wrapper("", "dhqv"),
    "rlwrap": Wrapper("bCDfFgHlmMOpPqsStwzy", "acAeEhiInNorRTuUvVWX"),
    "xvfb-run": Wrapper("eFfnpsw", "ahl", ("--error-file", "--auth-file", "--server-num",
                                         "--xauth-protocol", "--server-args", "--wait")),
    "dbus-run-session": Wrapper("", "", ("--config-file", "--dbus-daemon")),
    "systemd-run": Wrapper("GHMpEuC", "dPqrStV", ("--property", "--setenv", "--unit", "--slice",
                                                 "--uid", "--gid", "--working-directory", "--nice",
                                                 "--description", "--machine", "--host")),
    "systemd-inhibit": Wrapper("", "", ("--what", "--who", "--why", "--mode")),
    "fakeroot": Wrapper("lsibf", "uvh", ("--lib", "--faked")),
    "eatmydata": Wrapper(),
    "unbuffer": Wrapper("", "p"),
    "torsocks": Wrapper("uaP", "idq"),
    "proxychains": Wrapper("f", "q"),
    "proxychains4": Wrapper("f", "q"),
    "tini": Wrapper("p", "gsvw"),
    "dumb-init": Wrapper("r", "cvV"),
    "catchsegv": Wrapper(),
    "entr": Wrapper("", "acdnprsxz"),
    "exec": Wrapper("a", "cl"),
    "command": Wrapper("", "pvV", ends=("-v", "-V")),
    "builtin": Wrapper(),
    "nocorrect": Wrapper(),
    "noglob": Wrapper(),
    "busybox": Wrapper(),
    "toybox": Wrapper(),
    "flock": Wrapper(
        "Ewc", "eFhnosuVx", ("--timeout", "--wait", "--conflict-exit-code", "--command"),
        operands=1, text=("-c", "--command"),
    ),
    "watch": Wrapper("nq", "bcdeghprtwx", ("--interval", "--equexit")),
    "script": Wrapper(
        "cEIOBTmto", "aefqV", ("--command", "--echo", "--log-in", "--log-out", "--log-io",
                              "--log-timing", "--logging-format", "--output-limit"),
        operands=0, text=("-c", "--command"), shell=True,
    ),
    "xargs": Wrapper(
        "adEILnPs", "0ceilopqrtx", ("--arg-file", "--delimiter", "--max-lines", "--max-args",
                                   "--max-procs", "--max-chars", "--process-slot-var"),
    ),
}  # fmt: skip

# Programs that read shell text: bash's own grammar, or near enough to be read as bash.
SHELLS = frozenset(
    {"bash", "sh", "dash", "zsh", "ksh", "ksh93", "mksh", "lksh", "ash", "rbash", "rzsh", "yash",
     "posh", "hush"}
)  # fmt: skip
# Shells with a grammar of their own: what is read of their text is only part of the truth.
OTHER_SHELLS = frozenset({"fish", "csh", "tcsh", "pwsh", "powershell", "nu", "xonsh", "elvish"})

SSH_VALUED = "BbcDEeFIiJLlmOoPpQRSWw"
SSH_FLAGS = "46AaCfGgKkMNnqsTtVvXxYy"
