"""What stays loaded is left out of Python's search for garbage.

A policy with its patterns and the modules that judge by it are tens of thousands of objects, all
alive. The collector walks them whenever it takes the oldest: whatever polisd answers just then
waits for 15 to 40 ms.
"""

from __future__ import annotations

import gc


def leave_out_what_is_loaded() -> None:
    """What is alive now is not looked at again until the next call, which looks at all of it."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
