"""A bare-metal guest makes semihosting calls. BACKPLANE_BINARY names the program. Exit status 77: a tool is missing, and
which."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "cli"))
from program import DEADLINE, ProgramTest, Qmp, connect  # noqa: E402

PREFIX = "riscv64-linux-gnu"


def setUpModule():
    """Assembles the guest."""
    global IMAGE
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    IMAGE = pathlib.Path(folder.name) / "calls.bin"
    program = IMAGE.with_suffix(".elf")
    flags = ["-nostdlib", "-static", "-no-pie", "-mabi=lp64d", "-march=rv64g", "-Wl,--no-relax"]
    flags += ["-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]
    flags += ["-T", TESTS / "accel/tcg-riscv/programs/program.ld"]
    source = pathlib.Path(__file__).with_name("calls.S")
    subprocess.run([f"{PREFIX}-gcc", *flags, "-o", program, source], check=True)
    subprocess.run([f"{PREFIX}-objcopy", "-O", "binary", program, IMAGE], check=True)


def receive(connection, size):
    """So many bytes, or what came before the end; a socket with a deadline gives less at a time."""
    received = b""
    while len(received) < size and (piece := connection.recv(size - len(received))):
        received += piece
    return received


class SemihostingTest(ProgramTest):
    MACHINE = ("-M", "virt", "-display", "none", "-serial", "none", "-monitor", "none")

    def test_every_call_does_what_the_specification_says(self):
        place, kept = self.folder / "console.sock", self.folder / "kept"
        guest = self.start(
            *self.MACHINE, "-bios", IMAGE, "-chardev", f"socket,id=console,path={place},server=on,wait=off",
            "-object", f"semihosting,id=calls,enable=on,chardev=console,arg={kept}", "-S", "-qmp",
            f"unix:{self.folder / 'qmp.sock'},server=on,wait=off",
        )
        with connect(place, guest) as console, connect(self.folder / "qmp.sock", guest) as control:
            control.sendall(b'{"execute": "qmp_capabilities"}{"execute": "cont"}')
            stream = console.makefile("rb")
            self.assertEqual(stream.readline(), b"hello\n")
            console.sendall(b"typed\n")
            self.assertEqual(stream.readline(), b"typed\n")
            self.assertEqual(guest.wait(timeout=DEADLINE), 42)
        self.assertEqual(kept.read_bytes(), b"hello\n")

    def test_a_call_that_waits_is_made_again_where_the_machine_goes_on(self):
        saved = self.folder / "saved"

        def start(number, *arguments):
            place = self.folder / f"console{number}"
            guest = self.start(
                *self.MACHINE, "-bios", IMAGE, "-chardev", f"socket,id=console,path={place},server=on,wait=off",
                "-object", f"semihosting,id=calls,enable=on,chardev=console,arg={self.folder / 'kept'}",
                *("-qmp", f"unix:{self.folder}/qmp{number},server=on,wait=off"), *arguments,
            )
            monitor = Qmp(connect(self.folder / f"qmp{number}", guest))
            self.addCleanup(monitor.__exit__)
            monitor("qmp_capabilities")
            console = connect(place, guest)
            self.addCleanup(console.close)
            return guest, monitor, console

        guest, monitor, console = start(1, "-S")
        monitor("cont")
        self.assertEqual(receive(console, 6), b"hello\n")
        while ", halted" not in monitor.human("info cpus"):  # it waits for a character
            pass
        monitor("migrate", uri=f"file:{saved}")
        self.assertEqual(monitor.await_status("query-migrate", "completed", "failed"), "completed")
        guest.kill()
        guest, monitor, console = start(2, "-incoming", f"file:{saved}")
        console.sendall(b"typed\n")
        self.assertEqual(receive(console, 6), b"typed\n")
        self.assertEqual(guest.wait(timeout=DEADLINE), 42)

    def test_without_it_the_sequence_is_a_breakpoint(self):
        for options in ((), ("-object", "semihosting,id=calls")):
            self.assertEqual(self.run_program(*self.MACHINE, "-bios", IMAGE, *options).status, 3)


if __name__ == "__main__":
    missing = [tool for tool in (f"{PREFIX}-gcc", f"{PREFIX}-objcopy") if not shutil.which(tool)]
    if missing:
        print(f"SKIPPED: {', '.join(missing)} is missing; run: ./dev setup test")
        sys.exit(77)
    unittest.main()
