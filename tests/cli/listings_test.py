"""What is listed, and that listing maps no plugin and is quick."""

import json
import os
import re
import time
import unittest

from program import BINARY, ProgramTest


class Listings(ProgramTest):
    def listed(self, *arguments):
        result = self.run_program(*arguments)
        self.assertEqual((result.status, result.errors), (0, ""))
        return result.output

    def test_machines(self):
        text = self.listed("-machine", "help")
        self.assertRegex(text, r"(?m)^Supported machines are:$")
        self.assertRegex(text, r"(?m)^virt +\S.*")
        self.assertIn("(default)", text)

    def test_devices(self):
        text = self.listed("-device", "help")
        self.assertRegex(text, r'(?m)^name "virtio-blk-device", bus \S+')

    def test_a_devices_properties(self):
        text = self.listed("-device", "virtio-blk-device,help")
        self.assertRegex(text, r"(?m)^virtio-blk-device options:$")
        self.assertRegex(text, r"(?m)^  drive=<\w+>")

    def test_what_a_device_shows_to_a_board(self):
        text = self.listed("-device", "riscv.sifive.plic,help")
        self.assertRegex(text, r"(?m)^Memory and wires of riscv.sifive.plic, for boards:$")
        self.assertRegex(text, r"(?m)^  registers \(memory\) +- \S")
        self.assertRegex(text, r"(?m)^  '' \(inputs\) +- \S")
        self.assertRegex(self.listed("-device", "goldfish_rtc,help"), r"(?m)^  registers \(36 bytes\) +- \S")
        self.assertRegex(self.listed("plugin", "info", "goldfish-rtc"), r"(?m)^  wire irq \(output\) +- \S")
        types = json.loads(self.listed("plugin", "info", "goldfish-rtc", "--json"))["types"]
        self.assertEqual([(row["name"], row["size"]) for row in types[0]["regions"]], [("registers", 36)])
        self.assertEqual([(row["name"], row["direction"], row["count"]) for row in types[0]["wires"]], [("irq", "output", 1)])

    def test_cpus(self):
        self.assertRegex(self.listed("-cpu", "help"), r"(?m)^  rv64\b")

    def test_accelerators(self):
        text = self.listed("-accel", "help")
        self.assertRegex(text, r"(?m)^  tcg\b")
        self.assertRegex(text, r"(?m)^  qtest\b")

    def test_backends(self):
        self.assertRegex(self.listed("-chardev", "help"), r"(?m)^  stdio\b")
        self.assertRegex(self.listed("-netdev", "help"), r"(?m)^  user\b")
        self.assertRegex(self.listed("-blockdev", "help"), r"(?m)^  file\b")

    def test_parameters_are_listed_and_nothing_starts(self):
        for option, question, expected in (
            ("-smp", "help", "maxcpus"), ("-rtc", "help", "driftfix"), ("-m", "help", "size"), ("-name", "help", "process"),
            ("-action", "help", "watchdog"), ("-msg", "help", "timestamp"), ("-boot", "help", "splash"),
            ("-overcommit", "help", "mem-lock"), ("-sandbox", "help", "spawn"), ("-run-with", "help", "chroot"),
            ("-accel", "tcg,help", "tb-size"), ("-cpu", "rv64,help", "zba"), ("-M", "virt,help", "dumpdtb"),
            ("-blockdev", "file,help", "filename"), ("-chardev", "socket,help", "reconnect"), ("-netdev", "user,help", "hostfwd"),
            ("-object", "rng-random,help", "filename"), ("-smbios", "help", "sku"), ("-fw_cfg", "help", "string"),
            ("-semihosting-config", "help", "chardev"), ("-device", "loader,help", "cpu-num"),
        ):
            with self.subTest(f"{option} {question}"):
                self.assertIn(expected, self.listed(option, question))

    def test_log_items(self):
        self.assertRegex(self.listed("-d", "help"), r"(?m)^in_asm\b")

    def test_help_and_version(self):
        self.assertRegex(self.listed("-version"), r"^QEMU emulator version (\d+)\.\d+\.\d+ \(.*backplane \d+\.\d+\.\d+\)\n$")
        # What looks for the first number with dots in it, and wants one that is not too old.
        self.assertGreaterEqual(int(re.search(r"(\d+)\.\d+", self.listed("--version"))[1]), 6)
        text = self.listed("-help")
        self.assertIn("-kernel FILE", text)
        self.assertEqual([line for line in text.splitlines() if len(line) > 100], [])

    def test_plugins(self):
        text = self.listed("plugin", "list")
        self.assertRegex(text, r"(?m)^monitor +\S+ ")
        self.assertIn("type monitor-qmp", self.listed("plugin", "info", "monitor"))
        self.assertEqual(self.run_program("plugin", "info", "monitr").status, 1)

    def test_a_plan_is_json(self):
        plan = json.loads(self.listed("-M", "virt", "-smp", "2", "-m", "1G", "-print-plan"))
        self.assertEqual(plan["machine"]["type"], "virt")
        self.assertEqual(plan["memory"], 1 << 30)

    def test_no_plugin_is_mapped(self):
        trace = self.folder / "trace"
        environment = dict(os.environ, LD_DEBUG="files", LD_DEBUG_OUTPUT=str(trace))
        for question in (["-device", "help"], ["-machine", "help"], ["-device", "virtio-blk-device,help"]):
            self.assertEqual(self.run_program(*question, env=environment).status, 0)
        text = "".join(path.read_text() for path in self.folder.glob("trace.*"))
        self.assertIn("libbackplane", text)
        self.assertEqual(re.findall(r"plugins/[\w.-]+\.so", text), [])

    def test_a_listing_is_quick(self):
        best = min(self.timed("-device", "help") for _ in range(10))
        self.assertLess(best, 0.1, f"{BINARY} -device help takes {best * 1000:.0f} ms")

    def timed(self, *arguments):
        start = time.monotonic()
        self.run_program(*arguments)
        return time.monotonic() - start


if __name__ == "__main__":
    unittest.main()
