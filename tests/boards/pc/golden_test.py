"""A version of the board shows its guest what it always did, held against the records in golden/.

golden/newest.txt is what a guest finds on the newest version and golden/older.txt, for each older one, what differs from the
next newer: one line per item, "- ITEM" where the item is not there. A change that is meant is recorded by running this file
with --renew; what it changes in the records then belongs into the same commit, and into a history or a row of the versions
where it is not to reach the guests of older versions.
"""

import concurrent.futures
import hashlib
import pathlib
import re
import subprocess
import sys
import unittest

from program import BINARY, ProgramTest, Qmp, connect
from qtest_test import Qtest

RECORDS = pathlib.Path(__file__).parent / "golden"
NEWEST, OLDER = RECORDS / "newest.txt", RECORDS / "older.txt"
FAMILY = "pc-i440fx-"
# Beside what every board has: what versions changed most.
DEVICES = [
    "virtio-blk-pci,drive=disk,addr=8", "virtio-net-pci,mac=52:54:00:12:34:56,addr=9", "virtio-rng-pci,addr=a",
    "virtio-balloon-pci,addr=b", "virtio-serial-pci,addr=c", "virtio-rng-pci-transitional,addr=d",
    "virtio-net-pci-non-transitional,mac=52:54:00:12:34:57,addr=e",
    "e1000,mac=52:54:00:12:34:58,addr=f,romfile=", "pvpanic",
]
SELECTOR, DATA, DIRECTORY = 0x510, 0x511, 0x19
SHORT = 64  # bytes that are shown as they are
WHOLE_TABLES = 0x4000  # of the ACPI tables; nothing but zeros follows


def versions():
    """Their names, newest first."""
    listing = subprocess.run([BINARY, "-machine", "help"], capture_output=True, text=True, check=True).stdout
    return [name for name in re.findall(rf"(?m)^({FAMILY}\S+)", listing) if re.fullmatch(rf"{FAMILY}[\d.]+", name)]


class Board:
    """One version, started for a record."""

    def __init__(self, test, name):
        place = test.folder / name
        place.mkdir()
        disk = place / "disk"
        disk.write_bytes(bytes(1 << 20))
        self.qtest = Qtest(place)
        arguments = ["-M", f"{name},graphics=on", "-m", "256M", "-smp", "2", "-nodefaults", "-display", "none", "-S"]
        arguments += ["-accel", "qtest", "-qtest", f"unix:{self.qtest.path}", "-qmp", f"unix:{place}/qmp,server=on,wait=off"]
        arguments += ["-vga", "none", "-drive", f"file={disk},format=raw,if=ide,index=0,readonly=on,file.locking=off"]
        arguments += ["-drive", f"file={disk},format=raw,if=none,id=disk,readonly=on,file.locking=off", "-cdrom", str(disk)]
        for device in DEVICES:
            arguments += ["-device", device]
        self.process = test.start(*arguments)
        self.qtest.accept()
        self.qmp = Qmp(connect(place / "qmp", self.process))
        self.qmp("qmp_capabilities")

    def close(self):
        self.qtest.close()
        with self.qmp:
            self.qmp("quit")
        self.process.wait()
        self.process.communicate()

    def ask(self, commands):
        """The answers to many commands at once."""
        self.qtest.client.sendall("".join(f"{command}\n" for command in commands).encode())
        answers = []
        while len(answers) < len(commands):
            line = self.qtest.lines.readline()
            if not line.startswith("IRQ"):
                answers.append(line.split())
        return [int(answer[1], 0) if len(answer) > 1 else None for answer in answers]

    def item(self, key, size):
        """Bytes of an item of the configuration device."""
        values = []
        self.ask([f"outw {SELECTOR} {key}"])
        for start in range(0, size, 2048):
            values += self.ask([f"inb {DATA}"] * min(2048, size - start))
        return bytes(values)

    def cmos(self):
        commands = [command for index in range(0x10, 0x80) for command in (f"outb 0x70 {index}", "inb 0x71")]
        values = bytes(self.ask(commands)[1::2])
        for at in range(0, len(values), 16):
            yield f"cmos {0x10 + at:02x}", values[at : at + 16].hex(" ")

    def configuration_spaces(self):
        functions = [device << 3 | function for device in range(32) for function in range(8)]
        words = self.ask([c for f in functions for c in (f"outl 0xcf8 {1 << 31 | f << 8}", "inl 0xcfc")])[1::2]
        for function in (f for f, word in zip(functions, words) if word & 0xFFFF != 0xFFFF):
            commands = [c for at in range(0, 256, 4) for c in (f"outl 0xcf8 {1 << 31 | function << 8 | at}", "inl 0xcfc")]
            words = self.ask(commands)[1::2]
            for at in range(0, 64, 4):
                if any(words[at : at + 4]):
                    row = " ".join(f"{word:08x}" for word in words[at : at + 4])
                    yield f"config {function >> 3:02x}.{function & 7} {4 * at:02x}", row

    def files(self):
        yield "fw_cfg revision", self.item(1, 4).hex()
        for key in (3, 5, 15, 0x8002):
            yield f"fw_cfg key {key:04x}", self.item(key, 8).hex()
        count = int.from_bytes(self.item(DIRECTORY, 4), "big")
        rows = self.item(DIRECTORY, 4 + 64 * count)[4:]
        for at in range(0, len(rows), 64):
            row = rows[at : at + 64]
            size, key, name = int.from_bytes(row[:4], "big"), int.from_bytes(row[4:6], "big"), row[8:].rstrip(b"\0").decode()
            contents = self.item(key, min(size, WHOLE_TABLES))
            if name == "etc/acpi/tables":
                yield f"fw_cfg file {name}", f"{size} bytes"
                yield from tables(contents)
            else:
                shown = contents.hex(" ") if size <= SHORT else hashlib.sha256(contents.rstrip(b"\0")).hexdigest()[:16]
                yield f"fw_cfg file {name}", f"{size} bytes {shown}".strip()

    def properties(self, path="/machine"):
        """Of all objects of the machine; of a processor what is on, and of further ones nothing. A proxy has its backend's."""
        rows = self.qmp("qom-list", path=path)["return"]
        kind = self.qmp("qom-get", path=path, property="type")["return"]
        if path != "/machine":
            yield f"object {path}", kind
        processor = kind.endswith("-cpu")
        if processor and not path.endswith("cpu0") or path.endswith("/virtio-backend"):
            return
        for row in rows:
            name = row["name"]
            if row["type"].startswith("child<"):
                yield from self.properties(f"{path}/{name}")
            elif name not in ("type", "firmware"):
                value = self.qmp("qom-get", path=path, property=name).get("return", "(not readable)")
                if value is not False or not processor:
                    yield f"property {path} {name}", str(value).lower() if isinstance(value, bool) else str(value)

    def record(self):
        items = {}
        for source in (self.cmos(), self.configuration_spaces(), self.files(), self.properties()):
            items.update(source)
        return items


def tables(contents):
    """What an ACPI table is, by its length and its bytes."""
    at = 0
    while at + 8 <= len(contents) and contents[at]:
        name, length = contents[at : at + 4].decode(), int.from_bytes(contents[at + 4 : at + 8], "little")
        yield f"acpi {name}", f"{length} bytes {hashlib.sha256(contents[at : at + length]).hexdigest()[:16]}"
        at += length


def difference(newer, older):
    lines = [f"- {item}" for item in newer if item not in older]
    return lines + [f"{item}: {value}" for item, value in older.items() if newer.get(item) != value]


def write(records):
    (newest, items), *rest = records.items()
    NEWEST.write_text("".join(f"{item}: {value}\n" for item, value in items.items()))
    text, newer = "", items
    for name, older in rest:
        text += f"=== {name}\n" + "".join(line + "\n" for line in difference(newer, older))
        newer = older
    OLDER.write_text(text)
    return newest


def read(names):
    """The records that are kept, by the versions' names."""
    items = dict(line.split(": ", 1) for line in NEWEST.read_text().splitlines())
    records = {names[0]: items}
    for section in OLDER.read_text().split("=== ")[1:]:
        name, *lines = section.splitlines()
        items = dict(items)
        for line in lines:
            if line.startswith("- "):
                del items[line[2:]]
            else:
                item, value = line.split(": ", 1)
                items[item] = value
        records[name] = items
    return records


class Golden(ProgramTest):
    def setUp(self):
        super().setUp()
        names = versions()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.found = dict(zip(names, pool.map(self.record_of, names)))

    def record_of(self, name):
        board = Board(self, name)
        try:
            return board.record()
        finally:
            board.close()

    def test_versions_are_what_they_were(self):
        if "--renew" in sys.argv:
            write(self.found)
            return
        kept = read(list(self.found))
        self.assertEqual(list(kept), list(self.found), "the versions that there are; golden_test.py --renew records them")
        for name, items in self.found.items():
            with self.subTest(name):
                changes = difference(kept[name], items)
                shown = "\n".join(changes[:20])
                self.assertEqual(changes, [], f"{name} is another than in golden/; if that is meant: golden_test.py --renew\n{shown}")


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--renew"])
