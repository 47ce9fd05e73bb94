"""Small programs that try a PC's processor where no compiled program does, each the whole firmware of its machine: what they say
stands in their sources behind "//=". Where the host has KVM, its processor says the same; what not every such host does stands
behind "//~". Without it a program comes to no end, after what was right, or begins as "//-" has it. "//+" has what else its machine is given."""

import os
import pathlib
import re
import subprocess
import unittest

from program import DEADLINE, ProgramTest, kvm_missing

SOURCES = pathlib.Path(__file__).parent / "processor"
MADE = pathlib.Path(os.environ["BACKPLANE_PC_PROGRAMS"])
MACHINE = ("-M", "pc-i440fx-9.0,graphics=off", "-m", "16", "-nodefaults", "-display", "none", "-no-reboot")


def marked(source, mark):
    return [line[len(mark) :] for line in source.read_text().splitlines() if line.startswith(mark)]


def expected(source):
    return "\n".join(marked(source, "//= ")) + "\n."


class Processor(ProgramTest):
    def said(self, name, patience, *accelerator):
        log = self.folder / "said"
        more = " ".join(marked(SOURCES / f"{name}.S", "//+ ")).split()
        process = self.start(
            *(*MACHINE, *accelerator, *more, "-bios", MADE / f"{name}.firmware"),
            *("-chardev", f"file,id=debug,path={log}", "-device", "isa-debugcon,iobase=0x402,chardev=debug"),
            *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
        )
        end = ""
        try:
            end = process.communicate(timeout=patience)[1].decode()
        except subprocess.TimeoutExpired:
            end = "... and no end"
        return log.read_text(errors="replace")[:1000] + end


def add(name):
    source = SOURCES / f"{name}.S"

    def translated(self):
        self.assertEqual(self.said(name, DEADLINE, "-accel", "tcg", "-cpu", "max"), expected(source))

    def on_the_host(self):
        if missing := kvm_missing():
            self.skipTest(missing)
        reasons = marked(source, "//~ ")
        said = self.said(name, 2 if reasons else DEADLINE, "-accel", "kvm", "-cpu", "host")
        if said != expected(source) and reasons:
            for without in marked(source, "//- "):
                if re.match(without, said):
                    self.skipTest(f"the host's KVM is without: {reasons[0]}")
            came = said.split("\n")[:-1]  # the last line is cut off, or is why there is no more
            self.assertEqual(came, expected(source).split("\n")[: len(came)], said)
            self.skipTest(f"a host's KVM may be without: {reasons[0]}")
        self.assertEqual(said, expected(source))

    setattr(Processor, f"test_{name}_translated", translated)
    setattr(Processor, f"test_{name}_on_the_host", on_the_host)


for path in sorted(SOURCES.glob("*.S")):
    add(path.stem)

if __name__ == "__main__":
    unittest.main()
