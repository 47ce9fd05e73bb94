"""SeaBIOS and a boot sector with the interrupt controllers of the machine, of the kernel, and of both; and machines that are
saved with the ones and go on with the others. Skipped where there is no KVM."""

import os
import pathlib
import select
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from program import DEADLINE, ProgramTest, Qmp, connect  # noqa: E402

READY = 0x600  # set by the boot sector
TICKS = 0x46C  # of the BIOS, counted by its handler of the timer's interrupt


def boot_sector():
    """Says that it is there, and waits for interrupts."""
    # xor ax, ax; mov ds, ax; mov word [600h], 1; next: sti; hlt; jmp next
    code = bytes.fromhex("31c0 8ed8 c70600060100 fb f4 ebfc")
    return code.ljust(510, b"\0") + b"\x55\xaa"


class Machine:
    def __init__(self, test, irqchip, *arguments):
        Machine.number = getattr(Machine, "number", 0) + 1
        path = test.folder / f"qmp{Machine.number}"
        self.process = test.start(
            *("-M", "pc-i440fx-9.0,graphics=off", "-accel", f"kvm,kernel-irqchip={irqchip}", "-m", "32M"),
            *("-nodefaults", "-display", "none", "-qmp", f"unix:{path},server=on,wait=off"),
            *("-drive", f"file={test.disk},format=raw,if=ide,file.locking=off", *arguments),
        )
        self.qmp = Qmp(connect(path, self.process))
        test.addCleanup(self.qmp.__exit__)
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        reply = self.qmp(command, **arguments)
        if "return" not in reply:
            raise AssertionError(f"{command}: {reply['error']['desc']}")
        return reply["return"]

    def word(self, address):
        return int(self.qmp.human(f"xp /1xw {address:#x}").split()[1], 16)

    def await_boot(self):
        while self.word(READY) & 0xFFFF != 1:
            if self.process.poll() is not None:
                raise AssertionError(f"it ended: {self.process.stderr.read().decode()}")
            select.select([], [], [], 0.05)

    def await_running(self):
        while self("query-status")["status"] != "running":
            select.select([], [], [], 0.05)

    def await_ticks(self, count):
        until = self.word(TICKS) + count
        for _ in range(20 * DEADLINE):
            if self.word(TICKS) >= until:
                return
            select.select([], [], [], 0.05)
        raise AssertionError(f"the timer does not interrupt: {self.qmp.human('info registers')}")

    def save(self, path):
        self("migrate", uri=f"file:{path}")
        while (found := self("query-migrate"))["status"] in ("setup", "active"):
            pass
        assert found["status"] == "completed", found
        self.process.kill()
        self.process.wait()


class Irqchip(ProgramTest):
    def setUp(self):
        super().setUp()
        self.disk = self.file("disk", boot_sector().ljust(1 << 20, b"\0"))

    def booted(self, irqchip):
        machine = Machine(self, irqchip)
        machine.await_boot()
        machine.await_ticks(3)
        return machine

    def test_a_saved_machine_goes_on_with_other_controllers(self):
        for irqchip, others in (("off", ("on", "split")), ("on", ("off",)), ("split", ("off",))):
            path = self.folder / f"saved-{irqchip}"
            self.booted(irqchip).save(path)
            for other in others:
                with self.subTest(saved=irqchip, loaded=other):
                    machine = Machine(self, other, "-incoming", f"file:{path}")
                    machine.await_running()
                    machine.await_ticks(3)

    def test_ticks_that_the_guest_missed_are_dropped_where_asked(self):
        machine = Machine(self, "on", "-global", "kvm-pit.lost_tick_policy=discard")
        machine.await_boot()
        self.assertIn('lost_tick_policy = "discard"', machine.qmp.human("info qtree"))
        machine.await_ticks(3)


if __name__ == "__main__":
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as error:
        print(f"skipped: /dev/kvm: {error.strerror}")
        sys.exit(77)
    unittest.main()
