"""A small program for agents' windows: it asks for bracketed paste, paints what it is told in hex
and answers when Enter is pressed.

echoing.py [--version | --help | PROMPT]. What happened is also written to ~/heard.bin, byte for
byte. Orders, as a prompt: `quota`, `die`, `leave` (forks and leaves), `shell`, `mute` (stops taking
pastes), `deaf` (takes Enter no more), `spam`, `exit N`. As the first prompt: `hang`, `exit 7`,
`ask and exit N` (while what it has started is asked about).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time
import tty

START, END = b"\x1b[200~", b"\x1b[201~"


def say(text: str) -> None:
    os.write(1, text.replace("\n", "\r\n").encode())


def paint(line: bytes) -> str:
    """As terminal programs show what would move the cursor."""
    return "".join(char if char.isprintable() else " " for char in line.decode(errors="replace"))


class Program:
    """Reads keys and pastes."""

    def __init__(self) -> None:
        self.line = b""
        self.rest = b""
        self.pasting = False
        self.deaf = False

    def take(self) -> int | None:
        if self.pasting:
            text, end, after = self.rest.partition(END)
            if not end:
                keep = len(END) - 1
                self.line += self.rest[:-keep]
                self.rest = self.rest[-keep:]
                if len(self.rest) <= keep:
                    raise Wait
                return None
            self.line += text
            self.pasting, self.rest = False, after
            say(paint(self.line)[-60:])
            return None
        if self.rest.startswith(START):
            self.pasting, self.rest = True, self.rest[len(START) :]
            return None
        if START.startswith(self.rest):
            raise Wait
        key, self.rest = self.rest[:1], self.rest[1:]
        if key == b"\x03":
            return 130
        if key != b"\r":
            self.line += key
            say(key.decode(errors="replace"))
            return None
        if self.deaf:
            return None
        line, self.line = self.line, b""
        return self.obey(line)

    def obey(self, line: bytes) -> int | None:
        words = paint(line).split()
        say(f"\ngot {len(line)} bytes\n")
        match words:
            case ["exit", status]:
                return int(status)
            case ["die"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["leave"]:
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(600)
                return 0
            case ["shell"]:
                say("\x1b[?2004h")
                termios.tcsetattr(0, termios.TCSANOW, saved)
                os.execvp("bash", ["bash", "--norc", "-i"])
            case ["quota"]:
                say("Error: usage limit reached, resets at 9\n")
            case ["mute"]:
                say("\x1b[?2004l")
            case ["deaf"]:
                self.deaf = True
            case ["spam", count]:
                for number in range(int(count)):
                    say(f"line {number}\n")
            case _:
                say("done: " + " ".join(words)[:100] + "\n")
        say("> ")
        return None


class Wait(Exception):
    """More is to come."""


def main() -> int:
    if sys.argv[1:2] == ["--version"]:
        print("echoing 1.0")
        return 0
    if sys.argv[1:2] == ["--help"]:
        print("echoing [PROMPT]")
        return 0
    if sys.argv[1:2] == ["--print"]:
        print("headless:", sys.stdin.read())
        return 0
    if sys.argv[1:2] == ["hang"]:
        time.sleep(600)
    if sys.argv[1:2] == ["exit 7"]:
        say("no such model\n")
        return 7
    if sys.argv[1:] and sys.argv[1].startswith("ask and exit "):
        subprocess.Popen(["git", "reset", "--hard", "-q"])
        time.sleep(1.5)
        return int(sys.argv[1].split()[-1])
    program = Program()
    if len(sys.argv) > 1:
        say(f"task: {sys.argv[1]}\n")
    tty.setraw(0)
    say("\x1b[?2004hready\n> ")
    while data := os.read(0, 1 << 16):
        with open(os.path.expanduser("~/heard.bin"), "ab") as file:
            file.write(data)
        program.rest += data
        try:
            while program.rest:
                if (status := program.take()) is not None:
                    return status
        except Wait:
            continue
    return 0


if __name__ == "__main__":
    saved = termios.tcgetattr(0) if os.isatty(0) else []
    status = main()
    if saved:
        termios.tcsetattr(0, termios.TCSANOW, saved)
    sys.exit(status)
