"""What each of npm's flags becomes, verb by verb. Checked against pnpm 10 and 12."""

from __future__ import annotations

from cash.policy.rewriters.options import DROPPED, KEPT, As, Table

FILTER = As(("--filter={}",), leading=True)
EVERYWHERE: Table = {
    "loglevel=silent": As(("--loglevel=silent",)),
    "loglevel=error": As(("--loglevel=error",)),
    "loglevel=warn": As(("--loglevel=warn",)),
    "loglevel=info": As(("--loglevel=info",)),
    "loglevel": DROPPED,
    "color": KEPT,
    "no-color": KEPT,
    "progress": DROPPED,
    "no-progress": DROPPED,
    "timing": DROPPED,
    "no-timing": DROPPED,
    "unicode": DROPPED,
    "no-unicode": DROPPED,
    "no-update-notifier": DROPPED,
    "yes": DROPPED,
    "no-global": DROPPED,
    "registry": As(("--registry={}",)),
    "prefix": As(("--dir={}",), leading=True),
    "workspace": FILTER,
    "workspaces": As(("--recursive",), leading=True),
    "include-workspace-root": As(("--include-workspace-root",), leading=True),
}
_INSTALLING: Table = {
    **EVERYWHERE,
    "force": KEPT,
    "ignore-scripts": KEPT,
    "prefer-offline": KEPT,
    "offline": KEPT,
    "optional": DROPPED,
    "no-optional": KEPT,
    "omit=optional": As(("--no-optional",)),
    "package-lock-only": As(("--lockfile-only",)),
    "legacy-peer-deps": As(("--config.strict-peer-dependencies=false",)),
    "no-legacy-peer-deps": DROPPED,
    "strict-peer-deps": As(("--config.strict-peer-dependencies=true",)),
    "engine-strict": As(("--config.engine-strict=true",)),
    "fetch-retries": As(("--config.fetch-retries={}",)),
    "fetch-timeout": As(("--config.fetch-timeout={}",)),
    **dict.fromkeys(("audit", "no-audit", "fund", "no-fund"), DROPPED),
    **dict.fromkeys(("foreground-scripts", "prefer-dedupe"), DROPPED),
}
FROM_LOCKFILE: Table = {
    **_INSTALLING,
    "omit=dev": As(("--prod",)),
    "only=prod": As(("--prod",)),
    "only=production": As(("--prod",)),
    "production": As(("--prod",)),
    "no-production": As(("--prod=false",)),
    "include=dev": As(("--prod=false",)),
    "no-package-lock": As(("--no-lockfile",)),
    "no-shrinkwrap": As(("--no-lockfile",)),
    "frozen-lockfile": KEPT,
    # Without packages npm takes no notice of where to save, while pnpm's -D would leave
    # out everything but the devDependencies.
    **dict.fromkeys(("save", "save-dev", "save-prod", "save-exact", "save-optional"), DROPPED),
}
ADDING: Table = {
    **_INSTALLING,
    "save": DROPPED,
    "save-dev": KEPT,
    "save-optional": KEPT,
    "save-exact": KEPT,
    "save-prod": As(("--save-prod",)),
    "save-peer": KEPT,
    "save-prefix": As(("--save-prefix={}",)),
    "global": KEPT,
    "location=global": As(("--global",)),
    "location=project": DROPPED,
}
REMOVING: Table = {
    **EVERYWHERE,
    "global": KEPT,
    "location=global": As(("--global",)),
    # npm removes a package from wherever it stands; pnpm's -D would look in one place only.
    **dict.fromkeys(("save", "save-dev", "save-prod", "save-optional"), DROPPED),
    **dict.fromkeys(("audit", "no-audit", "fund", "no-fund"), DROPPED),
}
UPDATING: Table = {
    **EVERYWHERE,
    "global": KEPT,
    "location=global": As(("--global",)),
    "ignore-scripts": KEPT,
    "omit=dev": As(("--prod",)),
    "production": As(("--prod",)),
    "omit=optional": As(("--no-optional",)),
    **dict.fromkeys(("audit", "no-audit", "fund", "no-fund"), DROPPED),
}
LISTING: Table = {
    **EVERYWHERE,
    "json": KEPT,
    "long": As(("--long",)),
    "parseable": As(("--parseable",)),
    "global": KEPT,
    "depth": As(("--depth={}",)),
    "all": As(("--depth=Infinity",)),
    "omit=dev": As(("--prod",)),
    "production": As(("--prod",)),
    "omit=optional": As(("--no-optional",)),
}
OUTDATED: Table = {**EVERYWHERE, "json": KEPT, "long": As(("--long",)), "global": KEPT}
AUDITING: Table = {
    **EVERYWHERE,
    "json": KEPT,
    "audit-level": As(("--audit-level={}",)),
    "omit=dev": As(("--prod",)),
    "production": As(("--prod",)),
    "omit=optional": As(("--no-optional",)),
}
PUBLISHING: Table = {
    **EVERYWHERE,
    "access": As(("--access={}",)),
    "tag": As(("--tag={}",)),
    "otp": As(("--otp={}",)),
    "dry-run": KEPT,
    "json": KEPT,
    "ignore-scripts": KEPT,
    "provenance": KEPT,
}
PACKING: Table = {
    **EVERYWHERE,
    "json": KEPT,
    "pack-destination": As(("--pack-destination={}",)),
}
PRUNING: Table = {
    **EVERYWHERE,
    "omit=dev": As(("--prod",)),
    "production": As(("--prod",)),
    "omit=optional": As(("--no-optional",)),
    "ignore-scripts": KEPT,
}
TIDYING: Table = {**EVERYWHERE, "ignore-scripts": KEPT}
