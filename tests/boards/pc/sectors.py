"""A PC that starts from a boot sector of a test's own, which speaks on the debug port; and a text screen on a terminal."""

import os
import pathlib
import re
import select
import time

from program import ProgramTest, Qmp, connect, kvm_missing

PATIENCE = 240  # a host's KVM may be a slow one
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc|\r")


def sector(name, way=None):
    """One of kernels/, told which of its ways to go where it has several."""
    code = bytearray((pathlib.Path(os.environ["BACKPLANE_PC_KERNELS"]) / f"{name}.kernel").read_bytes())
    if way is not None:
        code[508] = way
    return bytes(code)


def printing(text):
    """A boot sector that has firmware print a text, and stands."""
    # xor ax, ax; mov ds, ax; mov si, text; next: lodsb; test al, al; jz halt; mov ah, 0eh; mov bx, 7; int 10h; jmp next;
    # halt: hlt; jmp halt
    code = bytes.fromhex("31c0 8ed8 be187c ac 84c0 7409 b40e bb0700 cd10 ebf2 f4 ebfd")
    return (code + text.encode() + b"\0").ljust(510, b"\0") + b"\x55\xaa"


class SectorTest(ProgramTest):
    def on_each_accelerator(self):
        """For a loop: their names. Where there is no KVM, its part is skipped, and says so."""
        yield "tcg"
        if missing := kvm_missing():
            with self.subTest("kvm"):
                self.skipTest(missing)
            return
        yield "kvm"

    def disk(self, content, size=1 << 20):
        """An image that begins so; its file's name."""
        path = self.folder / f"disk{len(list(self.folder.iterdir()))}"
        path.write_bytes(content.ljust(size, b"\0"))
        return path

    def boot(self, *arguments, accelerator="tcg", machine="pc-i440fx-9.0"):
        """It stands until cont(); `said` has what came on the terminal."""
        number = len(list(self.folder.iterdir()))
        self.debug, monitor = self.folder / f"debug{number}", self.folder / f"monitor{number}"
        self.process = self.start(
            *("-M", f"{machine},graphics=off", "-accel", accelerator, "-m", "64", "-nodefaults", "-display", "none"),
            *("-chardev", f"file,id=debug,path={self.debug}", "-device", "isa-debugcon,iobase=0x402,chardev=debug"),
            *("-serial", "stdio", "-qmp", f"unix:{monitor},server=on,wait=off", "-S", *map(str, arguments)),
        )
        self.said = ""
        client = connect(monitor, self.process)
        client.settimeout(PATIENCE)
        self.qmp = Qmp(client).__enter__()
        self.addCleanup(self.qmp.__exit__)
        self.qmp("qmp_capabilities")
        self.qmp("cont")

    def end_machine(self):
        self.qmp("quit")
        self.process.wait(PATIENCE)

    def await_debug(self, wanted):
        """Until what was said on the debug port is what is wanted; that."""
        end = time.monotonic() + PATIENCE
        while not wanted(text := self.debug.read_text(errors="replace")):
            self.assertIsNone(self.process.poll(), "it ended")
            self.assertLess(time.monotonic(), end, f"it did not come; what did ends with: {text[-600:]}")
            select.select([], [], [], 0.05)
        return text

    def sees(self, marker):
        """Until the boot sector, or firmware, says so on the debug port."""
        self.await_debug(lambda text: marker in text)

    def reads(self, text, patience=PATIENCE):
        """Until it stands on the terminal; what stood before."""
        end = time.monotonic() + patience
        while text not in self.said:
            ready = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            self.assertTrue(more, f"{text!r} did not come; it said:\n{self.said[-2000:]}")
            self.said = ANSI.sub("", self.said + more.decode(errors="replace"))
        before, self.said = self.said.split(text, 1)
        return before

    def press(self, *keys):
        for key in keys:
            self.assertEqual(self.qmp.human(f"sendkey {key} 60"), "")
            select.select([], [], [], 0.15)  # a guest takes one at a time
