"""How programs read their flags: which take a value, and which mean the same."""

from __future__ import annotations

from cash.policy.git_usages import GIT_USAGES
from cash.policy.usage import Usage, make_usage

UNKNOWN_PROGRAM = Usage()

_RECURSE = "-r -R --recursive"
_FORCE = "-f --force"

# One row a program: flags with values, then groups of spellings. From the manuals of coreutils 9,
# git 2.39, curl 8, npm 10.
USAGES: dict[str, Usage] = {
    "rm": make_usage("", f"{_RECURSE}, {_FORCE}, -d --dir"),
    "cp": make_usage(
        "-t -S",
        f"{_RECURSE}, {_FORCE}, -t --target-directory, -S --suffix, -T --no-target-directory",
    ),
    "mv": make_usage("-t -S", f"{_FORCE}, -t --target-directory, -S --suffix"),
    "ln": make_usage(
        "-t -S",
        f"{_FORCE}, -s --symbolic, -t --target-directory, -S --suffix",
    ),
    "install": make_usage(
        "-t -m -o -g -S",
        "-t --target-directory, -m --mode, -o --owner, -g --group, -d --directory",
    ),
    "mkdir": make_usage("-m", "-p --parents, -m --mode"),
    "rmdir": make_usage("", "-p --parents"),
    "touch": make_usage("-d -r -t", "-d --date, -r --reference"),
    "truncate": make_usage("-s -r", "-s --size, -r --reference"),
    "shred": make_usage("-n -s", "-u --remove, -n --iterations, -s --size"),
    "tee": make_usage("", "-a --append"),
    "chmod": make_usage("--reference", "-R --recursive, -f --silent --quiet"),
    "chown": make_usage("--reference --from", "-R --recursive"),
    "chgrp": make_usage("--reference", "-R --recursive"),
    "dd": make_usage(),
    "sed": make_usage(
        "-e -f -l",
        "-i --in-place, -e --expression, -f --file, -n --quiet --silent, -E -r",
    ),
    "perl": make_usage("-e -E -M -m -I"),
    "tar": make_usage(
        "-f -C -T -X --exclude -I",
        "-f --file, -C --directory, -x --extract --get, -c --create, -T --files-from,"
        "-X --exclude-from, -I --use-compress-program",
    ),
    "rsync": make_usage(
        "-e --exclude --include --exclude-from --include-from --files-from -f",
        "-e --rsh, -r --recursive, -a --archive, -f --filter, -n --dry-run",
    ),
    "find": make_usage(
        "-name -iname -path -ipath -regex -iregex -type -maxdepth -mindepth -newer -size -perm "
        "-user -group -mtime -atime -ctime -mmin -fprint -fprintf -fls -fprint0 -wholename",
        bundles=False,
    ),
    "grep": make_usage(
        "-e -f -m -A -B -C --include --exclude --exclude-dir",
        "-r --recursive, -R --dereference-recursive, -e --regexp, -f --file, -i --ignore-case",
    ),
    "curl": make_usage(
        "-o -d -H -X -u -A -b -c -e -F -T -x -m -w -K -E -C -r -Y -y -z -D -Q -U -P -t "
        "--data-raw --data-binary --data-urlencode --data-ascii --json --resolve --connect-to "
        "--cacert --capath --cert-type --key --key-type --retry --retry-delay "
        "--connect-timeout --max-redirs --limit-rate --interface --proto --ciphers --url "
        "--form-string --output-dir --unix-socket --socks5 --preproxy --retry-max-time",
        "-o --output, -d --data, -H --header, -X --request, -u --user, -A --user-agent,"
        "-b --cookie, -c --cookie-jar, -e --referer, -F --form, -T --upload-file, -x --proxy,"
        "-m --max-time, -w --write-out, -K --config, -E --cert, -C --continue-at, -r --range,"
        "-k --insecure, -L --location, -O --remote-name, -s --silent, -D --dump-header",
    ),
    "wget": make_usage(
        "-O -o -a -P -e -U -t -T -i -w -Q -D -A -R -I -X -B --post-data --post-file --header "
        "--user --password --body-data --body-file --method --load-cookies --proxy-user",
        "-O --output-document, -o --output-file, -P --directory-prefix, -e --execute,"
        "-U --user-agent, -i --input-file, -t --tries, -T --timeout, -r --recursive",
    ),
    "ssh": make_usage("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B"),
    "scp": make_usage("-c -F -i -J -l -o -P -S -D -X"),
    "nc": make_usage("-e -c -p -s -w -i -q -X -x -O -P -T -V -I"),
    "bash": make_usage("-O +O -o +o --init-file --rcfile", leading=True),
    "sh": make_usage("-o +o --init-file --rcfile", leading=True),
    "dash": make_usage("-o +o", leading=True),
    "zsh": make_usage("-o +o", leading=True),
    "python": make_usage("-c -m -W -X"),
    "node": make_usage(
        "-e -p -r -C --import --loader",
        "-e --eval, -p --print, -r --require, -C --conditions",
    ),
    "ruby": make_usage("-e -I -r -C"),
    "docker": make_usage(
        "-H --host --context -c -l --log-level --config -v --volume -e --env --name -w -u -p",
        "-v --volume, -e --env, -H --host",
    ),
    "kubectl": make_usage(
        "-n --context --kubeconfig --cluster --user -f -l -o --token -s",
        "-n --namespace, -f --filename, -l --selector, -o --output, -s --server",
    ),
    "npm": make_usage(
        "--prefix -C -w --registry --loglevel --userconfig --cache --tag --otp --workspace",
        "-g --global, -D --save-dev, -S --save, -E --save-exact, -O --save-optional,"
        "-w --workspace, -C --prefix",
        bundles=False,
    ),
    "npx": make_usage("-p -c -w", "-p --package, -c --call, -y --yes", bundles=False),
    "pnpm": make_usage(
        "-C --filter -F --dir --prefix --registry --loglevel",
        "-g --global, -D --save-dev, -C --dir, -F --filter, -r --recursive",
        bundles=False,
    ),
    "yarn": make_usage("--cwd --registry", "-D --dev, -E --exact", bundles=False),
    "apt-get": make_usage("-o -c -t", "-y --yes --assume-yes"),
    "systemctl": make_usage("-H -M -t -p -n -o -s"),
    "go": make_usage(bundles=False),
    "terraform": make_usage("-var -var-file -target -state", bundles=False),
    "java": make_usage("-cp -classpath -jar --module-path", bundles=False),
    "openssl": make_usage("-in -out -key -pass -passin -passout", bundles=False),
}
USAGES.update(GIT_USAGES)
# Before the operation; behind it each has flags of its own (`on: git` knows them).
USAGES["git"] = Usage(frozenset(("-C", "-c", "--git-dir", "--work-tree", "--namespace")))
USAGES["python3"] = USAGES["python"]
USAGES["apt"] = USAGES["apt-get"]
USAGES["egrep"] = USAGES["fgrep"] = USAGES["grep"]
USAGES["unlink"] = USAGES["rm"]
USAGES["podman"] = USAGES["docker"]
USAGES["ncat"] = USAGES["netcat"] = USAGES["nc"]

SETS: dict[str, tuple[str, ...]] = {
    "shell": ("bash", "sh", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh"),
    "interpreter": (
        *("$shell", "eval", "source", ".", "python", "python2*", "python3*", "pypy*", "perl*"),
        *(
            "ruby*",
            "node",
            "nodejs",
            "deno",
            "bun",
            "php*",
            "lua*",
            "Rscript",
            "osascript",
            "tclsh",
        ),
    ),
    "fetcher": (
        *("curl", "wget", "aria2c", "http", "https", "xh", "curlie", "lynx", "w3m", "links"),
        *("fetch", "axel", "nc", "ncat", "netcat", "socat", "telnet", "ftp", "tftp", "lftp"),
    ),
    "wrapper": (
        *("env", "sudo", "doas", "timeout", "nice", "nohup", "setsid", "stdbuf", "time", "xargs"),
        *("parallel", "command", "builtin", "exec", "ionice", "chrt", "taskset", "unshare"),
    ),
}
