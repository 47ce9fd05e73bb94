"""Makes a FAT16 image (Microsoft, "FAT32 File System Specification" 1.03) of a few files, as UEFI firmware starts
loaders from: long names, folders, no partition table."""

import pathlib
import struct

SECTOR = 512
CLUSTER = 16 * SECTOR
ROOT_ENTRIES = 512
RESERVED = 1
END_OF_CHAIN = 0xFFFF
FOLDER, LONG_NAME = 0x10, 0x0F


class Volume:
    def __init__(self, clusters):
        if not 4085 <= clusters < 65525:
            raise ValueError(f"{clusters} clusters are not FAT16")
        self.table = [0xFFF8, END_OF_CHAIN] + [0] * clusters
        self.data = bytearray(clusters * CLUSTER)
        self.next = 2

    def store(self, content):
        """Puts content into clusters in a row; returns the first one's number, 0 for nothing."""
        count = -(-len(content) // CLUSTER)
        first = self.next
        for number in range(first, first + count):
            self.table[number] = number + 1 if number + 1 < first + count else END_OF_CHAIN
        start = (first - 2) * CLUSTER
        self.data[start : start + len(content)] = content
        self.next += count
        return first if count else 0

    def image(self, root):
        sectors = len(self.data) // CLUSTER * (CLUSTER // SECTOR)
        table = struct.pack(f"<{len(self.table)}H", *self.table)
        table += bytes(-len(table) % SECTOR)
        total = RESERVED + 2 * len(table) // SECTOR + ROOT_ENTRIES * 32 // SECTOR + sectors
        boot = struct.pack(
            "<3s8sHBHBHHBHHHII",
            *(b"\xeb\x3c\x90", b"MSDOS5.0", SECTOR, CLUSTER // SECTOR, RESERVED, 2, ROOT_ENTRIES),
            *(0, 0xF8, len(table) // SECTOR, 63, 255, 0, total),
        ) + struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 1, b"BACKPLANE  ", b"FAT16   ")
        boot = boot.ljust(SECTOR - 2, b"\0") + b"\x55\xaa"
        return boot + table + table + root.ljust(ROOT_ENTRIES * 32, b"\0") + bytes(self.data)


def entry(name, attributes, cluster, size):
    return struct.pack("<11sBBBHHHHHHHI", name, attributes, 0, 0, 0, 0x21, 0x21, 0, 0, 0x21, cluster, size)


def named_entry(name, number, attributes, cluster, size):
    """A file's entry behind those with its long name, 13 characters each, the last part first."""
    short = f"FILE{number:04}".encode() + b"   "
    checksum = 0
    for byte in short:
        checksum = (((checksum & 1) << 7) + (checksum >> 1) + byte) & 0xFF
    text = name.encode("utf-16le")
    if len(text) % 26:
        text = (text + b"\0\0").ljust(-(-len(text) // 26) * 26, b"\xff")
    parts = [text[i : i + 26] for i in range(0, len(text), 26)]
    entries = b""
    for index in range(len(parts), 0, -1):
        part = parts[index - 1]
        order = index | (0x40 if index == len(parts) else 0)
        entries += struct.pack(
            "<B10sBBB12sH4s", order, part[:10], LONG_NAME, 0, checksum, part[10:22], 0, part[22:]
        )
    return entries + entry(short, attributes, cluster, size)


def store_folder(volume, tree):
    """The entries of a folder, whose files and folders are stored first."""
    entries = b""
    for number, (name, content) in enumerate(tree.items()):
        if isinstance(content, dict):
            inside = entry(b".          ", FOLDER, 0, 0) + entry(b"..         ", FOLDER, 0, 0)
            inside += store_folder(volume, content)
            entries += named_entry(name, number, FOLDER, volume.store(inside), 0)
        else:
            entries += named_entry(name, number, 0, volume.store(content), len(content))
    return entries


def make_fat_image(path, files):
    """`files`: contents by path, "EFI/BOOT/BOOTRISCV64.EFI" and the like."""
    tree = {}
    for name, content in files.items():
        *folders, last = name.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = content
    clusters = sum(-(-len(content) // CLUSTER) for content in files.values()) + len(files) * 8
    volume = Volume(max(4200, clusters))
    root = store_folder(volume, tree)
    pathlib.Path(path).write_bytes(volume.image(root))
