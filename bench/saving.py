"""How fast a machine of 1 GiB with 256 MiB of programs in its memory is saved, and how soon it runs again.

Saved into a socket, compressed by all CPUs (the peer: multifd with zstd), standing still. Loaded from a file that RAM
is mapped from (the peer: mapped-ram, read by all CPUs), from the start of the process to the next word of the guest.
"""

import json
import os
import select
import shutil
import socket
import threading
import time

import payload

MEMORY_MIB = 1024
DATA_MIB = 256
PATIENCE = 120  # seconds
SAVE = "save with zstd, MiB/s"
RESTORE = "restore to running, ms"


class Monitor:
    def __init__(self, path):
        deadline = time.monotonic() + PATIENCE
        while True:
            self.client = socket.socket(socket.AF_UNIX)
            self.client.settimeout(PATIENCE)
            try:
                self.client.connect(str(path))
                break
            except OSError:
                self.client.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)
        self.lines = self.client.makefile("rb")
        self.lines.readline()
        self("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.client.close()

    def next(self):
        return json.loads(self.lines.readline())

    def __call__(self, command, arguments=None):
        self.client.sendall(json.dumps({"execute": command, "arguments": arguments or {}}).encode())
        while "event" in (reply := self.next()):
            pass
        if "error" in reply:
            raise SystemExit(f"bench: {command}: {reply['error']['desc']}")
        return reply["return"]

    def capabilities(self, *names):
        self("migrate-set-capabilities", {"capabilities": [{"capability": name, "state": True} for name in names]})

    def migrate(self, place):
        """Seconds from the command to its completion."""
        began = time.monotonic()
        self("migrate", {"uri": place})
        while True:
            event = self.next()
            status = event.get("data", {}).get("status") if event.get("event") == "MIGRATION" else None
            if status == "completed":
                return time.monotonic() - began
            if status == "failed":
                raise SystemExit(f"bench: the machine could not be saved: {self('query-migrate')}")


class Drain:
    """Listens at a socket and drops what comes through any number of connections."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(16)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        room, connections, any_yet = memoryview(bytearray(1 << 20)), [], False
        while connections or not any_yet:
            for ready in select.select([self.listener, *connections], [], [])[0]:
                if ready is self.listener:
                    connections.append(self.listener.accept()[0])
                    any_yet = True
                elif ready.recv_into(room) == 0:
                    connections.remove(ready)
                    ready.close()
        self.listener.close()


def first_beat(run):
    ready = select.select([run.process.stdout], [], [], PATIENCE)[0]
    if not ready or b"." not in os.read(run.process.stdout.fileno(), 65536):
        raise SystemExit(f"bench: the payload does not run in: {run.process.args}")
    return time.monotonic() - run.began


def best(rounds):
    return {RESTORE: min(each[RESTORE] for each in rounds), SAVE: max(each[SAVE] for each in rounds)}


class Saving:
    def __init__(self, folder, guests, start):
        """`start(emulator, arguments, memory in MiB)` gives a run.Run."""
        self.folder = folder
        self.start = start
        self.kernel = folder / "beat.bin"
        self.kernel.write_bytes(payload.image(payload.beat(".")))
        programs = b"".join((guests / "riscv64" / name).read_bytes() for name in ("vmlinux", "busybox", "initramfs.cpio"))
        self.data = folder / "programs"
        with open(self.data, "wb") as file:
            for _ in range((DATA_MIB << 20) // len(programs) + 1):
                file.write(programs)
            file.truncate(DATA_MIB << 20)

    def machine(self, emulator, *arguments):
        return self.start(emulator, ("-bios", "none", "-kernel", self.kernel, "-initrd", self.data, *arguments), MEMORY_MIB)

    def measure(self, emulator):
        """{figure: value} of one round."""
        place = self.folder / emulator.key
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        listens, saved, peer = place / "monitor", place / "saved", emulator.key == "peer"
        with self.machine(emulator, "-qmp", f"unix:{listens},server=on,wait=off") as run, Monitor(listens) as monitor:
            first_beat(run)
            monitor.capabilities("events")
            # Each as fast as it can be made: the peer needs to be told to use all CPUs.
            threads = {"multifd-channels": os.cpu_count(), "multifd-compression": "zstd"}
            monitor("migrate-set-parameters", threads)
            if peer:
                monitor.capabilities("multifd")
            monitor("stop")
            seconds = monitor.migrate(f"unix:{Drain(place / 'drain').path}")
            monitor("cont")
            monitor("migrate-set-parameters", {"multifd-compression": "none"})
            monitor.capabilities("mapped-ram")
            monitor.migrate(f"file:{saved}")
            monitor("quit")
        if not peer:
            with self.machine(emulator, "-incoming", f"file:{saved}") as run:
                restored = first_beat(run)
        else:
            again = place / "again"
            with self.machine(emulator, "-incoming", "defer", "-qmp", f"unix:{again},server=on,wait=off") as run:
                with Monitor(again) as monitor:
                    monitor.capabilities("multifd", "mapped-ram")
                    monitor("migrate-set-parameters", {"multifd-channels": os.cpu_count()})
                    monitor("migrate-incoming", {"uri": f"file:{saved}"})
                    restored = first_beat(run)
        shutil.rmtree(place)
        return {SAVE: DATA_MIB / seconds, RESTORE: restored * 1e3}
