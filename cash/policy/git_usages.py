"""How git 2.39 reads the flags of its operations."""

from __future__ import annotations

from cash.policy.usage import make_usage

# Git's operations: those with a row are known to be git's own, so that no alias hides them.
_GIT = {
    "add": ("", "-f --force, -A --all, -u --update, -p --patch, -n --dry-run"),
    "am": ("-C -p", ""),
    "apply": ("-p -C --directory --exclude --include", "-R --reverse, -3 --3way"),
    "archive": ("-o --format --prefix --remote --exec", "-o --output"),
    "bisect": ("", ""),
    "blame": ("-L -S --contents", ""),
    "branch": (
        "-u --set-upstream-to --contains --merged --no-merged --points-at --sort --format",
        "-d --delete, -f --force, -m --move, -c --copy, -a --all, -r --remotes",
    ),
    "bundle": ("", ""),
    "cat-file": ("", ""),
    "checkout": ("-b -B --orphan --conflict", "-f --force, -p --patch, -t --track"),
    "cherry-pick": ("-m -X -s", "-m --mainline, -n --no-commit"),
    "clean": ("-e", "-f --force, -n --dry-run, -e --exclude, -i --interactive"),
    "clone": (
        "-b -o -u -c -j --depth --reference --template --separate-git-dir --filter --shallow-since",
        "-b --branch, -o --origin, -u --upload-pack, -c --config, -j --jobs",
    ),
    "commit": (
        "-m -C -c -F -t --author --date --cleanup --fixup --squash --trailer",
        (
            "-m --message, -a --all, -n --no-verify, -C --reuse-message, -c --reedit-message,"
            "-F --file, -t --template, -p --patch"
        ),
    ),
    "config": (
        "-f --blob --type --default --comment --value --url",
        "-f --file, -l --list, -e --edit",
    ),
    "describe": ("--match --exclude --abbrev --candidates", ""),
    "diff": ("-O -S -G --output", ""),
    "difftool": ("-t -x", "-t --tool, -x --extcmd"),
    "fast-import": ("", ""),
    "fetch": (
        "-j -o --depth --upload-pack --refmap --shallow-since --negotiation-tip",
        "-f --force, -p --prune, -t --tags, -a --append, -j --jobs, -o --server-option",
    ),
    "filter-branch": ("--env-filter --tree-filter --index-filter --msg-filter -d", "-f --force"),
    "filter-repo": ("", "-f --force"),
    "for-each-ref": ("--format --sort --count", ""),
    "format-patch": ("-o --start-number --suffix", "-o --output-directory"),
    "fsck": ("", ""),
    "gc": ("", ""),
    "grep": ("-e -f -A -B -C -m", "-O --open-files-in-pager"),
    "hash-object": ("-t", ""),
    "init": ("-b --template --separate-git-dir", "-b --initial-branch"),
    "log": ("-n -L -S -G --format --author --since --until --grep --output", "-n --max-count"),
    "ls-files": ("-x -X", ""),
    "ls-remote": ("--upload-pack --sort", "-t --tags"),
    "ls-tree": ("", ""),
    "maintenance": ("", ""),
    "merge": ("-m -s -X -F", "-m --message, -s --strategy, -X --strategy-option"),
    "mergetool": ("-t", "-t --tool"),
    "mv": ("", "-f --force, -n --dry-run"),
    "notes": ("-m -F -C", "-f --force"),
    "prune": ("--expire", "-n --dry-run"),
    "pull": (
        "-s -X --upload-pack --depth -j",
        "-r --rebase, -f --force, -s --strategy, -X --strategy-option",
    ),
    "push": (
        "-o --repo --receive-pack --exec",
        (
            "-f --force, -d --delete, -n --dry-run, -u --set-upstream, -o --push-option,"
            "--receive-pack --exec, --all --branches"
        ),
    ),
    "range-diff": ("", ""),
    "read-tree": ("--prefix --index-output", ""),
    "rebase": ("-x -s -X --onto", "-i --interactive, -x --exec, -s --strategy, -f --force-rebase"),
    "reflog": ("--expire", ""),
    "remote": ("-t -m", ""),
    "repack": ("", ""),
    "replace": ("", "-f --force, -d --delete"),
    "request-pull": ("", ""),
    "reset": ("", "-p --patch, -q --quiet"),
    "restore": ("-s --pathspec-from-file", "-s --source, -S --staged, -W --worktree, -p --patch"),
    "rev-list": ("-n --max-count", ""),
    "rev-parse": ("", ""),
    "revert": ("-m -X -s", "-m --mainline, -n --no-commit"),
    "rm": ("", "-f --force, -r, -n --dry-run"),
    "send-email": ("", ""),
    "shortlog": ("", ""),
    "show": ("--format --output", ""),
    "show-ref": ("", ""),
    "sparse-checkout": ("", ""),
    "stash": ("-m", "-m --message, -u --include-untracked, -a --all"),
    "status": ("", "-s --short, -b --branch"),
    "submodule": ("", ""),
    "switch": (
        "-c -C --orphan --conflict",
        "-c --create, -C --force-create, -f --force --discard-changes, -d --detach",
    ),
    "symbolic-ref": ("-m", "-d --delete"),
    "tag": ("-m -F -u --sort --format", "-d --delete, -f --force, -m --message, -l --list"),
    "update-index": ("", ""),
    "update-ref": ("-m", "-d --delete"),
    "worktree": ("-b -B --reason", "-f --force, -d --detach"),
    "write-tree": ("", ""),
}
GIT_USAGES = {f"git {name}": make_usage(*texts) for name, texts in _GIT.items()}
