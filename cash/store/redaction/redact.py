"""Takes the secrets out of text, words and environments. What takes their place, says the kind:
`[redacted:github-token]`; the rest stays as it was, so that the journal can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from cash.store.body import JSON
from cash.store.redaction.commands import redact_line, redact_words
from cash.store.redaction.names import is_random, is_secret, is_stand_in, judge_name
from cash.store.redaction.shapes import SHAPES, redact_shapes

# Where none of these is, and no long run of letters either, no secret is known to be: most lines
# are through after a few microseconds.
_NAMES_AND_PROGRAMS = """
    pass pwd pw secret token key auth cred bearer cookie session sig otp jwt salt code webhook dsn
    pin license sid login chpasswd sudo @ mysql maria mycli curl openssl redis-cli zip 7z sqlcmd bcp
    smbclient rpcclient lftp rdp rdesktop mosquitto useradd usermod ldap mongo snmp rabbitmq vault
    from-literal community
"""
_KNOWN = {
    *_NAMES_AND_PROGRAMS.split(),
    *("rar ", " -a"),
    *(hint for shape in SHAPES for hint in shape.hints if len(hint) > 2),
}
# Whatever holds a longer one, holds the shorter one in it.
_HINTS = tuple(sorted(hint for hint in _KNOWN if not any(one in hint for one in _KNOWN - {hint})))
_LONG_RUN = re.compile(r"[\w-]{23}")

_MOST_ROUNDS = 4

_URL_PASSWORD = re.compile(r"(://[^\s/@:'\"\[]{0,256}:)([^\s/'\"]{1,512})(?=@)")
_URL_TOKEN = re.compile(r"(://)([^\s/@:'\"\[]{12,512})(?=@)")
_SCHEME = (
    r"bearer|basic|token|digest|apikey|api-key|key|negotiate|aws4-hmac-sha256|pat|github-bearer"
)
_AUTHORIZATION = re.compile(
    rf"(?i)(authorization\\?[\"']?\s{{0,8}}[:=]\s{{0,8}}\\?[\"']?(?:(?:{_SCHEME})\s{{1,8}})?)"
    rf"(?!(?:{_SCHEME})\b)([^\s\"'\\]+)"
)
_BEARER = re.compile(r"(?i)(\bbearer\s{1,8})([\w.~+/=-]{8,})")
_COOKIE = re.compile(r"(?i)(\b(?:set-)?cookie:\s{0,8})([^\"'\n]+)")
# `X-Api-Key: value` and `password: value`, alone in their quotes or on their line.
_FIELD = re.compile(
    r"(?m)((?:^|[\"'])[ \t-]{0,64}([A-Za-z][\w-]{1,60}):[ \t]{0,8})([^\s\"']+)(?=[ \t]*(?:$|[\"']))"
)
# "password": "value", password = 'value', \"password\": \"value\", environ["TOKEN"] = "value"
_QUOTED_PAIR = re.compile(
    r"(?<![\w.-])([A-Za-z_][\w.-]{0,100})(\\?[\"']?\]?\s{0,8}(?:=>|:=|[:=])\s{0,8})"
    r"(?:(\\\")((?:[^\"\\\n]|\\[^\"\n])*+)(?=\\\")|(\")((?:[^\"\\\n]|\\.)*+)(?=\")|(')([^'\n]*+)(?='))"
)


def redact_text(text: str) -> str:
    """The text, most likely a bash line, without its secrets. Never raises; linear time;
    redacting again changes nothing."""
    if not _is_suspicious(text):
        return text
    return _settle([text], lambda texts: [redact_line(_redact_anywhere(one)) for one in texts])[0]


def redact_argv(argv: Sequence[str]) -> list[str]:
    """The words of a command, each still at its place, without their secrets."""
    if not _is_suspicious(" ".join(argv)):
        return list(argv)
    return _settle(list(argv), lambda words: redact_words([_redact_anywhere(w) for w in words]))


def redact_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the values of what is secret, by name or by looks, taken out."""
    return {name: _redact_value(name, value) for name, value in environment.items()}


def redact_body(value: JSON) -> JSON:
    """A JSON value without secrets: lists of texts are taken for words of a command, texts under
    a name for values of an environment, where the name is written like a variable's or says it
    plainly (an id under "key" or "session" is none)."""
    # All texts in one look, as no name announces a secret that holds no hint either: of most
    # events it is the only one.
    return _redact_parts(value) if _is_suspicious(" ".join(_texts(value))) else value


def _texts(value: JSON) -> Iterator[str]:
    """Every text in it; words of a command one after another."""
    match value:
        case str():
            yield value
        case list() | tuple():
            for part in value:
                yield from _texts(part)
        case Mapping():
            for name, part in value.items():
                yield name
                yield from _texts(part)
        case _:
            pass


def _redact_parts(value: JSON) -> JSON:
    match value:
        case str():
            return redact_text(value)
        case Mapping():
            return {redact_text(name): _redact_field(name, part) for name, part in value.items()}
        case list() | tuple():
            texts = [part for part in value if isinstance(part, str)]
            if len(texts) == len(value):
                return redact_argv(texts)
            return [_redact_parts(part) for part in value]
        case _:
            return value


def _redact_field(name: str, value: JSON) -> JSON:
    if isinstance(value, str) and (name.isupper() or judge_name(name)[1]):
        return _redact_value(name, value)
    return _redact_parts(value)


def _redact_value(name: str, value: str) -> str:
    made = value if is_secret(name, value) else redact_text(value)
    # Asked again, as what was spared for its looks may look different now.
    kind = is_secret(name, made)
    return f"[redacted:{kind}]" if kind else made


def _settle(texts: list[str], redact: Callable[[list[str]], list[str]]) -> list[str]:
    """Redacts until nothing changes: what stands beside a mark may only then be seen to be a
    secret. What does not come to rest is hidden whole."""
    for _ in range(_MOST_ROUNDS):
        made = redact(texts)
        if made == texts:
            return texts
        texts = made
    return [
        one if one == again else "[redacted:text]"
        for one, again in zip(texts, redact(texts), strict=True)
    ]


def _is_suspicious(text: str) -> bool:
    lower = text.lower()
    for hint in _HINTS:  # any() over a generator takes twice as long
        if hint in lower:
            return True
    return _LONG_RUN.search(text) is not None


def _redact_anywhere(text: str) -> str:
    """What is told by its looks or by what stands around it: in bash, JSON, code, headers."""
    text = redact_shapes(text, text.lower())
    if "://" in text and "@" in text:
        text = _URL_PASSWORD.sub(_hide("url-password"), text)
        text = _URL_TOKEN.sub(_hide("url-password", only_random=True), text)
    if ":" in text or "earer" in text or "EARER" in text:
        text = _AUTHORIZATION.sub(_hide("authorization"), text)
        text = _BEARER.sub(_hide("authorization", only_random=True), text)
        text = _COOKIE.sub(_hide("cookie"), text)
        text = _FIELD.sub(_hide_field, text)
    if '"' in text or "'" in text:
        text = _QUOTED_PAIR.sub(_hide_quoted_pair, text)
    return text


def _hide(kind: str, *, only_random: bool = False) -> Callable[[re.Match[str]], str]:
    """For a pattern of two groups, what announces the secret and the secret."""

    def replace(found: re.Match[str]) -> str:
        before, value = found.groups()
        if is_stand_in(value) or (only_random and not is_random(value)):
            return found.group()
        return f"{before}[redacted:{kind}]"

    return replace


def _hide_field(found: re.Match[str]) -> str:
    before, name, value = found.groups()
    kind = is_secret(name, value)
    return f"{before}[redacted:{kind}]" if kind else found.group()


def _hide_quoted_pair(found: re.Match[str]) -> str:
    name, between, *quoted = found.groups()
    quote, value = next((quoted[i], quoted[i + 1]) for i in range(0, 6, 2) if quoted[i] is not None)
    kind = is_secret(name, value.strip())
    return f"{name}{between}{quote}[redacted:{kind}]" if kind else found.group()
