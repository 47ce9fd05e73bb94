"""A whole Debian on a PC with two translated processors: from firmware and GRUB, or from its kernel, to a login, programs that
check themselves, and power-off."""

import re
import sys
import unittest

from console import GUEST, ConsoleTest, missing
from program import Qmp, connect

CDROMEJECT, CDROM_LOCKDOOR = 0x5309, 0x5329

KERNEL = (
    *("-kernel", GUEST / "debian.vmlinuz", "-initrd", GUEST / "debian.initrd"),
    *("-append", "root=LABEL=debian console=ttyS0 quiet"),
)


class Debian(ConsoleTest):
    patience = 500

    def boot_debian(self, *arguments, disk="virtio-blk-pci,drive=disk"):
        drive = f"file={GUEST / 'debian.raw'},format=raw,if=none,id=disk,snapshot=on"
        self.boot(
            *("-M", "pc-i440fx-9.0,graphics=off", "-m", "512", *arguments),
            *("-drive", drive, "-device", disk, "-device", "virtio-rng-pci"),
        )

    def log_in(self):
        self.await_text("backplane login: ")
        self.type("root")
        # Readline says at each prompt, also an empty one, that pasted text may come marked.
        self.type("bind 'set enable-bracketed-paste off'; PS1=; stty -echo; echo at''home")
        self.await_text("athome\n")

    def power_off(self):
        self.type("poweroff")
        self.assertEqual(self.process.wait(self.patience), 0)

    def test_its_programs_compute_what_they_should(self):
        self.boot_debian(*KERNEL)
        self.log_in()
        self.assertEqual(self.run_in_guest("nproc; systemctl is-system-running --wait").split(), ["2", "running"])
        said = self.run_in_guest("/root/check short")
        self.assertEqual(len(re.findall(r"^check \w+: right", said, re.MULTILINE)), 8, said)
        self.power_off()

    def test_the_disk_starts_by_itself(self):
        self.boot_debian()
        self.await_text("GRUB starts Debian")
        self.log_in()
        self.assertEqual(self.run_in_guest("findmnt -no FSTYPE /").strip(), "ext4")
        self.power_off()

    def locks_and_ejects_a_disc(self, monitor):
        def ask(request, argument):
            opened = "os.open('/dev/sr0', os.O_RDONLY | os.O_NONBLOCK)"
            self.run_in_guest(f'python3 -c "import fcntl, os; fcntl.ioctl({opened}, {request}, {argument})"')

        with Qmp(connect(monitor, self.process)) as qmp:
            qmp("qmp_capabilities")
            ask(CDROM_LOCKDOOR, 1)
            self.assertIn("is locked", qmp("eject", device="ide1-cd0")["error"]["desc"])
            ask(CDROM_LOCKDOOR, 0)
            ask(CDROMEJECT, 0)
            qmp("query-status")
            self.assertEqual(qmp.event("DEVICE_TRAY_MOVED")["data"]["tray-open"], True)

    def test_devices_behind_bridges_work(self):
        """Its disk behind one; behind two of them a card with MSI-X and one with its pin; behind a third, another to be reset.
        A disc is the guest's to lock and to eject."""
        bridges = (("one", "pci.0"), ("two", "one"), ("three", "one"))
        cards = (("message", "two", ""), ("pin", "two", ",vectors=0"), ("alone", "three", ""))
        arguments = []
        for number, (name, bus) in enumerate(bridges, 1):
            arguments += ["-device", f"pci-bridge,id={name},bus={bus},chassis_nr={number},addr={2 + number}"]
        for number, (name, bus, more) in enumerate(cards, 5):
            arguments += ["-netdev", f"user,id={name},net=10.0.{number}.0/24"]
            arguments += ["-device", f"virtio-net-pci,netdev={name},bus={bus},addr={number},romfile={more}"]
        disc, monitor = self.file("disc", bytes(1 << 20)), self.folder / "monitor"
        arguments += ["-drive", f"if=ide,index=2,media=cdrom,format=raw,file={disc}"]
        arguments += ["-qmp", f"unix:{monitor},server=on,wait=off"]
        self.boot_debian(*KERNEL, *arguments, disk="virtio-blk-pci,drive=disk,bus=one,addr=8")
        self.log_in()
        self.locks_and_ejects_a_disc(monitor)
        self.assertEqual(self.run_in_guest("findmnt -no FSTYPE /").strip(), "ext4")
        for number in (5, 6, 7):
            wait = f"for i in $(seq 60); do ip -br a | grep -q 10.0.{number}.15 && break; sleep 1; done"
            self.assertIn(" 0% packet loss", self.run_in_guest(f"{wait}; ping -c 2 10.0.{number}.2"))
        interrupts = self.run_in_guest("cat /proc/interrupts")
        self.assertRegex(interrupts, r"PCI-MSI +\d+-edge +virtio\d-input")
        self.assertRegex(interrupts, r"IO-APIC +\d+-fasteoi +virtio\d")
        card = "/sys/bus/pci/devices/0000:03:07.0"
        free = f"echo 0000:03:07.0 >{card}/driver/unbind"  # its driver is not told of a reset
        reset = f"{free}; cat {card}/reset_method; echo 1 >{card}/reset && cat {card}/vendor"
        self.assertEqual(self.run_in_guest(reset).split(), ["bus", "0x1af4"])
        self.power_off()


if __name__ == "__main__":
    if reason := missing("debian.raw", "debian.vmlinuz", "debian.initrd"):
        print(reason + "; tests/guests/fetch.sh --pc-disk makes them")
        sys.exit(77)
    unittest.main()
