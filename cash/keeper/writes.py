"""Every write below a command: opens, renames, deletions and the like, from call to verdict.

What the policy plainly allows goes on: an open is done here and its descriptor handed over, other
calls are the kernel's to do. What it does not, polisd is asked about, within milliseconds: a file
whose question a person has still to answer cannot be written meanwhile.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cash.keeper import moving, notification, opening
from cash.keeper.calls import CALLS, OPENS, Named
from cash.keeper.claims import Claims, HeldByOther
from cash.keeper.gits import Gits
from cash.keeper.judging import Judging
from cash.keeper.loop import Loop
from cash.keeper.moving import TooMany
from cash.keeper.notification import Notification
from cash.keeper.opening import LinkThere, Opener, Spot
from cash.keeper.pending import Asked, Pending
from cash.keeper.saving import Saving
from cash.keeper.target import is_descriptor_alone, path_at, path_of_descriptor
from cash.keeper.telling import tell
from cash.keeper.watch import Watch
from cash.policy.action import WriteKind

# After so long a fifo is tried again, at first and at last.
_MOMENT: Final = 0.01
_LONG: Final = 0.16
_CREATES: Final = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
_MOST_LINKS: Final = 40  # MAXSYMLINKS
_MOST_MOVED: Final = 2000
# Of what is in a folder one agent at a time may be the writer, not of the folder.
_FOLDERS: Final = ("mkdir", "mkdirat", "rmdir")
_EXCHANGE: Final = 2  # RENAME_EXCHANGE
_RENAME: Final[WriteKind] = "rename"
_OVERWRITE: Final[WriteKind] = "overwrite"
_REFUSED: Final = errno.EACCES


@dataclass(slots=True)
class Writes:
    """folders: below which the walls let anything be written. files: below which what exists.
    own_git: the agent's git directory, and as what rules speak of it: the `.git` of its tree.
    gits: those that are not asked about single files. claims: what others hold of the tree.
    saving: keeps what is about to be changed."""

    loop: Loop
    opener: Opener
    pending: Pending
    folders: tuple[str, ...]
    files: tuple[str, ...]
    own_git: tuple[str, str]
    gits: Gits
    claims: Claims
    saving: Saving
    judging: Judging | None = None

    def notified(self, watch: Watch, note: Notification, name: str) -> None:
        """A call that changes files waits."""
        act = self._open if name in OPENS else self._change
        self._carry_out(watch, note, partial(act, watch, note, name))

    def _carry_out(self, watch: Watch, note: Notification, act: Callable[[], None]) -> None:
        """Does something for a call as its agent; what goes wrong is the call's own error."""
        held = None
        self.opener.become()
        try:
            act()
        except HeldByOther as fault:
            held = fault
        except LinkThere:
            notification.fail(watch.listener, note.id, _REFUSED)  # it was no link when judged
        except OSError as fault:
            notification.fail(watch.listener, note.id, fault.errno or _REFUSED)
        finally:
            self.opener.return_()
        if held is not None:
            # As the keeper itself: a pipe of the agent's client is not the agent's to open.
            tell(note.tid, held.text)
            notification.fail(watch.listener, note.id, errno.EBUSY)

    # Opens

    def _open(self, watch: Watch, note: Notification, name: str) -> None:
        at, directory, flags_at, mode_at = OPENS[name]
        flags = _CREATES if flags_at is None else note.arguments[flags_at] & 0xFFFFFFFF
        if flags & os.O_PATH:
            # Nothing can be written through it.
            notification.let_go_on(watch.listener, note.id)
            return
        path = path_at(note, at, directory)
        mode = note.arguments[mode_at] & 0o7777
        if flags & os.O_CREAT and path.endswith(b"/"):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        for _ in range(_MOST_LINKS):
            spot = self.opener.find(note.tid, path)
            try:
                self._open_at(watch, note, spot, flags, mode)
            except LinkThere as link:
                if flags & os.O_NOFOLLOW:
                    break
                (path,) = link.args
            else:
                return
            finally:
                opening.close(spot)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))

    def _open_at(self, watch: Watch, note: Notification, spot: Spot, flags: int, mode: int) -> None:
        if self._is_ours(spot):
            kind: WriteKind = "append" if flags & os.O_APPEND else "overwrite"
            self._heed_claims(watch, note, spot.path, kind)
            is_free = self._allows(watch, spot.path, kind, spot.exists)
            session = self._new_session(spot.path)
            if not is_free or session:
                go_on = partial(self._open_anew, watch, note, spot.path, flags, mode)
                self._ask(watch, note, spot.path, kind, go_on, session)
                return
            self._note_written(watch, note, spot.path, kind)
        elif not spot.link and not self._is_device(spot):
            raise OSError(opening.why_not(spot, flags), "outside")
        self._hand_over(watch, note, spot, flags, mode)

    def _open_anew(
        self,
        watch: Watch,
        note: Notification,
        path: str,
        flags: int,
        mode: int,
        pause: float = _MOMENT,
    ) -> None:
        """Judged before: this very path, if it still leads to just where it did then."""
        if notification.is_waiting(watch.listener, note.id):
            spot = self.opener.find(note.tid, os.fsencode(path))
            try:
                if spot.path != path:
                    raise OSError(_REFUSED, "a folder was replaced meanwhile")
                self._hand_over(watch, note, spot, flags, mode, pause)
            finally:
                opening.close(spot)

    def _hand_over(
        self,
        watch: Watch,
        note: Notification,
        spot: Spot,
        flags: int,
        mode: int,
        pause: float = _MOMENT,
    ) -> None:
        anew = partial(self._open_anew, watch, note, spot.path, flags, mode, pause)
        go_on = partial(self._carry_out, watch, note, anew)
        if self.saving.before_open(watch, note, spot, flags, go_on):
            return
        try:
            descriptor = self.opener.open(note.tid, spot, flags, mode)
        except BlockingIOError:
            # Nobody reads the fifo yet; its writer waits, as it would have, until it is killed.
            if not self.pending.hold(watch, note):
                raise OSError(errno.ENFILE, os.strerror(errno.ENFILE)) from None
            longer = min(2 * pause, _LONG)
            again = partial(self._open_anew, watch, note, spot.path, flags, mode, longer)
            self.loop.call_later(pause, partial(self._carry_out, watch, note, again))
            return
        try:
            keep = not flags & os.O_CLOEXEC
            notification.answer_with(watch.listener, note.id, descriptor, keep_on_exec=keep)
        finally:
            os.close(descriptor)

    # Other calls

    def _change(
        self,
        watch: Watch,
        note: Notification,
        name: str,
        first: int = 0,
        judged: tuple[tuple[str, Named], ...] = (),
    ) -> None:
        """first: which of the call's paths is the first that is not judged yet. judged: those
        before it."""
        for place, named in enumerate(CALLS[name][first:], first):
            found, kind = self._named(note, named), named.kind
            if found is None or not _is_below(found[0], self.folders):
                continue  # the walls answer
            path, changes = found
            judged = (*judged, (path, named))
            self._heed_claims(watch, note, path, kind)
            is_free = self._allows(watch, path, kind, partial(bool, changes))
            session = "" if name in _FOLDERS else self._new_session(path)
            if not is_free or session:
                go_on = partial(self._change, watch, note, name, place + 1, judged)
                self._ask(watch, note, path, kind, go_on, session)
                return
            self._note_written(watch, note, path, kind)
        let_go = partial(notification.let_go_on, watch.listener, note.id)
        if name.startswith("rename"):
            self._move(watch, note, name)
        elif not self.saving.before_change(watch, note, judged, let_go):
            let_go()

    def _move(
        self, watch: Watch, note: Notification, name: str, let: frozenset[str] = frozenset()
    ) -> None:
        """Both names may be had; what lies below a folder goes along. let: what of it may."""
        first, second = CALLS[name]
        old = self._spot(note, first)
        try:
            new = self._spot(note, second)
        except OSError:
            opening.close(old)
            raise
        try:
            if name == "renameat2" and note.arguments[4] & _EXCHANGE:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # as where it is not known
            spoken_of = self._spoken_of_below(watch, note, old, new, let)
            is_there = (old.is_folder(), new.exists())
        except (TooMany, RecursionError):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV)) from None
        finally:
            opening.close(old)
            opening.close(new)
        if spoken_of is None or self._is_by_moving_git(note):
            self._let_move(watch, note, (old.path, new.path), *is_there)
        else:
            path, kind = spoken_of
            go_on = partial(self._move, watch, note, name, let | {path})
            self._ask(watch, note, path, kind, go_on)

    def _let_move(
        self,
        watch: Watch,
        note: Notification,
        paths: tuple[str, str],
        is_folder: bool,
        is_onto: bool,
    ) -> None:
        let_go = partial(notification.let_go_on, watch.listener, note.id)
        there = {"is_folder": is_folder, "is_onto": is_onto}
        if not self.saving.before_move(watch, note, paths, let_go, **there):
            let_go()

    def _spoken_of_below(
        self, watch: Watch, note: Notification, old: Spot, new: Spot, let: frozenset[str]
    ) -> tuple[str, WriteKind] | None:
        """The first file below a folder that a rule lets nobody move, from there or to there."""
        for below in moving.carried(old):
            moves = ((f"{old.path}/{below}", _RENAME), (f"{new.path}/{below}", _OVERWRITE))
            for path, kind in moves:
                self._heed_claims(watch, note, path, kind)
                is_ours = _is_below(path, self.folders) and path not in let
                if is_ours and not self._is_free(path, kind):
                    return path, kind
        return None

    def _is_free(self, path: str, kind: WriteKind) -> bool:
        judging = self.judging
        return judging is not None and judging.allows_write(self._as_named(path), kind)

    def _as_named(self, path: str) -> str:
        """The path by which rules and people know a file."""
        own, known_as = self.own_git
        return known_as + path[len(own) :] if _is_below(path, (own,)) else path

    def _spot(self, note: Notification, named: Named) -> Spot:
        path = path_at(note, named.path, named.directory)
        return self.opener.find(note.tid, path.rstrip(b"/") or b"/")

    def _named(self, note: Notification, named: Named) -> tuple[str, bool] | None:
        """The real path inside of what the call names, and whether a file that is there changes;
        None: nothing that is judged."""
        if named.opened or (named.directory is not None and is_descriptor_alone(note, named)):
            number = note.arguments[named.path if named.directory is None else named.directory]
            opened = path_of_descriptor(note.tid, number)
            return None if opened is None else (opened, True)
        path = path_at(note, named.path, named.directory)
        if named.follows_in(note.arguments) and self.opener.is_nameless(note.tid, path):
            return None  # a file that has had no name so far is given one
        path = path.rstrip(b"/") or b"/"  # a folder to be made may be written so
        spot = self.opener.settle(note.tid, path, follow=named.follows_in(note.arguments))
        try:
            if named.kind == "create" and spot.exists():
                # `mkdir -p` asks for folders that are there: it hears so, whoever speaks of them.
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
            is_there = named.kind != "overwrite" or not named.changes or spot.exists()
        finally:
            opening.close(spot)
        return spot.path, named.changes and is_there

    # Verdicts

    def _allows(
        self, watch: Watch, path: str, kind: WriteKind, changes: Callable[[], bool]
    ) -> bool:
        """changes: whether a file that is there becomes another, which many may not at once."""
        path = self._as_named(path)
        if self.judging is None or not self.judging.allows_write(path, kind):
            return False
        if watch.is_overwritten(path, kind):
            return True
        if not self.judging.is_counted(path, kind) or not changes():
            return True
        if not self.judging.allows_so_many(path, kind, watch.count(kind)):
            return False
        watch.note_overwritten(path, kind)
        return True

    def _heed_claims(self, watch: Watch, note: Notification, path: str, kind: WriteKind) -> None:
        """HeldByOther where somebody else holds the path, unless policy says otherwise. A git that
        moves the tree has the hub's turn, and must not be stopped half-way."""
        claim = self.claims.find(path)
        if claim is None or self._is_by_moving_git(note):
            return
        word = self.judging.clash(path) or "lock" if self.judging is not None else "lock"
        if word != "ignore":
            self.claims.heed(watch, path, kind, claim, word)

    def _ask(
        self,
        watch: Watch,
        note: Notification,
        path: str,
        kind: WriteKind,
        go_on: Callable[[], None],
        session: str = "",
    ) -> None:
        # What git appends to are its logs, and files that it was told to trace into. Among hooks no
        # checkout has anything to put, unless another repository's settings have led it there.
        is_apart = kind == "append" or _is_below(path, (f"{self.own_git[0]}/hooks",))
        if not is_apart and self._is_by_moving_git(note):
            go_on()
            return
        asked = Asked(watch, note, path, kind, go_on, session)
        program = f"/proc/{note.tid}/exe"
        found = os.stat(program)
        self.pending.ask(
            asked,
            known_as=self._as_named(path),
            program=os.readlink(program),
            identity=(found.st_dev, found.st_ino),
        )

    def _new_session(self, path: str) -> str:
        """The path in the tree of a file that policy lets one agent at a time write, and this one
        has not begun to; else ""."""
        judging = self.judging
        if judging is None or not judging.has_sessions:
            return ""
        place = self.claims.place_of(path)
        if not place or judging.clash(path) != "lock" or self.claims.goes_on(path):
            return ""
        return place

    def _note_written(self, watch: Watch, note: Notification, path: str, kind: WriteKind) -> None:
        watch.wrote(path, kind)
        if self.gits.are_there and len(watch.moved) < _MOST_MOVED and self._is_by_moving_git(note):
            watch.moved.add(path)

    def _is_by_moving_git(self, note: Notification) -> bool:
        return self.gits.moves(note.tid, os.readlink(f"/proc/{note.tid}/exe"))

    def settle(self, values: dict[str, Any]) -> None:
        """polisd's word on a write."""
        if values["verdict"] == "held":
            held = self.pending.take(values)
            if held is not None:
                tell(held.note.tid, values["text"])
                notification.fail(held.watch.listener, held.note.id, errno.EBUSY)
            return
        asked = self.pending.take_allowed(values)
        if asked is not None:
            if asked.session:
                self.claims.begin(asked.path)
            asked.watch.wrote(asked.path, asked.kind)
            self._carry_out(asked.watch, asked.note, asked.go_on)

    # Places

    def _is_ours(self, spot: Spot) -> bool:
        return _is_below(spot.path, self.folders)

    def _is_device(self, spot: Spot) -> bool:
        return _is_below(spot.path, self.files)


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    # First the cheap question: nearly always it is below one of them, or near none.
    return path.startswith(folders) and any(
        [path == folder or path.startswith(f"{folder}/") for folder in folders]
    )
