"""Whose files they are: the account that git runs as."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine. groups: all group ids, for a process that becomes this user."""

    uid: int
    gid: int
    name: str
    home: Path
    groups: tuple[int, ...] = ()

    @property
    def foreign(self) -> bool:
        """Whether polis (as root) must change its user to act for this account."""
        return os.geteuid() == 0 and self.uid != 0


def account_of(uid: int, gid: int) -> Account:
    """The account with these ids; one without a passwd entry has no home but /."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(uid=uid, gid=gid, name=str(uid), home=Path("/"), groups=(gid,))
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(uid, entry.pw_gid, entry.pw_name, Path(entry.pw_dir), groups)


def own_account() -> Account:
    """The account polis runs as; HOME is believed before the passwd entry."""
    account = account_of(os.geteuid(), os.getegid())
    home = os.environ.get("HOME", "")
    if not home.startswith("/"):
        return account
    return Account(account.uid, account.gid, account.name, Path(home), account.groups)
