"""Which options of which programs carry a secret, where the option's name does not say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Option:
    """form: "attached" only counts as `-pX`, as a bare `-p` asks for it; "separate" only as
    `-p X`; "either" both; "cluster" also at the end of `-sSp X`. behind: the secret starts behind
    this text in the value ("user:pass"), "" for all of it. when: a word that must stand before
    it, such as the subcommand; "" for none."""

    flag: str
    kind: str = "password"
    form: Literal["either", "attached", "separate", "cluster"] = "either"
    behind: str = ""
    when: str = ""


def _names(text: str) -> list[str]:
    return text.split()


_MYSQL = (Option("-p", form="attached"),)
_LOGIN = (Option("-p", when="login"), Option("-P", when="login"))
_AZURE = (*_LOGIN, Option("--value", "secret", when="secret"))
_LDAP = (Option("-w"),)
_MONGO = (Option("-p"),)
_ARCHIVE = (Option("-p", form="attached"),)
_SNMP = (Option("-A"), Option("-X"), Option("-c", "community"))
_CURL = (
    Option("-u", form="cluster", behind=":"),
    Option("--user", behind=":"),
    Option("-U", behind=":"),
    Option("--proxy-user", behind=":"),
    Option("--oauth2-bearer", "token"),
    Option("-b", "cookie", behind="="),
    Option("--cookie", "cookie", behind="="),
)
_HTTPIE = (Option("-a", behind=":"), Option("--auth", behind=":"))
_OPENSSL = (
    Option("-passin", behind="pass:"),
    Option("-passout", behind="pass:"),
    Option("-pass", behind="pass:"),
    Option("-k", form="separate"),
    Option("-K", "key", form="separate"),
)

PROGRAMS: dict[str, tuple[Option, ...]] = {
    **dict.fromkeys(
        _names(
            "mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlsh mysqlbinlog "
            "mariadb mariadb-dump mariadb-admin mariadb-import mycli"
        ),
        _MYSQL,
    ),
    **dict.fromkeys(_names("docker podman nerdctl buildah skopeo helm oras crane oc cf"), _LOGIN),
    **dict.fromkeys(
        _names("ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldappasswd"), _LDAP
    ),
    **dict.fromkeys(_names("mongo mongosh mongodump mongorestore mongoimport mongoexport"), _MONGO),
    **dict.fromkeys(_names("7z 7za 7zz 7zr rar unrar"), _ARCHIVE),
    **dict.fromkeys(_names("snmpget snmpwalk snmpset snmpbulkwalk"), _SNMP),
    **dict.fromkeys(_names("http https xh"), _HTTPIE),
    "az": _AZURE,
    "curl": _CURL,
    "openssl": _OPENSSL,
    "sshpass": (Option("-p"),),
    "redis-cli": (Option("-a"),),
    "zip": (Option("-P"),),
    "unzip": (Option("-P"),),
    "sqlcmd": (Option("-P"),),
    "bcp": (Option("-P"),),
    "smbclient": (Option("-U", behind="%"),),
    "rpcclient": (Option("-U", behind="%"),),
    "lftp": (Option("-u", behind=","),),
    "xfreerdp": (Option("/p:", form="attached"),),
    "rdesktop": (Option("-p"),),
    "mosquitto_pub": (Option("-P"),),
    "mosquitto_sub": (Option("-P"),),
    "usermod": (Option("-p"),),
    "useradd": (Option("-p"),),
    "gh": (Option("-b", "secret", when="secret"), Option("--body", "secret", when="secret")),
    "kubectl": (Option("--from-literal", "secret", behind="=", when="secret"),),
    "nmcli": (Option("password", form="separate"),),
    "ansible-vault": (Option("encrypt_string", "secret", form="separate"),),
    "security": (Option("-w", when="add-generic-password"),),
}

# Programs whose last plain word is a secret when a word like this stands before it:
# `htpasswd -nb USER PASSWORD`, `rabbitmqctl add_user USER PASSWORD`, `vault login TOKEN`.
LAST_WORD: dict[str, re.Pattern[str]] = {
    "htpasswd": re.compile(r"-[a-zA-Z]*b[a-zA-Z]*"),
    "rabbitmqctl": re.compile(r"add_user|change_password"),
    "vault": re.compile(r"login"),
}

# Options that carry the name of a secret, not the secret.
NAMES_ONLY: dict[str, tuple[str, ...]] = {"gcloud": ("--secret",)}

# Programs, and a word they need, that read a secret from standard input.
READS_SECRET: tuple[tuple[str, str], ...] = (
    ("sudo", "-S"),
    ("", "--password-stdin"),
    ("", "--with-token"),
    ("", "--stdin"),
    ("chpasswd", ""),
)
