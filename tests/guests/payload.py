"""Bare-metal payloads of a few RISC-V instructions (unprivileged specification, chapter 2): raw images
for -bios that speak to the UART and end the machine through the test device."""

import struct

A0, A1, A2 = 10, 11, 12
BYTE, WORD = 0, 2
SPIN = 0x0000006F  # jal x0, 0


def lui(register, value):
    return (value & 0xFFFFF) << 12 | register << 7 | 0x37


def addi(register, source, value):
    return (value & 0xFFF) << 20 | source << 15 | register << 7 | 0x13


def store(width, base, source):
    return source << 20 | base << 15 | width << 12 | 0x23


def say(text):
    """Stores each byte into the UART's transmit register at 0x10000000."""
    code = [lui(A0, 0x10000)]
    for letter in text.encode():
        code += [addi(A1, 0, letter), store(BYTE, A0, A1)]
    return code


def finish(value):
    """Stores `value` into the test device at 0x100000: 0x5555 passes, 0xNNNN3333 fails with N."""
    low = value & 0xFFF
    low -= 0x1000 if low & 0x800 else 0
    return [lui(A0, 0x100), lui(A1, (value - low) >> 12), addi(A1, A1, low), store(WORD, A0, A1), SPIN]


def beat(letter):
    """Says the letter again and again, some ten times in a millisecond."""
    count_down, again = 0xFE061EE3, 0xFF1FF06F  # bne a2, x0, -4; jal x0, -16
    return [
        *(lui(A0, 0x10000), addi(A1, 0, ord(letter))),
        *(lui(A2, 0x10), addi(A2, A2, -1), count_down, store(BYTE, A0, A1), again),
    ]


def image(instructions):
    return struct.pack(f"<{len(instructions)}I", *instructions)
