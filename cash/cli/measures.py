"""Times, durations and sizes as people read them; with --json they stay the numbers they are."""

from __future__ import annotations

import re
import time

_DAY = 86400
_PREFIXES = ("", "k", "M", "G", "T")
# From here on the figures of what is rounded are those of the next power of ten.
_TEN, _THOUSAND = 9.95, 999.5
_UNITS = ((_DAY, "d"), (3600, "h"), (60, "min"))


def moment(seconds: float) -> str:
    """A time since the epoch, as a local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def clock(seconds: float) -> str:
    """A time since the epoch: the hour if that was today, else the date as well."""
    then, now = time.localtime(seconds), time.localtime()
    same_day = then[:3] == now[:3]
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S", then)


def duration(seconds: float) -> str:
    """A length of time with two figures at most: 23 ms, 1.5 s, 40 s, 2 h."""
    if 0 < seconds < 0.0995:
        return f"{seconds * 1000:.2g} ms"
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.2g} s" if seconds < _TEN else f"{seconds:.0f} s"


def read_duration(text: str) -> float:
    """Seconds of `90`, `1.5`, `90s`, `10m`, `10min`, `2h`, `1d`. ValueError when it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)(s|m|min|h|d)?", text.strip())
    if found is None:
        raise ValueError(text)
    lengths = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": _DAY}
    return float(found[1]) * lengths[found[2] or "s"]


def age(seconds: float) -> str:
    """How long ago a time since the epoch was; a clock that was set back makes it 0 s."""
    passed = max(0, round(time.time() - seconds))
    return f"{duration(passed)} ago"


def size(count: float) -> str:
    """Bytes: 512 B, 1.5 kB, 20 MB."""
    prefixes = list(_PREFIXES)
    while count >= _THOUSAND and len(prefixes) > 1:
        count /= 1000
        prefixes.pop(0)
    figures = ".1f" if prefixes[0] and count < _TEN else ".0f"
    return f"{count:{figures}} {prefixes[0]}B"
