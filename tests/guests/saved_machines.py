"""Scenarios of machines that are saved and go on in another process: in the middle of a boot, and under load. Where they are
saved is random; `--seed` and `--saves` of run_guest.py choose where and how often."""

import hashlib
import pathlib
import re
import shutil
import socketserver
import subprocess
import threading

from run_guest import Skipped, check
from scenarios import MEBIBYTE, examine_file_system, expect_init, expect_pass, finish_linux, scenario, start_linux

HERE = pathlib.Path(__file__).resolve().parent


def go_on_elsewhere(guest, restart):
    """Saves the machine to a file, kills the emulator, and has another one go on with it."""
    saved = guest.folder / "saved"
    guest.send("\x01c")
    guest.expect(r"\(backplane\) ")
    guest.send(f"migrate file:{saved}\n")
    said = guest.expect(r"migrate file:[^\n]*\n((?s:.)*?)\(backplane\) ").group(1)
    check(saved.exists(), f"the machine was not saved: {said.decode(errors='replace')}")
    guest.kill()
    restart("-incoming", f"file:{saved}")


def saved_while_it_boots(guest, harts):
    """After so many bytes of what the kernel says, each time: all together are fewer than it says until it is done."""
    disk = guest.scratch("disk.img", guest.random.randbytes(8 * MEBIBYTE))
    expected = hashlib.sha256(disk.read_bytes()).hexdigest()
    devices = [
        *("-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-device,drive=disk"),
        *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"),
        *("-device", "virtio-rng-pci", "-device", "virtio-balloon-device"),
    ]

    def restart(*arguments):
        start_linux(guest, "harts,clock,rng,block", *devices, *arguments, harts=harts)

    restart()
    saves = guest.saves or 3
    for _ in range(saves):
        guest.expect(r"(?s).{%d}" % guest.random.randrange(1500 // saves, 12000 // saves))
        go_on_elsewhere(guest, restart)
    expect_init(guest, harts)
    for test in ("harts", "clock", "rng"):
        expect_pass(guest, test)
    found = guest.expect(r"^SHA256 vda ([0-9a-f]{64})\s").group(1).decode()
    check(found == expected, "the guest reads other bytes than the disk has")
    expect_pass(guest, "block")
    finish_linux(guest)


@scenario
def saved_one_hart(guest):
    """Linux on one hart is saved and goes on in another process, three times while it boots."""
    saved_while_it_boots(guest, 1)


@scenario
def saved_two_harts(guest):
    """Linux on two harts is saved and goes on in another process, three times while it boots."""
    saved_while_it_boots(guest, 2)


class BlobServer(socketserver.ThreadingTCPServer):
    """Sends one blob to whoever connects."""

    daemon_threads = True

    def __init__(self, blob):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    self.request.sendall(blob)
                except OSError:
                    pass  # the machine went elsewhere

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def debian_with_load(guest):
    """A disk with Debian and load.sh in root's folder."""
    if not shutil.which("debugfs"):
        raise Skipped("debugfs is missing; run: ./dev setup test")
    disk = guest.folder / "debian.ext4"
    source = guest.file("riscv64/debian.ext4")
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, disk], check=True)
    subprocess.run(["debugfs", "-w", "-R", f"write {HERE}/load.sh root/load.sh", disk], capture_output=True, check=True)
    return disk


def saved_under_load(guest, harts, disk_type, net_type):
    disk = debian_with_load(guest)
    blob = guest.random.randbytes(MEBIBYTE)
    server = BlobServer(blob)
    devices = [
        *("-drive", f"file={disk},format=raw,if=none,id=debian", "-device", f"{disk_type},drive=debian"),
        *("-netdev", "user,id=net", "-device", f"{net_type},netdev=net", "-device", "virtio-rng-pci"),
    ]

    def restart(*arguments):
        start_linux(guest, "debian", *devices, *arguments, harts=harts, append="TERM=dumb")

    def wrong():
        found = re.search(r"^.*(LOAD-WRONG|Oops|EXT4-fs error|I/O error).*$", guest.text(), re.MULTILINE)
        return found and found.group()

    restart()
    guest.expect(r"^BACKPLANE-DEBIAN-OK")
    guest.expect(r"# ")
    port = server.server_address[1]
    guest.send(f"bash load.sh {port} {len(blob)} {hashlib.sha256(blob).hexdigest()}; date +%s >/root/written\n")
    guest.expect(r"^LOAD network \d+\s")
    for number in range(guest.saves or 4):
        for _ in range(guest.random.randrange(6)):
            guest.expect(r"^LOAD \w+.*\n")
        go_on_elsewhere(guest, restart)
        guest.expect(r"^LOAD network \d+\s")  # connections are made again
        check(not wrong(), f"after {number + 1} times: {wrong()}")
    guest.send("\n")
    guest.expect(r"^LOAD-DONE")
    check(not wrong(), f"the guest says: {wrong()}")  # powering off, it may use a disk that it has let go
    guest.send("exit\n")
    guest.expect(r"reboot: Power down|Power off")
    guest.expect_exit(0)
    examine_file_system(disk)


@scenario
def saved_under_load_one_hart(guest):
    """Debian on one hart, whose disk and network are busy, is saved, killed and restored; its checks find nothing."""
    saved_under_load(guest, 1, "virtio-blk-device", "virtio-net-pci")


@scenario
def saved_under_load_two_harts(guest):
    """The same on two harts, with the disk on PCIe."""
    saved_under_load(guest, 2, "virtio-blk-pci", "virtio-net-device")
