#!/usr/bin/env python3
"""Makes the test guest's initramfs: busybox, kernel modules with their order, /init and its tests.

The archive is written here (cpio "newc", as Linux's Documentation/driver-api/early-userspace/
buffer-format.rst has it), so that no root, no device node on the host and no cpio is needed.
"""

import argparse
import lzma
import pathlib
import stat

# What a whole-machine test loads; what these depend on is added from the modules themselves.
MODULES = """virtio_mmio virtio_blk virtio_net virtio-rng virtio_balloon virtio_scsi
ext4 crc32c_generic crc32c-riscv qemu_fw_cfg""".split()

APPLETS = """ash awk cat chmod chroot cmp cp cut date dd devmem df dmesg echo env expr false find free
grep halt head hexdump hostname ifconfig insmod ip kill ln ls lsmod mkdir mknod mktemp modprobe mount mv
nc nproc od pidof ping poweroff printf ps readlink reboot rm sed seq setsid sh sha256sum sleep sort stat
stty switch_root sync tail test time timeout top touch tr true tty udhcpc umount uname uptime usleep vi
wc wget xargs cttyhack httpd""".split()

DHCP_SCRIPT = b"""#!/bin/sh
# udhcpc calls this with what the server answered.
[ "$1" = bound ] || exit 0
ip addr add "$ip/${mask:-24}" dev "$interface"
for gateway in $router; do ip route add default via "$gateway" dev "$interface"; done
for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done
"""


class Archive:
    """A cpio archive in the "newc" format, all owned by root, all dated 0."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0
        self.folders = {""}

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.folder(str(pathlib.PurePosixPath(name).parent).removeprefix("."))
        self._append(name, mode, content, device)

    def folder(self, name):
        if name in self.folders:
            return
        self.folder(str(pathlib.PurePosixPath(name).parent).removeprefix("."))
        self.folders.add(name)
        self._append(name, stat.S_IFDIR | 0o755, b"", (0, 0))

    def file(self, name, content, mode=0o644):
        self.add(name, stat.S_IFREG | mode, content)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def finish(self):
        self._append("TRAILER!!!", 0, b"", (0, 0))
        self.data += bytes(-len(self.data) % 512)
        return bytes(self.data)

    def _append(self, name, mode, content, device):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0]
        self.data += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        self.data += bytes(-len(self.data) % 4) + content
        self.data += bytes(-len(self.data) % 4)


def module_name(name):
    return name.replace("-", "_")


def needs(content):
    """The names that a module's .modinfo lists as `depends=`."""
    marker = content.find(b"\0depends=")
    if marker < 0:
        return []
    names = content[marker + 9 : content.index(b"\0", marker + 9)].decode()
    return [name for name in names.split(",") if name]


def add_modules(archive, folder, release):
    """Adds MODULES and what they need, uncompressed, with the modules.dep that modprobe reads."""
    files = {module_name(path.name.split(".ko")[0]): path for path in folder.glob("kernel/**/*.ko*")}
    direct, places = {}, {}
    queue = [module_name(name) for name in MODULES]
    while queue:
        name = queue.pop()
        if name in direct or name not in files:
            continue  # Absent: built into this kernel.
        path = files[name]
        content = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        places[name] = f"{path.relative_to(folder).parent}/{name}.ko"
        direct[name] = [module_name(other) for other in needs(content)]
        archive.file(f"lib/modules/{release}/{places[name]}", content)
        queue += direct[name]

    def closure(name):
        found = []
        for other in direct[name]:
            for each in [other, *closure(other)]:
                if each not in found and each in places:
                    found.append(each)
        return found

    lines = [f"{places[name]}: {' '.join(places[other] for other in closure(name))}" for name in sorted(direct)]
    archive.file(f"lib/modules/{release}/modules.dep", "\n".join(lines).encode() + b"\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busybox", type=pathlib.Path, required=True)
    parser.add_argument("--modules", type=pathlib.Path, help="the folder lib/modules/RELEASE of the kernel")
    parser.add_argument("--release", default="")
    parser.add_argument("--guest", type=pathlib.Path, required=True, help="the folder with init and tests/")
    parser.add_argument("--add", action="append", default=[], metavar="FILE:NAME", help="a program to add")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()

    archive = Archive()
    for folder in ("dev", "proc", "sys", "run", "tmp", "root", "sbin", "newroot", "etc"):
        archive.folder(folder)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("bin/busybox", options.busybox.read_bytes(), 0o755)
    for applet in APPLETS:
        archive.link(f"bin/{applet}", "busybox")
    archive.link("sbin/modprobe", "/bin/busybox")
    archive.file("etc/udhcpc.sh", DHCP_SCRIPT, 0o755)
    archive.file("init", (options.guest / "init").read_bytes(), 0o755)
    for test in sorted((options.guest / "tests").iterdir()):
        archive.file(f"tests/{test.name}", test.read_bytes(), 0o755)
    for entry in options.add:
        file, _, name = entry.rpartition(":")
        archive.file(name, pathlib.Path(file).read_bytes(), 0o755)
    if options.modules:
        add_modules(archive, options.modules, options.release)
    scratch = options.out.with_suffix(".new")
    scratch.write_bytes(archive.finish())
    scratch.rename(options.out)


if __name__ == "__main__":
    main()
