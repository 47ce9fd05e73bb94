"""What people start a PC from that has nothing left: GRUB's rescue images to a prompt that takes keys, and a memory test."""

import re
import sys
import unittest

from console import GUEST, missing
from sectors import PATIENCE, SectorTest

IMAGES = ("grub-rescue-cdrom.iso", "grub-rescue-floppy.img", "grub-rescue-usb.img")
MEMORY_TEST = "memtest86+x64.bin"


class Rescue(SectorTest):
    def prompt(self, patience=PATIENCE):
        """From GRUB's menu."""
        self.reads("executed automatically", patience)
        self.press("c")
        self.reads("grub> ")

    def echoes(self):
        """Each key once the one before is seen: a slow guest's keyboard has room for eight."""
        for key, shown in (*zip("echo", "echo", strict=True), ("spc", " "), ("h", "h"), ("i", "i"), ("shift-a", "A")):
            self.press(key)
            self.reads(shown)
        self.press("ret")
        self.reads("hiA")
        self.reads("grub> ")

    def test_the_cd_has_a_prompt_and_ends_what_it_is_told_to(self):
        self.boot("-cdrom", GUEST / IMAGES[0], "-boot", "d")
        self.prompt()
        self.echoes()
        self.press(*"reboot", "ret")
        self.assertEqual(self.qmp.event("RESET")["data"], {"guest": True, "reason": "guest-reset"})
        self.prompt()
        self.press(*"halt", "ret")
        self.assertEqual(self.qmp.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-shutdown"})
        self.assertEqual(self.process.wait(PATIENCE), 0)

    def test_the_cd_has_a_prompt_under_kvm(self):
        """Some hosts' KVM needs minutes for what GRUB unpacks."""
        for accelerator in self.on_each_accelerator():
            if accelerator == "kvm":
                self.boot("-cdrom", GUEST / IMAGES[0], "-boot", "d", accelerator=accelerator)
                self.prompt(4 * PATIENCE)
                self.echoes()

    def test_the_diskette_has_a_prompt(self):
        self.boot("-drive", f"if=floppy,format=raw,snapshot=on,file={GUEST / IMAGES[1]}", "-boot", "a")
        self.prompt()
        self.echoes()

    def test_the_stick_has_a_prompt(self):
        drive = f"if=none,id=stick,format=raw,snapshot=on,file={GUEST / IMAGES[2]}"
        self.boot("-usb", "-drive", drive, "-device", "usb-storage,drive=stick,bootindex=0")
        self.prompt()
        self.echoes()

    def test_memory_is_found_to_be_good(self):
        """As far as the last test, which waits for minutes."""
        self.boot("-m", "16", "-kernel", GUEST / MEMORY_TEST, "-append", "console=ttyS0,115200")
        said = self.reads("#10 [Bit fade test")
        said += self.reads("Errors: ") + self.reads("Pass:")
        self.assertEqual(set(re.findall(r"Errors: +(\d+)", said)), {"0"})


if __name__ == "__main__":
    if reason := missing(*IMAGES, MEMORY_TEST):
        print(reason + "; tests/guests/fetch.sh --pc-parts brings them")
        sys.exit(77)
    unittest.main()
