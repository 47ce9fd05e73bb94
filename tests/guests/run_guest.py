#!/usr/bin/env python3
"""Runs one whole-machine scenario: starts the emulator, reads and feeds its serial console on stdio,
and checks what the guest says and how the emulator ends. `--list` names the scenarios.

Exit status: 0 as expected, 1 not as expected (the console's tail is printed), 77 skipped with the reason.
`--emulator qemu-system-riscv64` runs the same scenario on the peer, to know that the scenario is right.
"""

import argparse
import os
import pathlib
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77


class Failed(Exception):
    """The guest or the emulator did something other than the scenario says."""


class Skipped(Exception):
    """The scenario cannot run here; the text says what is missing."""


class Guest:
    """One machine: its console, its files, its end. A scenario gets one and drives it."""

    def __init__(self, emulator, files, folder, deadline, verbose, seed, saves):
        self.emulator = emulator
        self.files = files
        self.folder = folder
        self.deadline = deadline
        self.verbose = verbose
        self.random = random.Random(seed)
        self.saves = saves
        self.console = bytearray()
        self.position = 0
        self.process = None

    def file(self, name):
        """A fetched guest file, e.g. "riscv64/vmlinux"."""
        path = self.files / name
        if not path.exists():
            raise Skipped(f"{path} is missing; run: ./dev guests")
        return str(path)

    def scratch(self, name, content=b""):
        """A new file that is gone after the scenario."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def start(self, *arguments, memory="256M", harts=1):
        command = [self.emulator, "-M", "virt", "-m", memory, "-smp", str(harts), "-nographic", *map(str, arguments)]
        print("+", " ".join(command), flush=True)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )

    def expect(self, pattern):
        """Waits until the console shows the pattern after what was matched before; returns the match.

        What is read comes in pieces: a pattern whose end is open, such as a number, must name the line's end."""
        expression = re.compile(pattern.encode(), re.MULTILINE)
        while True:
            match = expression.search(self.console, self.position)
            if match:
                self.position = match.end()
                return match
            if not self._read():
                raise Failed(f"the emulator ended (status {self.process.wait()}) before the console showed {pattern!r}")

    def send(self, text):
        try:
            self.process.stdin.write(text.encode())
        except BrokenPipeError as error:
            raise Failed(f"the emulator ended before it was sent {text!r}") from error

    def expect_exit(self, status=0):
        """Waits for the emulator's own end, reading on what the console shows."""
        while self._read():
            pass
        try:
            found = self.process.wait(timeout=max(1.0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise Failed("the emulator closed its output but did not end") from error
        if found != status:
            raise Failed(f"the emulator ended with status {found}, expected {status}")

    def run_beside(self, command):
        """Runs a program of the host to its end, while the guest's console is read; returns what it said."""
        with tempfile.TemporaryFile() as output:
            other = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
            speaks = [self.process.stdout]
            try:
                while other.poll() is None and time.monotonic() < self.deadline:
                    if select.select(speaks, [], [], 0.1)[0] and not self._read():
                        speaks = []  # The emulator ended.
                ended = other.poll() is not None
            finally:
                other.kill()
                other.wait()
            output.seek(0)
            said = output.read().decode(errors="replace")
        check(ended, f"{command[0]} did not end before the deadline; it said:\n{said}")
        return said

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def text(self):
        return self.console.decode(errors="replace").replace("\r", "")

    def _read(self):
        """Reads once from the console; false at its end; fails at the deadline."""
        left = self.deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            raise Failed("no such answer before the deadline")
        chunk = os.read(self.process.stdout.fileno(), 65536)
        self.console += chunk
        if self.verbose:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        return bool(chunk)


def check(condition, complaint):
    """What a scenario calls for everything that must hold."""
    if not condition:
        raise Failed(complaint)


def run(scenario, options):
    emulator = shutil.which(options.emulator)
    if not emulator:
        raise Failed(f"the emulator {options.emulator} is missing; run: ./dev build")
    deadline = time.monotonic() + options.timeout
    with tempfile.TemporaryDirectory(prefix="backplane-guest-") as folder:
        guest = Guest(
            emulator, options.guests, pathlib.Path(folder), deadline, options.verbose, options.seed, options.saves
        )
        try:
            scenario(guest)
        except Failed:
            tail = guest.text().splitlines()[-options.tail :]
            print("---- the end of the console ----", *tail, "---- end ----", sep="\n")
            raise
        finally:
            guest.kill()


def default_guests():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("BACKPLANE_CACHE") or f"{home}/backplane") / "guests"


def main():
    from scenarios import SCENARIOS

    import saved_machines  # noqa: F401, it adds its own

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario", nargs="?", choices=SCENARIOS, metavar="SCENARIO")
    parser.add_argument("--list", action="store_true", help="print every scenario's name and nothing else")
    parser.add_argument("--emulator", default="build/bin/backplane")
    parser.add_argument("--guests", type=pathlib.Path, default=default_guests(), help="the folder of fetched guests")
    parser.add_argument("--timeout", type=float, default=240, help="seconds for the whole scenario")
    parser.add_argument("--tail", type=int, default=40, help="console lines to print on failure")
    parser.add_argument("--verbose", action="store_true", help="show the console as it comes")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of what a scenario does at random")
    parser.add_argument("--saves", type=int, help="how often a machine is saved by those that save it")
    options = parser.parse_args()
    if options.list:
        print("\n".join(SCENARIOS))
        return 0
    if not options.scenario:
        parser.error("which scenario? --list names them")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    try:
        run(SCENARIOS[options.scenario], options)
    except Failed as failure:
        print(f"FAILED {options.scenario}: {failure}")
        return 1
    except Skipped as reason:
        print(f"SKIPPED {options.scenario}: {reason}")
        return SKIPPED
    print(f"ok {options.scenario} ({time.monotonic() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    # The scenarios import `check` from this file, by its name and not as __main__.
    sys.modules["run_guest"] = sys.modules[__name__]
    sys.exit(main())
