"""A PC whose serial console is a shell that a test types at."""

import os
import pathlib
import select
import subprocess
import time

from program import ProgramTest

HOME = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
GUEST = pathlib.Path(os.environ.get("BACKPLANE_CACHE") or f"{HOME}/backplane") / "guests/x86_64"


def missing(*names):
    """A line that says which of these guest files are not there; None where all are."""
    absent = [name for name in names if not (GUEST / name).exists()]
    return f"skipped: no {', '.join(absent)} in {GUEST}" if absent else None


class ConsoleTest(ProgramTest):
    patience = 120

    def boot(self, *arguments):
        self.process = self.start(
            *("-accel", "tcg", "-smp", "2", "-nodefaults", "-display", "none", "-serial", "stdio", *arguments),
            stdin=subprocess.PIPE,
        )
        self.said = ""

    def await_text(self, text):
        """What it said before; the rest is kept."""
        end = time.monotonic() + self.patience
        while text not in self.said:
            ready = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            self.assertTrue(more, f"{text!r} did not come; it said:\n{self.said[-2000:]}")
            self.said += more.decode(errors="replace").replace("\r", "")
        before, self.said = self.said.split(text, 1)
        return before

    def type(self, line):
        os.write(self.process.stdin.fileno(), line.encode() + b"\n")

    def run_in_guest(self, line):
        """What it printed; its end is told by a line that no log has."""
        self.type(f"{line}; echo --e''nd--")
        return self.await_text("--end--\n")
