"""Which names announce a secret, and which values behind them are none."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A value behind one of these is a secret, whatever it looks like.
_STRONG = {
    "passcode": "password",
    "pass": "password",
    "pwd": "password",
    "pw": "password",
    "otp": "token",
    "totp": "token",
    "accesskey": "key",
    "secretkey": "key",
    "storepass": "password",
    "keypass": "password",
}
# The same at the end of a word, for PGPASSWORD, authtoken, clientsecret.
_STRONG_ENDS = {
    "password": "password",
    "passwd": "password",
    "passphrase": "password",
    "secret": "secret",
    "token": "token",
    "apikey": "key",
}
_STRONG_PAIRS = {
    ("api", "key"): "key",
    ("access", "key"): "key",
    ("secret", "key"): "key",
    ("encryption", "key"): "key",
    ("signing", "key"): "key",
    ("master", "key"): "key",
    ("account", "key"): "key",
    ("license", "key"): "key",
    ("pass", "word"): "password",
    ("pass", "phrase"): "password",
    ("auth", "tok"): "token",
}
# Behind these only what looks random is.
_WEAK = _words(
    "key auth authorization credential credentials creds tokens secrets passwords session sid "
    "cookie cookies sig signature pin code webhook dsn bearer jwt salt license keys"
)
# The last word of a name that says something about a secret, or where it is.
_ABOUT = _words(
    "file files path paths dir folder name names id ids url uri host port ttl length len limit "
    "limits count type types expiry expires expiration timeout sock socket enabled required "
    "policy stdin version arn region issuer audience endpoint prefix suffix format mode method "
    "manager store provider source env var field header helper command cmd prompt age size "
    "budget usage regex pattern label title description index rotation template class ref refs "
    "selector cache fd stream reset only scope scopes permissions kind strategy validator "
    "generator service algorithm alg bytes bits days hours minutes seconds window rate"
)
# The first word of a switch, or of a number.
_DOING = _words(
    "no max min num show hide use with skip without require enable disable has is list get "
    "delete rotate revoke generate allow total n count per public"
)
# With one of these, `key` unlocks nothing.
_PLAIN_KEYS = _words(
    "cache sort primary foreign partition public host group row idempotency hash range search "
    "order map object s3 config registry dedup routing lock"
)

_LONGEST_NAME = 200
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def judge_name(name: str) -> tuple[str, bool]:
    """(kind, strong) of what a value behind the name is; ("", False) for nothing secret.
    Strong: whatever it looks like; otherwise only what looks random."""
    # A mark names what was there, it announces nothing.
    return ("", False) if "[redacted:" in name else _judge_name(name[-_LONGEST_NAME:])


@lru_cache(maxsize=4096)
def _judge_name(name: str) -> tuple[str, bool]:
    words = [word.lower() for word in _WORDS.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    if not words or words[0] in _DOING or (words[-1] in _ABOUT and words != ["vault", "id"]):
        # The one id that is a secret: Vault's approle.
        return ("secret", True) if "_".join(words) == "secret_id" and "_" in name else ("", False)
    for first, second in pairwise(words):
        if kind := _STRONG_PAIRS.get((first, second)):
            return kind, True
    for word in reversed(words):
        # PWD and OLDPWD are directories, `--passWithNoTests` is none: short ones count at the end.
        short = word in ("pass", "pwd", "pw", "otp") and (word != words[-1])
        alone = word in ("pwd", "pw") and len(words) == 1
        if (kind := _STRONG.get(word)) and not short and not alone:
            return kind, True
        for end, kind in _STRONG_ENDS.items():
            if word.endswith(end):
                return kind, True
    weak = next((word for word in reversed(words) if word in _WEAK), None)
    if weak is None or not _PLAIN_KEYS.isdisjoint(words):
        return "", False
    return ("key" if weak in ("key", "keys", "license") else "credential"), False


MARK = re.compile(r"(?:\[redacted:[a-z0-9-]{1,40}\])+")

# What only stands for a value: expansions, templates, "<token>", "***", "...".
# Possessive: stars can be split in groups in too many ways to try.
_STAND_IN = re.compile(
    r"(?:\$\{\w++:?[-=+?](?:\$\w+)?\}|\$\{?[\w@#?!*-]++\}?|\$\([^()]*+\)?|\$?\{\{?\s*+[\w.]*+\s*+\}?\}"
    r"|\$|`[^`]*+`?|%[a-zA-Z]|%\([^)]*+\)s|<[^<>]*+>|\*++|[xX]{3,}+|\.{2,3}+|…|:-?|[/,]){1,8}+"
)
_WORDS_FOR_NOTHING = _words(
    "true false yes no on off none null nil undefined default auto always never required optional "
    "changeme prompt stdin env - -- = == ? != string str bytes int bool object any"
)
# Code that fetches a value: os.environ["X"], getpass.getpass(), process.env.X, settings.token. A
# password may well hold a bracket, so nothing else that looks like code is spared.
_CODE = re.compile(
    r"(?:(?:os\.)?(?:environ|getenv)|process\.env|getpass|System\.getenv|self|settings|config"
    r"|secrets|request|args|options)(?:[.\[(][\w.\[\]()\"'\\-]*)?"
)
# The value of a pattern: s/password=.*/…/
_PATTERN = re.compile(r"\\?\(?(?:\.[*+]|\[\^|\\[Swd])")
_PATH = re.compile(r"(?:file:)?(?:~|\.{1,2})?/(?:[\w.@%~-]{0,40}/)*[\w.@%~-]{0,40}")
_FILE = re.compile(
    r"[\w./@-]+\.(?:pem|key|crt|cer|pub|json|ya?ml|toml|txt|env|p12|pfx|jks|gpg|asc|conf|cfg|ini|py|js|ts|sh|go|rs)"
)
_REFERENCE = re.compile(
    r"(?:env|fileb?|fd|id|type|src|secret|secretmanager|arn|op|vault|ref|ssm):\S*|id=\S+"
)


def is_stand_in(value: str) -> bool:
    """Whether the text, quotes removed, holds no secret whatever its name: empty, a mark, an
    expansion, a placeholder, code, a word such as `true`."""
    return (
        not value
        or value.lower() in _WORDS_FOR_NOTHING
        or MARK.fullmatch(value) is not None
        or _STAND_IN.fullmatch(value) is not None
    )


def is_secret(name: str, value: str) -> str:
    """The kind of secret that a value (quotes removed) behind the name is, "" for none."""
    kind, strong = judge_name(name)
    if not kind or is_stand_in(value) or _REFERENCE.fullmatch(value):
        return ""
    if _CODE.fullmatch(value) or _PATTERN.match(value):
        return ""
    if not strong:
        return kind if is_random(value) else ""
    if _FILE.fullmatch(value) or (_PATH.fullmatch(value) and value.count("/") > 1):
        return ""
    # `--max-token 4096`, `PASS=12 FAIL=0`; a password of digits is one all the same.
    if value.isdigit() and (kind == "key" or len(value) < 6) and "assw" not in name.lower():
        return ""
    return kind


_LONGEST_VALUE = 4096
_RUN = re.compile(r"[A-Za-z0-9+_/]{16,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CHECKSUM = re.compile(r"(?:sha\d{1,3}|md5|blake\d\w?|h1)[-:=]\S+")


def is_random(value: str) -> bool:
    """Whether it looks like nothing a person or a program would name something."""
    value = value[:_LONGEST_VALUE]
    if _UUID.fullmatch(value) or _CHECKSUM.match(value):
        return False
    if _PATH.fullmatch(value) or _FILE.fullmatch(value):
        return False
    for run in _RUN.findall(value):
        digits = sum(character.isdigit() for character in run)
        if digits >= 2 and len(run) - digits >= 2 and _entropy(run) >= 3.0:
            return True
    return False


def _entropy(text: str) -> float:
    """Bits a character (Shannon)."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())
