"""The few errors polis knows; the command line turns them into one line and an exit code."""

from __future__ import annotations

# Documented in docs/exit-codes.md; a command's own status passes through unchanged.
DENIED = 126
BAD_SYNTAX = 2  # as bash has it
UNANSWERED = 124
FAILED_CLOSED = 125
USAGE = 64
UNAVAILABLE = 69
ENDED_BADLY = 1


class Fault(Exception):
    """Something went wrong that a person can mend.

    message: one line, no trailing full stop. hint: the command or step that mends it; outside: the
    same for a person, where it says what an agent inside its walls can do.
    status: the exit code of the command line.
    """

    status = FAILED_CLOSED

    def __init__(
        self, message: str, *, hint: str | None = None, outside: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.outside = outside or hint


class UsageFault(Fault):
    """The words of the command were wrong (unknown agent, malformed name): exit 64."""

    status = USAGE


class RefusedFault(Fault):
    """A rule or a person does not let it be done: exit 126."""

    status = DENIED


class UnansweredFault(Fault):
    """A person is asked, and it can be tried again after the answer: exit 124."""

    status = UNANSWERED


class MachineFault(Fault):
    """This machine cannot do what was asked (no user namespaces, no git): exit 69."""

    status = UNAVAILABLE


class HeldFault(Fault):
    """Somebody else holds what was asked for: exit 126."""

    status = DENIED


class EndedFault(Fault):
    """An agent's program ran, and has ended badly: exit 1."""

    status = ENDED_BADLY
