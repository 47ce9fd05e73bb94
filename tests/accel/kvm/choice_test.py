"""KVM among the accelerators: what it says of itself, and what comes after it where it cannot be. Needs no KVM."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from program import ProgramTest  # noqa: E402

QUIT = '{"execute": "qmp_capabilities"} {"execute": "query-kvm"} {"execute": "quit"}'
REASON = "-accel kvm: the host's processor runs x86 guests, and this machine's CPUs are others: use -accel tcg"


class Choice(ProgramTest):
    def starts(self, *arguments):
        machine = ("-display", "none", "-bios", "none", "-S", "-qmp", "stdio")
        return self.run_program(*arguments, *machine, input=QUIT.encode(), stdin=None)

    def test_the_next_one_is_taken_with_the_reason(self):
        for chosen in (("-M", "virt", "-accel", "kvm:tcg"), ("-M", "virt,accel=kvm:tcg"), ("-M", "virt", "-accel", "kvm", "-accel", "tcg")):
            with self.subTest(chosen=chosen):
                result = self.starts(*chosen)
                self.assertEqual(result.status, 0, result.errors)
                self.assertIn(f"warning: {REASON}; falling back to tcg", result.errors)

    def test_alone_it_is_an_error(self):
        result = self.starts("-M", "virt", "-accel", "kvm")
        self.assertEqual(result.status, 1)
        self.assertIn(REASON, result.errors)

    def test_its_options_are_listed(self):
        result = self.run_program("-accel", "kvm,help")
        self.assertEqual(result.status, 0, result.errors)
        for option in ("kernel-irqchip=<off|on|split>", "kvm-shadow-mem=", "dirty-ring-size=", "device="):
            self.assertIn(option, result.output)

    def test_a_wrong_choice_of_controllers_names_the_right_ones(self):
        result = self.starts("-M", "pc", "-accel", "kvm,kernel-irqchip=none")
        self.assertEqual(result.status, 1)
        self.assertIn("kernel-irqchip", result.errors)
        self.assertIn("split", result.errors)


if __name__ == "__main__":
    unittest.main()
