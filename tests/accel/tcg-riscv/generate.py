#!/usr/bin/env python3
"""Writes an assembly program that executes every instruction of the front end's table on random and edge operands.

    generate.py <decoder folder> > instructions.S

Linked with driver.c it prints one line per test: its name and what it left in registers, memory and fflags. What can
run without privileges is covered; the program runs alike under a Linux user-mode emulator and on a bare machine.
Operand forms that the table has and this file does not know are an error, so that a new row cannot go untested.
"""
import random
import re
import sys
from pathlib import Path

random.seed(20240411)

INTEGERS = [0, 1, 2, 3, 7, 31, 32, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
            0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFE,
            0xFFFFFFFF80000000, 0xFFFFFFFF7FFFFFFF, 0xAAAAAAAAAAAAAAAA, 0x0102030405060708, 0x00FF00000000FF00]
BOX = 0xFFFFFFFF00000000
SINGLES = [0, 1, 0x7FFFFF, 0x800000, 0x3F800000, 0x3F7FFFFF, 0x3F800001, 0x3F000000, 0x3FC00000, 0x40000000, 0x40200000,
           0x4EFFFFFF, 0x4F000000, 0x4F7FFFFF, 0x4F800000, 0x5EFFFFFF, 0x5F000000, 0x5F7FFFFF, 0x5F800000, 0x7F7FFFFF,
           0x7F800000, 0x7F800001, 0x7FBFFFFF, 0x7FC00000, 0x7FFFFFFF, 0x4B000000, 0x4B800001, 0x00800001, 0x33800000]
DOUBLES = [0, 1, 0xFFFFFFFFFFFFF, 0x10000000000000, 0x3FF0000000000000, 0x3FEFFFFFFFFFFFFF, 0x3FF0000000000001,
           0x3FE0000000000000, 0x3FF8000000000000, 0x4000000000000000, 0x4004000000000000, 0x41DFFFFFFFC00000,
           0x41DFFFFFFFE00000, 0x41E0000000000000, 0x41EFFFFFFFE00000, 0x41EFFFFFFFF00000, 0x41F0000000000000,
           0x43DFFFFFFFFFFFFF, 0x43E0000000000000, 0x43EFFFFFFFFFFFFF, 0x43F0000000000000, 0x7FEFFFFFFFFFFFFF,
           0x7FF0000000000000, 0x7FF0000000000001, 0x7FF7FFFFFFFFFFFF, 0x7FF8000000000000, 0x7FFFFFFFFFFFFFFF,
           0x4330000000000000, 0x4340000000000001, 0x0010000000000001, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000,
           0x3810000000000000, 0x380FFFFFFFFFFFFF, 0x36A0000000000000, 0x3690000000000001]
ROUNDING = ["rne", "rtz", "rdn", "rup", "rmm"]


def integer():
    if random.random() < 0.5:
        return random.choice(INTEGERS)
    return random.getrandbits(64) >> random.choice([0, 0, 8, 32, 40]) if random.random() < 0.7 \
        else (-random.getrandbits(random.choice([6, 16, 31]))) & 0xFFFFFFFFFFFFFFFF


def single():
    kind = random.random()
    if kind < 0.06:
        return random.getrandbits(64) & ~(1 << 63)  # not boxed
    if kind < 0.5:
        return BOX | random.choice(SINGLES) ^ random.getrandbits(1) << 31
    if kind < 0.9:
        return BOX | random.getrandbits(1) << 31 | random.randint(110, 150) << 23 | random.getrandbits(23)
    return BOX | random.getrandbits(32)


def double():
    kind = random.random()
    if kind < 0.5:
        return random.choice(DOUBLES) ^ random.getrandbits(1) << 63
    if kind < 0.9:
        return random.getrandbits(1) << 63 | random.randint(1000, 1050) << 52 | random.getrandbits(52)
    return random.getrandbits(64)


class Program:
    """Tests and their tables."""

    def __init__(self):
        self.text, self.tables, self.directory, self.shared = [], [], [], {}

    def table(self, key, columns, count, fixed=()):
        """A table of operands; `columns` are functions, `fixed` rows stand first. Tests with the same key share one."""
        if key not in self.shared:
            label = f"table{len(self.tables)}"
            rows = [", ".join(f"{value:#x}" for value in row) for row in fixed]
            rows += [", ".join(f"{column():#x}" for column in columns) for _ in range(count - len(rows))]
            self.tables.append(f"{label}:\n" + "\n".join(f"    .dword {row}" for row in rows))
            self.shared[key] = (label, count, len(columns))
        return self.shared[key]

    def test(self, name, table, results, body):
        """`body` finds operands at 0(t5), 8(t5) … and leaves `results` doublewords at 0(t6), 8(t6) …"""
        label, count, operands = table
        number = len(self.directory)
        lines = "\n".join("    " + line.strip() for line in body.strip().splitlines())
        self.text.append(f"test{number}:\n    mv t5, a0\n    mv t6, a1\n{lines}\n    ret")
        self.directory.append(f'    .dword name{number}, test{number}, {label}, {count}, {operands}, {results}\n'
                              f'    .section .rodata\nname{number}: .asciz "{name}"\n    .section .data')

    def write(self):
        print('    .option norelax\n    .text\n    .balign 4')
        print("\n".join(self.text))
        print("    .section .data\n    .balign 16\n    .globl scratch\nscratch: .fill 8192, 1, 0x5a")
        print("    .balign 8")
        print("\n".join(self.tables))
        print("    .balign 8\n    .globl tests\ntests:")
        print("\n".join(self.directory))
        print("    .dword 0")


program = Program()
two = lambda: program.table("two", [integer, integer], 90)
one = lambda: program.table("one", [integer], 60)


def registers_and_aliases(mnemonic, source_count):
    """The operation with a destination of its own, with one that is also a source, and with x0."""
    sources = ["a2", "a3"][:source_count]
    table = two() if source_count == 2 else one()
    if mnemonic == "ctzw":
        # The oracle of some versions counts on into the upper half when the lower one is zero.
        table = program.table("ctzw", [lambda: integer() | random.choice([0xFFFFFFFF, 0x80000000, 0x100])], 60)
    load = "ld a2, 0(t5)\nld a3, 8(t5)\n" if source_count == 2 else "ld a2, 0(t5)\n"
    for destination in ["a4"] + sources + ["s11"]:
        use = ", ".join(sources)
        save, restore = ("mv t4, s11\n", "mv s11, t4\n") if destination == "s11" else ("", "")
        program.test(f"{mnemonic} {destination}, {use}", table, 1,
                     f"{load}{save}{mnemonic} {destination}, {use}\nsd {destination}, 0(t6)\n{restore}")
    zeros = ", ".join(["zero"] * source_count)
    program.test(f"{mnemonic} a4, {zeros}", table, 1, f"{mnemonic} a4, {zeros}\nsd a4, 0(t6)")
    program.test(f"{mnemonic} zero, {', '.join(sources)}", table, 1,
                 f"{load}{mnemonic} zero, {', '.join(sources)}\nsd zero, 0(t6)")
    if source_count == 2:
        program.test(f"{mnemonic} a4, a2, a2", table, 1, f"{load}{mnemonic} a4, a2, a2\nsd a4, 0(t6)")
        program.test(f"{mnemonic} a2, a2, a2", table, 1, f"{load}{mnemonic} a2, a2, a2\nsd a2, 0(t6)")
        program.test(f"{mnemonic} a4, zero, a3", table, 1, f"{load}{mnemonic} a4, zero, a3\nsd a4, 0(t6)")
        program.test(f"{mnemonic} a4, a2, zero", table, 1, f"{load}{mnemonic} a4, a2, zero\nsd a4, 0(t6)")


def with_immediate(mnemonic, values):
    for value in values:
        program.test(f"{mnemonic} a4, a2, {value}", one(), 1,
                     f"ld a2, 0(t5)\n{mnemonic} a4, a2, {value}\nsd a4, 0(t6)")
    program.test(f"{mnemonic} a2, a2, {values[1]}", one(), 1,
                 f"ld a2, 0(t5)\n{mnemonic} a2, a2, {values[1]}\nsd a2, 0(t6)")
    program.test(f"{mnemonic} a2, zero, {values[1]}", one(), 1, f"{mnemonic} a2, zero, {values[1]}\nsd a2, 0(t6)")


def load(mnemonic, to_float):
    store, target = ("fsd", "fa0") if to_float else ("sd", "a4")
    for offset in [0, 1, 3, 7, 8, -1, -8, 2047, -2048]:
        program.test(f"{mnemonic} {target}, {offset}(a2)", two(), 1, f"""
            la a2, scratch + 2560
            ld t0, 0(t5)\nsd t0, {offset & ~7}(a2)\nld t0, 8(t5)\naddi t1, a2, {offset & ~7}\nsd t0, 8(t1)
            {mnemonic} {target}, {offset}(a2)\n{store} {target}, 0(t6)""")
    if not to_float:
        program.test(f"{mnemonic} a2, 0(a2)", two(), 1, f"""
            la a2, scratch\nld t0, 0(t5)\nsd t0, 0(a2)\n{mnemonic} a2, 0(a2)\nsd a2, 0(t6)""")
    # Across a page.
    program.test(f"{mnemonic} {target}, across", two(), 1, f"""
        la a2, scratch + 4096\nli t0, -4096\nand a2, a2, t0\nld t0, 0(t5)\nsd t0, -8(a2)\nld t0, 8(t5)\nsd t0, 0(a2)
        {mnemonic} {target}, -1(a2)\n{store} {target}, 0(t6)""")


def store(mnemonic, from_float):
    fetch, source = ("fld", "fa0") if from_float else ("ld", "a3")
    for offset in [0, 1, 3, 7, -1, 2040, -2048]:
        program.test(f"{mnemonic} {source}, {offset}(a2)", two(), 3, f"""
            la a2, scratch + 2560\naddi t1, a2, {offset & ~7}
            ld t0, 0(t5)\nsd t0, -8(t1)\nsd t0, 0(t1)\nsd t0, 8(t1)\n{fetch} {source}, 8(t5)
            {mnemonic} {source}, {offset}(a2)
            ld t0, -8(t1)\nsd t0, 0(t6)\nld t0, 0(t1)\nsd t0, 8(t6)\nld t0, 8(t1)\nsd t0, 16(t6)""")
    program.test(f"{mnemonic} {source}, across", two(), 2, f"""
        la a2, scratch + 4096\nli t0, -4096\nand a2, a2, t0\nsd zero, -8(a2)\nsd zero, 0(a2)\n{fetch} {source}, 8(t5)
        {mnemonic} {source}, -1(a2)\nld t0, -8(a2)\nsd t0, 0(t6)\nld t0, 0(a2)\nsd t0, 8(t6)""")


def branch(mnemonic):
    program.test(f"{mnemonic} a2, a3, forward", two(), 1, f"""
        ld a2, 0(t5)\nld a3, 8(t5)\nli a4, 1\n{mnemonic} a2, a3, 1f\nli a4, 2\n1: sd a4, 0(t6)""")
    program.test(f"{mnemonic} a2, a3, backward", two(), 1, f"""
        ld a2, 0(t5)\nld a3, 8(t5)\nli a4, 1\nj 2f\n1: li a4, 2\nj 3f\n2: {mnemonic} a2, a3, 1b\n3: sd a4, 0(t6)""")
    program.test(f"{mnemonic} a2, zero", one(), 1, f"""
        ld a2, 0(t5)\nli a4, 1\n{mnemonic} a2, zero, 1f\nli a4, 2\n1: sd a4, 0(t6)""")
    program.test(f"{mnemonic} a2, a2", one(), 1, f"""
        ld a2, 0(t5)\nli a4, 1\n{mnemonic} a2, a2, 1f\nli a4, 2\n1: sd a4, 0(t6)""")


def jumps():
    program.test("jal", one(), 2, """
        jal a4, 2f\n1: j 3f\n2: la t0, 1b\nsub a4, a4, t0\nsd a4, 0(t6)\njr a0\n3:
        li a5, 7\nsd a5, 8(t6)""".replace("jr a0", "j 1b"))
    for link in ["a4", "t0", "ra"]:
        program.test(f"jalr {link}", one(), 1, f"""
            mv a3, ra\nla a2, 2f\njalr {link}, 1(a2)\n1: j 3f
            2: la a5, 1b\nsub a5, {link}, a5\nsd a5, 0(t6)\njr {link}\n3: mv ra, a3""")
    program.test("jalr t0, 0(t0)", one(), 1, """
        la t0, 2f\njalr t0, 0(t0)\n1: j 3f\n2: la a5, 1b\nsub a5, t0, a5\nsd a5, 0(t6)\n3:""")
    program.test("call, far", one(), 1, """
        mv a3, ra\nauipc ra, 0\njalr ra, 12(ra)\nj 3f\n2: li a5, 5\nsd a5, 0(t6)\n3: mv ra, a3""")


def atomic(mnemonic):
    width = 8 if mnemonic.endswith(".d") else 4
    for order in ["", ".aq", ".rl", ".aqrl"]:
        for destination in ["a4", "a2", "a3", "zero"]:
            if order and destination != "a4":
                continue
            program.test(f"{mnemonic}{order} {destination}, a3, (a2)", two(), 3, f"""
                la a2, scratch + 64\nmv t1, a2\nld t0, 0(t5)\nsd t0, 0(a2)\nsd t0, 8(a2)\nld a3, 8(t5)
                addi a2, a2, {width % 8}\naddi t1, t1, {width % 8}
                {mnemonic}{order} {destination}, a3, (a2)
                sd {destination}, 0(t6)\nld t0, {-(width % 8)}(t1)\nsd t0, 8(t6)\nld t0, {8 - width % 8}(t1)
                sd t0, 16(t6)""")


def reservations(suffix):
    offset = 0 if suffix == "d" else 4
    program.test(f"lr.{suffix}, sc.{suffix}", two(), 4, f"""
        la a2, scratch + 64\nld t0, 0(t5)\nsd t0, 0(a2)\nld a3, 8(t5)\naddi a2, a2, {offset}
        lr.{suffix} a4, (a2)\nsc.{suffix} a5, a3, (a2)\nsd a4, 0(t6)\nsd a5, 8(t6)\nld a4, {-offset}(a2)\nsd a4, 16(t6)
        sc.{suffix} a5, a4, (a2)\nsnez a5, a5\nsd a5, 24(t6)""")
    program.test(f"lr.{suffix}.aq, sc.{suffix}.rl, rd is rs", two(), 3, f"""
        la a2, scratch + 64\nld t0, 0(t5)\nsd t0, 0(a2)\nld a3, 8(t5)\nmv t1, a2
        lr.{suffix}.aq a2, (a2)\nsc.{suffix}.rl a3, a3, (t1)\nsd a2, 0(t6)\nsd a3, 8(t6)\nld a4, 0(t1)\nsd a4, 16(t6)""")
    program.test(f"sc.{suffix} elsewhere", two(), 2, f"""
        la a2, scratch + 64\nld t0, 0(t5)\nsd t0, 0(a2)\nsd t0, 8(a2)\naddi a3, a2, 8
        lr.{suffix} a4, (a2)\nsc.{suffix} a5, a4, (a3)\nsnez a5, a5\nsd a5, 0(t6)\nld a4, 8(a2)\nsd a4, 8(t6)""")


def floating(mnemonic, operands):
    """Each rounding mode in frm, and each in the instruction where it has a field for one."""
    shape = operands.rstrip("mn")
    sources = shape.split(",")[1:]
    first = mnemonic.split(".")
    if mnemonic.startswith("fcvt."):
        source_format = first[2]
    elif mnemonic.startswith("fmv."):
        source_format = "x" if first[2] == "x" else first[2]
    else:
        source_format = first[1]
    values = {"s": single, "d": double}.get(source_format, integer)
    if mnemonic == "fmv.x.w":
        values = single
    count = {1: 120, 2: 150, 3: 200}[len(sources)]
    # No product, and a quiet NaN to add it to: invalid all the same.
    no_product = {(3, "s"): [(BOX | 0x7F800000, BOX, BOX | 0x7FC00000), (BOX, BOX | 0xFF800000, BOX | 0x7FC00001)],
                  (3, "d"): [(0x7FF0000000000000, 0, 0x7FF8000000000000), (0, 0xFFF0000000000000, 0xFFF8000000000000)]}
    table = program.table((source_format if values is not integer else "i", len(sources)),
                          [values] * len(sources), count, no_product.get((len(sources), source_format), []))
    loads, uses = [], []
    for index, letter in enumerate(sources):
        loads.append(f"ld a{2 + index}, {8 * index}(t5)" if letter == "s" else f"fld fa{index}, {8 * index}(t5)")
        uses.append(f"a{2 + index}" if letter == "s" else f"fa{index}")
    to_float = shape[0] == "D"
    target, save = ("fa5", "fsd") if to_float else ("a5", "sd")
    has_mode = operands != shape

    def run(label, mode, frm, destination):
        text = f"{mnemonic} {destination}, {', '.join(uses)}{mode}"
        program.test(f"{text} {label}".strip(), table, 2, f"""
            {chr(10).join(loads)}\nli t0, {frm << 5}\nfscsr t0\n{text}\nfrflags t1\n{save} {destination}, 0(t6)
            sd t1, 8(t6)\nfscsr zero""")

    if not has_mode:
        run("", "", 0, target)
        if to_float:
            run("", "", 0, "fa0" if "S" in sources else "fa4")
        if len(sources) == 2 and to_float:
            program.test(f"{mnemonic} fa4, fa0, fa0", table, 1,
                         f"{loads[0]}\n{mnemonic} fa4, fa0, fa0\nfsd fa4, 0(t6)")
        return
    for frm, name in enumerate(ROUNDING):
        run(f"frm={name}", ", dyn" if not operands.endswith("n") else "", frm, target)
        if not operands.endswith("n"):
            run("frm=rup", ", " + name, 3, target)
    if to_float and "S" in sources:
        run("frm=rne", ", dyn", 0, "fa0") if not operands.endswith("n") else None
    if shape[0] == "d":
        run("frm=rne", ", dyn", 0, "zero")


def float_csr():
    program.test("fcsr", two(), 7, """
        ld a2, 0(t5)\nld a3, 8(t5)\nandi a2, a2, 127\nandi a3, a3, 31\nfscsr a2\nfrcsr a4\nsd a4, 0(t6)\nfrrm a4\nsd a4, 8(t6)
        frflags a4\nsd a4, 16(t6)\nfsflags a5, a3\nsd a5, 24(t6)\nfrcsr a5\nsd a5, 32(t6)\ncsrrci a5, fflags, 21\nsd a5, 40(t6)
        csrrs a5, fcsr, zero\nsd a5, 48(t6)\nfscsr zero""")
    program.test("fflags accrue", one(), 2, """
        fscsr zero\nli a2, 1\nfcvt.d.l fa0, a2\nli a2, 3\nfcvt.d.l fa1, a2\nfdiv.d fa2, fa0, fa1\nfmv.d.x fa3, zero
        fdiv.d fa4, fa0, fa3\nfrflags a4\nsd a4, 0(t6)\nfsqrt.d fa4, fa4\nfsub.d fa4, fa4, fa4\nfrcsr a4\nsd a4, 8(t6)""")


COMPRESSED = {
    "c.addi4spn": [("mv t4, sp\nld sp, 0(t5)\nc.addi4spn a4, sp, {0}\nmv sp, t4", [4, 8, 64, 1020])],
    "c.addi16sp": [("mv t4, sp\nld sp, 0(t5)\nc.addi16sp sp, {0}\nmv a4, sp\nmv sp, t4", [-512, -16, 16, 496])],
    "c.addi": [("ld a4, 0(t5)\nc.addi a4, {0}", [-32, -1, 1, 31])],
    "c.addiw": [("ld a4, 0(t5)\nc.addiw a4, {0}", [-32, -1, 0, 31])],
    "c.li": [("c.li a4, {0}", [-32, -1, 0, 31])],
    "c.lui": [("c.lui a4, {0}", [1, 31, "0xfffe0", "0xfffff"])],
    "c.srli": [("ld a4, 0(t5)\nc.srli a4, {0}", [1, 31, 32, 63])],
    "c.srai": [("ld a4, 0(t5)\nc.srai a4, {0}", [1, 31, 32, 63])],
    "c.slli": [("ld a4, 0(t5)\nc.slli a4, {0}", [1, 31, 32, 63])],
    "c.andi": [("ld a4, 0(t5)\nc.andi a4, {0}", [-32, -1, 0, 31])],
    "c.nop": [("ld a4, 0(t5)\nc.nop", [0])],
    "c.mv": [("ld a3, 0(t5)\nc.mv a4, a3", [0])],
    "c.add": [("ld a4, 0(t5)\nld a3, 0(t5)\nc.add a4, a3", [0])],
    "c.j": [("li a4, 1\nc.j 1f\nli a4, 2\n1:", [0])],
    "c.beqz": [("ld a4, 0(t5)\nandi a4, a4, 1\nc.beqz a4, 1f\nli a4, 2\n1:", [0])],
    "c.bnez": [("ld a4, 0(t5)\nandi a4, a4, 1\nc.bnez a4, 1f\nli a4, 2\n1:", [0])],
    "c.jr": [("la a3, 1f\nli a4, 1\nc.jr a3\nli a4, 2\n1:", [0])],
    "c.jalr": [("mv a3, ra\nla a4, 2f\nc.jalr a4\n1: li a4, 9\n2: la a4, 1b\nsub a4, ra, a4\nmv ra, a3", [0])],
    "c.lw": [("la a3, scratch\nld t0, 0(t5)\nsd t0, {0}(a3)\nc.lw a4, {0}(a3)", [0, 4, 64, 124])],
    "c.ld": [("la a3, scratch\nld t0, 0(t5)\nsd t0, {0}(a3)\nc.ld a4, {0}(a3)", [0, 8, 64, 248])],
    "c.sw": [("la a3, scratch\nld a5, 0(t5)\nsd zero, {0}(a3)\nc.sw a5, {0}(a3)\nld a4, {0}(a3)", [0, 4, 64, 124])],
    "c.sd": [("la a3, scratch\nld a5, 0(t5)\nc.sd a5, {0}(a3)\nld a4, {0}(a3)", [0, 8, 64, 248])],
    "c.fld": [("la a3, scratch\nld t0, 0(t5)\nsd t0, {0}(a3)\nc.fld fa4, {0}(a3)\nfmv.x.d a4, fa4", [0, 8, 64, 248])],
    "c.fsd": [("la a3, scratch\nfld fa5, 0(t5)\nc.fsd fa5, {0}(a3)\nld a4, {0}(a3)", [0, 8, 64, 248])],
}
for stack, plain, limit in [("lwsp", "sw", 252), ("ldsp", "sd", 504), ("fldsp", "sd", 504)]:
    move = "fmv.x.d a4, fa4" if stack == "fldsp" else ""
    COMPRESSED["c." + stack] = [(f"mv t4, sp\nla sp, scratch\nld t0, 0(t5)\n{plain} t0, {{0}}(sp)\n"
                                 f"c.{stack} {'fa4' if move else 'a4'}, {{0}}(sp)\nmv sp, t4\n{move}", [0, 8, limit])]
for stack, limit in [("swsp", 252), ("sdsp", 504), ("fsdsp", 504)]:
    source, fetch = ("fa5", "fld") if stack == "fsdsp" else ("a5", "ld")
    COMPRESSED["c." + stack] = [(f"mv t4, sp\nla sp, scratch\n{fetch} {source}, 0(t5)\nsd zero, {{0}}(sp)\n"
                                 f"c.{stack} {source}, {{0}}(sp)\nld a4, {{0}}(sp)\nmv sp, t4", [0, 8, limit])]
for name in ["sub", "xor", "or", "and", "subw", "addw"]:
    COMPRESSED["c." + name] = [(f"ld a4, 0(t5)\nld a3, 8(t5)\nc.{name} a4, a3", [0])]
# The traps are the business of tests that have a handler.
NOT_COMPRESSED_HERE = {"c.unimp", "c.reserved", "c.ebreak"}

IMMEDIATES = [0, 1, -1, 2047, -2048, 5, -100, 1024]
PRIVILEGED = {"sret", "mret", "wfi", "sfence.vma", "sinval.vma", "sfence.w.inval", "sfence.inval.ir", "ecall", "ebreak"}


def cover(mnemonic, encoding, operands):
    shift_limit = encoding.count("i")
    if mnemonic in PRIVILEGED or mnemonic.startswith("csr"):
        return
    if mnemonic in ("pause", "fence", "fence.tso", "fence.i"):
        program.test(mnemonic, one(), 1, f"ld a4, 0(t5)\n{mnemonic}\nsd a4, 0(t6)")
    elif mnemonic in ("jal", "jalr"):
        pass  # jumps()
    elif mnemonic in ("lui", "auipc"):
        for value in [0, 1, 0x7FFFF, 0x80000, 0xFFFFF]:
            anchor = "la t0, 1f\nsub a4, a4, t0" if mnemonic == "auipc" else ""
            program.test(f"{mnemonic} {value:#x}", one(), 1, f"1: {mnemonic} a4, {value:#x}\n{anchor}\nsd a4, 0(t6)")
            program.test(f"{mnemonic} {value:#x}, addi", one(), 1,
                         f"1: {mnemonic} a4, {value:#x}\naddi a4, a4, -273\naddiw a5, a4, 0\nadd a4, a4, a5\n{anchor}\n"
                         "sd a4, 0(t6)" if mnemonic == "lui" else "nop\nsd zero, 0(t6)")
    elif mnemonic.startswith(("lr.", "sc.")):
        if mnemonic.startswith("lr."):
            reservations(mnemonic[3:])
    elif mnemonic.startswith("amo"):
        atomic(mnemonic)
    elif operands == "s,t,b":
        branch(mnemonic)
    elif operands in ("d,i(s)", "D,i(s)"):
        load(mnemonic, operands[0] == "D")
    elif operands in ("t,i(s)", "T,i(s)"):
        store(mnemonic, operands[0] == "T")
    elif operands == "d,s,t":
        registers_and_aliases(mnemonic, 2)
    elif operands == "d,s":
        registers_and_aliases(mnemonic, 1)
    elif operands == "d,s,i":
        with_immediate(mnemonic, IMMEDIATES)
    elif operands == "d,s,h":
        with_immediate(mnemonic, [0, 1, 7, 31] + ([32, 33, 63] if shift_limit == 6 else []))
    elif mnemonic[0] == "f":
        floating(mnemonic, operands)
    else:
        sys.exit(f"{mnemonic}: no test for operands '{operands}'")


def main():
    folder = Path(sys.argv[1])
    row = re.compile(r'^(?:INST|COMPRESSED)\(\w+, +"([^"]+)", +"([^"]+)", [^"]*"[^"]*", +"([^"]*)"')
    for line in (folder / "riscv.inc").read_text().splitlines():
        if match := row.match(line):
            cover(*match.groups())
    jumps()
    float_csr()
    for line in (folder / "compressed.inc").read_text().splitlines():
        match = row.match(line)
        if not match or match.group(1) in NOT_COMPRESSED_HERE:
            continue
        for body, values in COMPRESSED[match.group(1)]:
            for value in values:
                program.test(f"{match.group(1)} {value}", two(), 1, body.format(value) + "\nsd a4, 0(t6)")
    program.write()


main()
