"""Lays two traces of an x86 processor beside each other, to the first difference.

usage: traces.py [--ignore NAME[,NAME...]] [--mask NAME=BITS] [--before COUNT] TRACE OTHER-TRACE

Each is what -d cpu,in_asm -D FILE writes with -accel tcg,one-insn-per-tb=on, of a machine with one processor: the registers
ahead of each instruction, and the instruction where it is translated. What only one of them shows is not compared (names
are as they stand there: EAX or RAX, EFL, CR0, XMM00; CS is all of a segment), nor bits that a mask leaves out: of flags that
the manual leaves undefined, each has its own (--mask EFL=fffff72a compares what is no status flag). Steps of a repeated
instruction are one.
Where the registers of interrupts and clocks part, what follows differs as well: take them out by a machine without
devices that interrupt, or by --ignore.

Ends with 0 where the shorter is how the longer begins, 1 where they differ, 2 where one is no trace.
"""

import argparse
import itertools
import re
import sys

FIRST = re.compile(r"^[ER]AX=")
LINE_OF_CODE = re.compile(r"^(?:0x)?([0-9a-f]+):\s+(\S.*?)\s*$")
VALUE = re.compile(r"(\w+) ?= *([0-9a-f]+)(?=\s|$)")
# These lines are one register each, with what stands behind the selector, the base or the value.
WHOLE = re.compile(r"^(ES|CS|SS|DS|FS|GS|LDT|TR|GDT|IDT) ?= *([0-9a-f ]+)")
WIDE = re.compile(r"(XMM\d\d|FPR\d)=([0-9a-f]+ [0-9a-f]+)")


class Step:
    """The registers ahead of an instruction."""

    def __init__(self):
        self.registers = {}
        self.code = ""

    def take(self, line):
        whole = WHOLE.match(line)
        if whole:
            self.registers[whole[1]] = " ".join(whole[2].split())
            return
        wide = WIDE.findall(line)
        for name, value in wide or VALUE.findall(line):
            self.registers[name] = value

    @property
    def place(self):
        return self.registers.get("CS"), self.registers.get("EIP") or self.registers.get("RIP")


def steps(lines):
    """Those of a trace, one for each instruction that is not a repetition of the one before."""
    code, step = {}, None
    address = None
    last = None

    def finished():
        base = step.registers.get("CS", "0 0").split()[1] if "EIP" in step.registers else "0"
        at = int(base, 16) + int(step.place[1] or "0", 16)
        step.code = code.get(at & 0xFFFFFFFF if "EIP" in step.registers else at, "")
        return step

    for line in lines:
        found = LINE_OF_CODE.match(line)
        if FIRST.match(line):
            if step and (not last or step.place != last.place):
                last = finished()
                yield last
            step = Step()
            step.take(line)
        elif found:
            address = int(found[1], 16)
            code[address] = found[2]
        elif step and "=" in line and not line.startswith("IN:"):
            step.take(line)
    if step and (not last or step.place != last.place):
        yield finished()


def difference(ours, theirs, masks):
    """The names whose values differ, of those that both have."""

    def value(step, name):
        text = step.registers[name]
        if name not in masks:
            return text
        if not text.isalnum():
            raise ValueError(f"{name} has more than one value: it can be ignored, not masked")
        return int(text, 16) & masks[name]

    both = [name for name in ours.registers if name in theirs.registers and masks.get(name) != 0]
    return [name for name in both if value(ours, name) != value(theirs, name)]


def compare(first, second, masks, before, out):
    past = []
    count = 0
    for ours, theirs in itertools.zip_longest(steps(first), steps(second)):
        if ours is None or theirs is None:
            break
        count += 1
        names = difference(ours, theirs, masks)
        if names:
            for step in past[-before:]:
                print(f"  {step.place[1]}  {step.code}", file=out)
            print(f"instruction {count}, at {ours.place[1]} and {theirs.place[1]}:", file=out)
            for name in names:
                print(f"  {name:5} {ours.registers[name]} | {theirs.registers[name]}", file=out)
            return 1
        past = past[-before:] + [ours]
    if count == 0:
        print("there are no registers in one of the traces", file=out)
        return 2
    print(f"no difference in {count} instructions", file=out)
    return 0


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("traces", nargs=2)
    parser.add_argument("--ignore", default="")
    parser.add_argument("--mask", action="append", default=[])
    parser.add_argument("--before", type=int, default=8)
    asked = parser.parse_args(arguments)
    masks = dict.fromkeys(filter(None, asked.ignore.split(",")), 0)
    for mask in asked.mask:
        name, equals, bits = mask.partition("=")
        if not equals or not re.fullmatch("[0-9a-fA-F]+", bits):
            parser.error(f"--mask {mask}: it is NAME=BITS, in hexadecimal")
        masks[name] = int(bits, 16)
    with open(asked.traces[0], errors="replace") as first, open(asked.traces[1], errors="replace") as second:
        try:
            return compare(first, second, masks, asked.before, sys.stdout)
        except ValueError as error:
            parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
