"""Features of an action that tell at once that some keys of rules do not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cash.policy.action import WriteKind

# Those that some keys cannot do without…
PIPED: Final = 1  # it may be fed by another command of the line
REMOTE: Final = 2  # it runs on another host
REDIRECTED: Final = 4
SETTING: Final = 8  # it sets variables
# … and those that leave some keys nothing to say.
UNCONFIGURED: Final = 16  # git, and nothing configures it
CHANGES: Final[Mapping[WriteKind, int]] = {
    "create": 32,
    "overwrite": 64,
    "append": 128,
    "delete": 256,
    "rename": 512,
    "metadata": 1024,
}
