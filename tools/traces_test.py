import io
import os
import subprocess
import sys
import unittest

import traces

# XOR EAX, EAX; SHR EBX; REP STOSB; NOP, of two makers, who differ in what they show and how they write instructions.
OURS = """IN:
00000000000f0000:  66 31 c0

cpu 0:
EAX=00000005 EBX=00000004 ECX=00000002 EDX=00000000
EIP=00000000 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
XMM00=0000000000000000 0000000000000000 XMM01=0000000000000000 0000000000000000
IN:
00000000000f0003:  66 d1 eb

cpu 0:
EAX=00000000 EBX=00000004 ECX=00000002 EDX=00000000
EIP=00000003 EFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
IN:
00000000000f0006:  f3 aa

cpu 0:
EAX=00000000 EBX=00000002 ECX=00000002 EDX=00000000
EIP=00000006 EFL=00000012 [----A--] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
IN:
00000000000f0008:  90

cpu 0:
EAX=00000000 EBX=00000002 ECX=00000000 EDX=00000000
EIP=00000008 EFL=00000012 [----A--] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
"""
THEIRS = """----------------
IN:
0x000f0000:  66 31 c0                 xorl     %eax, %eax

EAX=00000005 EBX=00000004 ECX=00000002 EDX=00000000
EIP=00000000 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
CCS=00000000 CCD=00000000 CCO=EFLAGS
EAX=00000000 EBX=00000004 ECX=00000002 EDX=00000000
EIP=00000003 EFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
EAX=00000000 EBX=00000002 ECX=00000002 EDX=00000000
EIP=00000006 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
EAX=00000000 EBX=00000002 ECX=00000001 EDX=00000000
EIP=00000006 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
EAX=00000000 EBX=00000002 ECX=00000000 EDX=00000000
EIP=00000008 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 000f0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
"""


class Traces(unittest.TestCase):
    def compare(self, first, second, **masks):
        out = io.StringIO()
        return traces.compare(first.splitlines(), second.splitlines(), masks, 8, out), out.getvalue()

    def test_masks_that_say_nothing_are_refused(self):
        with self.assertRaisesRegex(ValueError, "CS has more than one value"):
            self.compare(OURS, THEIRS, CS=0xFF)
        for mask in ("EFL", "EFL=x", "EFL="):
            done = subprocess.run([sys.executable, traces.__file__, "--mask", mask, os.devnull, os.devnull], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"--mask {mask}: it is NAME=BITS, in hexadecimal", done.stderr)

    def test_the_first_difference_is_told_with_what_came_before(self):
        status, text = self.compare(OURS, THEIRS)
        self.assertEqual(status, 1)
        self.assertIn("66 d1 eb", text)
        self.assertIn("instruction 3, at 00000006 and 00000006:\n  EFL   00000012 | 00000002\n", text)

    def test_bits_may_be_left_out_and_steps_of_a_repeated_instruction_are_one(self):
        self.assertEqual(self.compare(OURS, THEIRS, EFL=0xFFFFFFEF), (0, "no difference in 4 instructions\n"))

    def test_a_register_may_be_left_out(self):
        self.assertEqual(self.compare(OURS, THEIRS.replace("EBX=00000002", "EBX=00000003"), EFL=0, EBX=0)[0], 0)

    def test_a_segment_is_all_that_it_says(self):
        status, text = self.compare(OURS, THEIRS.replace("00009b00", "00009300", 1), EFL=0)
        self.assertEqual(status, 1)
        self.assertIn("CS    f000 000f0000 0000ffff 00009b00 | f000 000f0000 0000ffff 00009300", text)

    def test_the_shorter_may_end(self):
        self.assertEqual(self.compare(OURS, THEIRS[: THEIRS.index("EAX=00000000")], EFL=0)[0], 0)

    def test_what_is_no_trace_is_no_success(self):
        self.assertEqual(self.compare(OURS, "")[0], 2)


if __name__ == "__main__":
    unittest.main()
