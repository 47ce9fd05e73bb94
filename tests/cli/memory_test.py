"""Where the guest's memory comes from: -object memory-backend-*, -mem-path, -mem-prealloc."""

import os
import pathlib
import signal
import unittest

from program import ProgramTest, connect

BASE = ("-M", "virt", "-display", "none", "-S", "-monitor", "none", "-serial", "none")
FIRMWARE = bytes(range(256)) * 16
DRAM = 0x80000000


class Memory(ProgramTest):
    def machine(self, *options):
        """A paused machine with a firmware image at the start of its memory, and its monitor."""
        monitor = self.folder / "monitor.sock"
        firmware = self.file("firmware.bin", FIRMWARE)
        process = self.start(*BASE, "-bios", firmware, "-qmp", f"unix:{monitor},server=on,wait=off", *options)
        with connect(monitor, process) as client:
            client.recv(1)  # it greets when the machine is built
        return process

    def refused(self, expected, *options):
        result = self.run_program(*BASE, "-bios", "none", *options)
        self.assertEqual(result.status, 1, result.errors)
        self.assertIn(expected, result.errors)

    def test_a_shared_file_shows_the_guests_memory(self):
        path = self.folder / "ram"
        backend = f"memory-backend-file,id=m,size=64M,mem-path={path},share=on"
        self.machine("-object", backend, "-machine", "memory-backend=m")
        self.assertEqual(path.stat().st_size, 64 << 20)
        with open(path, "rb") as ram:
            self.assertEqual(ram.read(len(FIRMWARE)), FIRMWARE)

    def flags(self, size, *options):
        """What the kernel was told of a machine's mapping of that size (proc(5), VmFlags)."""
        process = self.machine(*options)
        found, flags = False, []
        for line in pathlib.Path(f"/proc/{process.pid}/smaps").read_text().splitlines():
            if line.startswith("Size:"):
                found = int(line.split()[1]) == size >> 10
            elif line.startswith("VmFlags:") and found:
                flags += line.split()[1:]
        process.terminate()
        process.wait(timeout=60)
        self.assertTrue(flags, "there is no such mapping")
        return flags

    def test_core_dumps_and_merging_are_the_machines_switches(self):
        flags = lambda *options: self.flags(96 << 20, "-m", "96M", *options)  # noqa: E731
        self.assertNotIn("dd", flags())
        self.assertIn("dd", flags("-machine", "dump-guest-core=off"))
        merged = flags("-machine", "mem-merge=on")
        self.assertEqual("mg" in merged, pathlib.Path("/sys/kernel/mm/ksm").exists())
        self.assertNotIn("mg", flags("-machine", "mem-merge=off,dump-guest-core=on"))
        backend = ("-object", "memory-backend-ram,id=m,size=64M", "-machine", "memory-backend=m")
        of_backend = lambda *options: self.flags(64 << 20, *options)  # noqa: E731
        self.assertNotIn("dd", of_backend(*backend))
        self.assertIn("dd", of_backend(*backend, "-machine", "dump-guest-core=off"))
        own = ("-object", "memory-backend-ram,id=m,size=64M,dump=on", "-machine", "memory-backend=m")
        self.assertNotIn("dd", of_backend(*own, "-machine", "dump-guest-core=off"))
        nodes = ("-object", "memory-backend-ram,id=a,size=64M", "-m", "64M", "-numa", "node,memdev=a")
        self.assertIn("dd", of_backend(*nodes, "-machine", "dump-guest-core=off"))
        self.refused("dump-guest-core' expects 'on' or 'off'", "-machine", "dump-guest-core=maybe")
        self.refused("memory is not encrypted", "-machine", "memory-encryption=sev0")

    def test_a_private_file_stays_as_it_was(self):
        path = self.file("ram", b"\xaa" * (64 << 20))
        backend = f"memory-backend-file,id=m,size=64M,mem-path={path}"
        self.machine("-object", backend, "-machine", "memory-backend=m", "-m", "64M")
        with open(path, "rb") as ram:
            self.assertEqual(ram.read(16), b"\xaa" * 16)

    def test_mem_path_and_mem_prealloc_stand_for_a_backend(self):
        process = self.machine("-m", "32M", "-mem-path", self.folder, "-mem-prealloc")
        resident = 0
        with open(f"/proc/{process.pid}/smaps") as maps:
            for line in maps:
                if line.startswith("Rss:"):
                    resident += int(line.split()[1])
        self.assertGreater(resident, 32 << 10)
        self.assertEqual([p.name for p in self.folder.glob("backplane.*")], [])

    def test_a_file_that_is_cut_short_is_named_before_the_crash(self):
        path = self.folder / "ram"
        backend = f"memory-backend-file,id=m,size=64M,mem-path={path},share=on"
        monitor = self.folder / "human.sock"
        process = self.machine("-object", backend, "-machine", "memory-backend=m",
                               "-monitor", f"unix:{monitor},server=on,wait=off")
        with connect(monitor, process) as client:
            client.recv(1)
            os.truncate(path, 4096)
            client.sendall(b"xp /1wx 0x80123456\n")
            _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGBUS)
        self.assertIn(f"byte 0x123456 of '{path}', which memory is mapped from, cannot be had", errors.decode())

    def test_what_does_not_fit_together_is_refused(self):
        ram = ("-object", "memory-backend-ram,id=m,size=64M")
        self.refused("memory backend 'm' has 64 MiB", *ram, "-machine", "memory-backend=m", "-m", "128M")
        self.refused("there is no object 'n'", *ram, "-machine", "memory-backend=n")
        self.refused("-mem-path /tmp: -machine memory-backend= was given", *ram, "-machine",
                     "memory-backend=m", "-mem-path", "/tmp")
        self.refused("is no memory backend", "-object", "rng-builtin,id=r", "-machine", "memory-backend=r")


if __name__ == "__main__":
    unittest.main()
