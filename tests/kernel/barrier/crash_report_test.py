"""What ends the process in a plugin's code names the plugin before the signal does what it does by default."""

import os
import signal
import unittest

from program import ProgramTest, connect

BASE = ("--plugin-dir", os.environ["FIXTURES"], "-M", "virt", "-display", "none", "-monitor", "none", "-serial",
        "none", "-bios", "none", "-S", "-nodefaults")


class Crashes(ProgramTest):
    def run_device(self, device):
        return self.run_program(*BASE, "-device", device)

    def crash(self, how, number, said=None):
        result = self.run_device(f"fixture-faulty,id=x,how={how},fault=realize")
        self.assertEqual(result.status, -number, result.errors)
        self.assertIn(said or f"{number.name} in plugin 'fixture-faulty'", result.errors)
        self.assertIn("faulty.so", result.errors)
        self.assertIn("realize() of plugin 'fixture-faulty', type 'fixture-faulty', object '/machine/peripheral/x'",
                      result.errors)

    def test_signals_of_its_code_name_it(self):
        for how, number in {"segv": signal.SIGSEGV, "ill": signal.SIGILL, "fpe": signal.SIGFPE, "bus": signal.SIGBUS,
                            "abort": signal.SIGABRT, "overflow": signal.SIGSEGV}.items():
            with self.subTest(how):
                self.crash(how, number)

    def test_terminate_names_it(self):
        self.crash("joinable", signal.SIGABRT, "std::terminate was called in plugin 'fixture-faulty'")

    def test_a_constructor_of_its_code_names_it(self):
        result = self.run_device("fixture-crash")
        self.assertEqual(result.status, -signal.SIGSEGV, result.errors)
        self.assertIn("a constructor of its code of plugin 'fixture-crashing-static'", result.errors)

    def test_a_constructor_that_throws_is_a_refusal(self):
        result = self.run_device("fixture-licensed")
        self.assertEqual(result.status, 1, result.errors)
        self.assertIn("plugin 'fixture-throwing-static'", result.errors)
        self.assertIn("threw std::runtime_error: no licence", result.errors)

    def test_a_refusal_names_the_plugin_and_the_call(self):
        result = self.run_device("fixture-faulty,id=x,fault=realize")
        self.assertEqual(result.status, 1, result.errors)
        self.assertIn("plugin 'fixture-faulty', type 'fixture-faulty', object '/machine/peripheral/x': realize() "
                      "threw std::runtime_error: no licence", result.errors)

    def test_another_process_signal_blames_nobody(self):
        process = self.start(*BASE, "-qmp", f"unix:{self.folder / 'm'},server=on,wait=off")
        with connect(self.folder / "m", process) as client:
            client.recv(1)
        process.send_signal(signal.SIGABRT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGABRT)
        self.assertEqual(errors, b"")

    def test_a_thread_that_outlives_its_device_is_named(self):
        monitor = self.folder / "m"
        process = self.start(*BASE, "-device", "fixture-faulty,id=x,fault=leave-thread", "-qmp",
                             f"unix:{monitor},server=on,wait=off")
        with connect(monitor, process) as client:
            client.recv(1)
            client.sendall(b'{"execute":"qmp_capabilities"}{"execute":"quit"}')
            _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn(b"plugin 'fixture-faulty'", errors)
        self.assertIn(b"its thread 'left-behind' still runs", errors)


if __name__ == "__main__":
    unittest.main()
