"""How npm reads its command line: options, abbreviations, names of commands (npm 11)."""

from __future__ import annotations

from cash.policy.rewriters.options import Grammar

GRAMMAR = Grammar(
    short={
        "d": "loglevel=info",
        "dd": "loglevel=verbose",
        "ddd": "loglevel=silly",
        "quiet": "loglevel=warn",
        "q": "loglevel=warn",
        "s": "loglevel=silent",
        "silent": "loglevel=silent",
        "verbose": "loglevel=verbose",
        "local": "no-global",
        "n": "no-yes",
        "no": "no-yes",
        "no-install": "no-yes",
        "porcelain": "parseable",
        "reg": "registry",
        "iwr": "include-workspace-root",
        "ws": "workspaces",
        "a": "all",
        "c": "call",
        "f": "force",
        "g": "global",
        "L": "location",
        "l": "long",
        "m": "message",
        "p": "parseable",
        "C": "prefix",
        "S": "save",
        "B": "save-bundle",
        "D": "save-dev",
        "E": "save-exact",
        "O": "save-optional",
        "P": "save-prod",
        "?": "usage",
        "H": "usage",
        "h": "usage",
        "help": "usage",
        "v": "version",
        "w": "workspace",
        "y": "yes",
    },
    valued=frozenset(
        """
        _auth access allow-directory allow-file allow-git allow-remote allow-scripts also
        audit-level auth-type before browser ca cache cafile call cert cidr cpu depth diff
        diff-dst-prefix diff-src-prefix diff-unified editor expires fetch-retries
        fetch-retry-factor fetch-retry-maxtimeout fetch-retry-mintimeout fetch-timeout git
        globalconfig heading https-proxy include init-author-email init-author-name
        init-author-url init-license init-module init-type init-version install-strategy key
        libc local-address location lockfile-version loglevel logs-dir logs-max maxsockets
        message min-release-age min-release-age-exclude name node-gyp node-options noproxy
        omit only orgs os otp pack-destination package packages password prefix preid
        provenance-file proxy registry replace-registry-host save-prefix sbom-format
        sbom-type scope scopes script-shell searchexclude searchlimit searchopts shell tag
        tag-version-prefix umask user-agent userconfig viewer which workspace
        """.split()  # noqa: SIM905
    ),
    switches=frozenset(
        """
        all allow-same-version audit bin-links color commit-hooks
        dangerously-allow-all-scripts description dev dry-run engine-strict force
        foreground-scripts format-package-lock fund git-tag-version global global-style
        if-present ignore-scripts include-workspace-root init-private install-links json
        legacy-bundling legacy-peer-deps link long offline optional package-lock
        package-lock-only parseable prefer-dedupe prefer-offline prefer-online production
        progress provenance read-only rebuild-bundle save save-bundle save-dev save-exact
        save-optional save-peer save-prod shrinkwrap sign-git-commit sign-git-tag
        strict-peer-deps strict-ssl timing unicode update-notifier usage version versions
        workspaces workspaces-update yes
        """.split()  # noqa: SIM905
    ),
    abbreviates=True,
)

# npm's command list (lib/utils/cmd-list.js): npm accepts every unique beginning of these names.
_COMMANDS = frozenset(
    """
    access adduser approve-scripts audit bugs cache ci completion config dedupe deny-scripts
    deprecate diff dist-tag docs doctor edit exec explain explore find-dupes fund get help
    help-search init install install-ci-test install-scripts install-test link ll login
    logout ls org outdated owner pack ping pkg prefix profile prune publish query rebuild
    repo restart root run sbom search set shrinkwrap stage star stars start stop team test
    token trust undeprecate uninstall unpublish unstar update version view whoami
    """.split()  # noqa: SIM905
)
_ALIASES = {
    **dict.fromkeys(
        ("add", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isnta", "isntal", "isntall"),
        "install",
    ),
    **dict.fromkeys(("unlink", "remove", "rm", "r", "un"), "uninstall"),
    **dict.fromkeys(("clean-install", "ic", "install-clean", "isntall-clean"), "ci"),
    **dict.fromkeys(("u", "up", "upgrade", "udpate"), "update"),
    **dict.fromkeys(("create", "innit"), "init"),
    **dict.fromkeys(("run-script", "rum", "urn"), "run"),
    **dict.fromkeys(("cit", "clean-install-test", "sit"), "install-ci-test"),
    **dict.fromkeys(("t", "tst"), "test"),
    **dict.fromkeys(("info", "show", "v"), "view"),
    **dict.fromkeys(("find", "s", "se"), "search"),
    "it": "install-test",
    "x": "exec",
    "list": "ls",
    "la": "ll",
    "ln": "link",
    "why": "explain",
    "ddp": "dedupe",
    "rb": "rebuild",
    "c": "config",
    "author": "owner",
    "home": "docs",
    "issues": "bugs",
    "verison": "version",
    "hlep": "help",
    "dist-tags": "dist-tag",
    "ogr": "org",
    "add-user": "adduser",
}


def command_of(verb: str) -> str:
    """npm's own reading of a verb: name, alias, camel case, or a unique beginning."""
    if verb in _COMMANDS:
        return verb
    dashed = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in verb)
    if dashed in _COMMANDS:
        return dashed
    if dashed in _ALIASES:
        return _ALIASES[dashed]
    longer = {name for name in (*_COMMANDS, *_ALIASES) if name.startswith(dashed)}
    if len(longer) != 1:
        return dashed
    (name,) = longer
    return _ALIASES.get(name, name)
