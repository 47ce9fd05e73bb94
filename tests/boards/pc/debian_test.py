"""A whole Debian on a PC with two translated processors: from firmware and GRUB, or from its kernel, to a login, programs that
check themselves, and power-off."""

import re
import sys
import unittest

from console import GUEST, ConsoleTest, missing


class Debian(ConsoleTest):
    patience = 500

    def boot_debian(self, *arguments):
        disk = f"file={GUEST / 'debian.raw'},format=raw,if=none,id=disk,snapshot=on"
        self.boot(
            *("-M", "pc-i440fx-9.0,graphics=off", "-m", "512", *arguments),
            *("-drive", disk, "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci"),
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
        kernel = ("-kernel", GUEST / "debian.vmlinuz", "-initrd", GUEST / "debian.initrd")
        self.boot_debian(*kernel, "-append", "root=LABEL=debian console=ttyS0 quiet")
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


if __name__ == "__main__":
    if reason := missing("debian.raw", "debian.vmlinuz", "debian.initrd"):
        print(reason + "; tests/guests/fetch.sh --pc-disk makes them")
        sys.exit(77)
    unittest.main()
