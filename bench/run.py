#!/usr/bin/env python3
"""Measures Backplane beside a peer, interleaved in one run on one machine, and prints a table of ratios.

Every round boots the bench guest (bench/guest/, compiled here; --guest says for which machine) on each emulator in turn
with the same firmware, kernel and options, and runs the same source compiled for this machine; the best of the rounds
counts, and how far they lie apart is said. A ratio is the peer's figure over ours: above 1, Backplane is
ahead. The chart and the raw figures go to the output folder.

With --build, instead: how long the product and everything take to build from an empty compiler cache.

Guest figures are in the guest's own time, and in CPU time of the emulator's process, which suffers less
on a busy machine (--clock cpu); scaling over two processors always needs two idle cores.
"""

import argparse
import json
import os
import pathlib
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "tests" / "guests")]
sys.dont_write_bytecode = True

import build  # noqa: E402
import chart  # noqa: E402
import figures  # noqa: E402
import guests  # noqa: E402
import kvm  # noqa: E402
import payload  # noqa: E402
import saving  # noqa: E402
import vnc  # noqa: E402

DEADLINE = 300  # Seconds for one run of one emulator.


class Emulator:
    def __init__(self, key, program, guest):
        self.key = key
        self.guest = guest
        self.program = str(program)
        lines = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.splitlines()
        self.version = lines[0] if lines else "version unknown"

    def command(self, *arguments, processors=1, memory=guests.MEMORY_MIB):
        return [self.program, *self.guest.machine(processors, memory), *map(str, arguments)]


class Run:
    """One run of an emulator; its console lines come with the wall and CPU time at which they were read."""

    def __init__(self, command):
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def cpu_seconds(self):
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except OSError:
                pass  # The thread has just ended.
        return total / 1e9

    def lines(self):
        """Yields (line, seconds since the start, CPU seconds)."""
        rest = b""
        while True:
            left = self.began + DEADLINE - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise SystemExit(f"bench: no answer in {DEADLINE} s from: {self.process.args}")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                return
            *complete, rest = (rest + chunk).split(b"\n")
            wall, cpu = time.monotonic() - self.began, self.cpu_seconds()
            for line in complete:
                yield line.decode(errors="replace").strip(), wall, cpu


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.guest = guests.GUESTS[options.guest]
        self.guests = options.guests
        self.native = self.compile("gcc", "native")
        self.initramfs = self.make_initramfs()

    def compile(self, compiler, name):
        """The bench program, made by this compiler."""
        if not shutil.which(compiler):
            raise SystemExit(f"bench: {compiler} is missing; run: ./dev setup bench")
        program = self.folder / name
        flags = ["-O2", "-static", "-std=c17", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]
        sources = sorted(map(str, (HERE / "guest").glob("*.c")))
        subprocess.run([compiler, *flags, *sources, "-lm", "-o", program], check=True)
        return program

    def make_initramfs(self):
        program, archive = self.compile(self.guest.compiler, "bench"), self.folder / "initramfs.cpio"
        if not (self.guests / self.guest.files / "busybox").exists():
            raise SystemExit(f"bench: {self.guests / self.guest.files} has no guest; run: ./dev bench, or ./dev guests --pc")
        subprocess.run(guests.initramfs_command(self.guest, self.guests, program, archive), check=True)
        return archive

    def linux(self, emulator, append, processors=1):
        kernel = self.guest.kernel(self.guests)
        initrd = ["-initrd", self.initramfs, "-append", f"console=ttyS0 {append}"]
        return Run(emulator.command(*kernel, *initrd, processors=processors))

    def guest_items(self, emulator, words, processors=1):
        """Boots once; returns {name: {"wall": value, "cpu": value}}, the boot to /init in ms among them."""
        results, begun = {}, {}
        with self.linux(emulator, f"guest=bench items={words}", processors) as run:
            for line, wall, cpu in run.lines():
                if line.startswith("BACKPLANE-GUEST-OK"):
                    results["boot"] = {"wall": wall * 1e3, "cpu": cpu * 1e3}
                elif begin := re.match(r"bench-begin (\S+) (\d+)$", line):
                    begun[begin[1]] = (int(begin[2]), wall, cpu)
                elif item := re.match(r"bench (\S+) ([\d.]+)$", line):
                    count, wall_before, cpu_before = begun[item[1]]
                    figure = {"wall": float(item[2])}
                    # Read late on a busy machine, the lines do not enclose the item's CPU time.
                    if 0.9 < (wall - wall_before) * 1e9 / (figure["wall"] * count) < 1.1:
                        figure["cpu"] = (cpu - cpu_before) * 1e9 / count
                    results[item[1]] = figure
                elif line.startswith("BACKPLANE-BENCH-DONE"):
                    return results
        raise SystemExit(f"bench: {emulator.program} ended before the bench guest was done")

    def native_items(self, words):
        """The same items as this machine's own code: {name: {"wall": value}}."""
        with Run([str(self.native), *filter(None, words.split(","))]) as run:
            items = (re.match(r"bench (\S+) ([\d.]+)$", line) for line, _, _ in run.lines())
            return {item[1]: {"wall": float(item[2])} for item in items if item}

    def first_instruction(self, emulator):
        """Start to the first byte that a payload of three instructions says (ms), and what is then resident
        beyond the guest's own memory (MiB)."""
        image = self.folder / "spin.bin"
        image.write_bytes(payload.image([*payload.say("."), payload.SPIN]))
        with Run(emulator.command("-bios", image)) as run:
            said = select.select([run.process.stdout], [], [], 30)[0] and os.read(run.process.stdout.fileno(), 1)
            if said != b".":
                raise SystemExit(f"bench: {emulator.program} did not run the payload")
            milliseconds = (time.monotonic() - run.began) * 1e3
            return milliseconds, resident_beyond_guest(run.process.pid)

    def device_help(self, emulator):
        began = time.monotonic()
        subprocess.run([emulator.program, "-device", "help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return (time.monotonic() - began) * 1e3


def resident_beyond_guest(pid, memory=guests.MEMORY_MIB):
    """Resident MiB of all mappings but the one that has exactly the guest memory's size."""
    total, size = 0, 0
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if line.startswith("Size:"):
            size = int(line.split()[1])
        elif line.startswith("Rss:") and size != memory * 1024:
            total += int(line.split()[1])
    return total / 1024


def machines_to_save(folder, options):
    start = lambda each, arguments, memory: Run(each.command(*arguments, memory=memory))  # noqa: E731
    return saving.Saving(folder, options.guests, start)


def machines_under_kvm(folder, emulators, options):
    """What to measure them with, and the program of each; nothing where that cannot be, with the reason said."""
    reason = kvm.refusal()
    programs = {}
    for each in emulators if not reason else []:
        programs[each.key] = guests.GUESTS["x86"].peer(options) if each.key == "peer" else each.program
        if not programs[each.key]:
            reason = "no peer for PCs; give one with --peer-x86"
    if reason:
        print(f"bench: skipped what needs KVM: {reason}", file=sys.stderr)
        return None, {}
    return kvm.Kvm(folder, Run, resident_beyond_guest), programs


def measure_kvm(folder, emulators, options):
    machines, programs = machines_under_kvm(folder, emulators, options)
    if not machines:
        return
    rounds = [{key: machines.measure(program) for key, program in programs.items()} for _ in range(options.runs)]
    best = {key: kvm.best([found[key] for found in rounds]) for key in programs}
    print("", *figures.host_table({who: {"host": found} for who, found in best.items()}), sep="\n")


def measure_vnc(emulators, options):
    programs = {e.key: guests.GUESTS["x86"].peer(options) if e.key == "peer" else e.program for e in emulators}
    if not all(programs.values()):
        print("bench: no peer for PCs; give one with --peer-x86", file=sys.stderr)
    vnc.measure({key: program for key, program in programs.items() if program})


def measure_saving(folder, emulators, options):
    machines = machines_to_save(folder, options)
    rounds = [{each.key: machines.measure(each) for each in emulators} for _ in range(options.runs)]
    best = {each.key: saving.best([found[each.key] for found in rounds]) for each in emulators}
    for each in emulators:
        print(f"{each.key}: {each.version}")
    print("", *figures.host_table({who: {"host": found} for who, found in best.items()}), sep="\n")


class HostFigures:
    """What is measured of an emulator besides the guest's items."""

    def __init__(self, bench, emulators, options):
        self.bench = bench
        self.scaling = {each.key: [] for each in emulators}
        # The payloads are RISC-V code.
        self.all = bench.guest.name == "riscv"
        self.small = {each.key: {"first": [], "resident": [], "help": []} for each in emulators}
        self.saved = {each.key: [] for each in emulators}
        self.under_kvm = {each.key: [] for each in emulators}
        self.machines = machines_to_save(bench.folder, options) if self.all else None
        self.pcs, self.programs = machines_under_kvm(bench.folder, emulators, options) if self.all else (None, {})

    def measure(self, each):
        parallel = self.bench.guest_items(each, "parallel", processors=2)
        self.scaling[each.key].append(2 * parallel["parallel-1"]["wall"] / parallel["parallel-2"]["wall"])
        if not self.all:
            return
        for _ in range(5):
            milliseconds, mebibytes = self.bench.first_instruction(each)
            self.small[each.key]["first"].append(milliseconds)
            self.small[each.key]["resident"].append(mebibytes)
            self.small[each.key]["help"].append(self.bench.device_help(each))
        self.saved[each.key].append(self.machines.measure(each))
        if self.pcs:
            self.under_kvm[each.key].append(self.pcs.measure(self.programs[each.key]))

    def best(self, each):
        if not self.all:
            return {"two translated PC processors over one": max(self.scaling[each.key])}
        found = self.small[each.key]
        return {
            "start to first instruction, ms": min(found["first"]),
            "resident beyond the guest, MiB": statistics.median(found["resident"]),
            "-device help, ms": min(found["help"]),
            "two harts over one": max(self.scaling[each.key]),
            **saving.best(self.saved[each.key]),
            **(kvm.best(self.under_kvm[each.key]) if self.pcs else {}),
        }


def measure(bench, emulators, options):
    """Every round runs everything once, so that a slow minute of the machine hits all."""
    rounds = {each.key: [] for each in emulators}
    native = []
    host = None if options.only_guest else HostFigures(bench, emulators, options)
    for number in range(options.runs):
        for each in emulators:
            print(f"round {number + 1} of {options.runs}: {each.key}", file=sys.stderr, flush=True)
            if host:
                host.measure(each)
            rounds[each.key].append(bench.guest_items(each, options.items))
        print(f"round {number + 1} of {options.runs}: native", file=sys.stderr, flush=True)
        native.append(bench.native_items(options.items))
    results = {"native": {"version": "the same program, compiled for this machine", "guest": figures.best(native)}}
    for each in emulators:
        results[each.key] = {"version": each.version, "guest": figures.best(rounds[each.key])}
        if host:
            results[each.key]["host"] = host.best(each)
    return results


def find_emulators(options):
    guest = guests.GUESTS[options.guest]
    emulators = []
    if options.only != "peer":
        if not pathlib.Path(options.emulator).exists():
            raise SystemExit(f"bench: {options.emulator} is missing; run: ./dev build")
        emulators.append(Emulator("backplane", options.emulator, guest))
    if options.only != "backplane":
        peer = guest.peer(options)
        if not peer:
            raise SystemExit("bench: no peer; run: ./dev guests --peer")
        emulators.append(Emulator("peer", peer, guest))
    return emulators


def main():
    cache = os.environ.get("BACKPLANE_CACHE") or os.path.expanduser("~/.cache/backplane")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emulator", default="build/bin/backplane")
    parser.add_argument("--peer", help="another emulator to measure beside; with --guest x86: --peer-x86")
    parser.add_argument("--peer-x86", help="the same, for PCs")
    parser.add_argument("--guest", choices=list(guests.GUESTS), default="riscv", help="which machine is translated")
    parser.add_argument("--only", choices=["backplane", "peer"], help="measure one of the two")
    parser.add_argument("--items", default="", help="names or their beginnings, with commas: int,fp,call-fib")
    parser.add_argument("--only-guest", action="store_true", help="leave out start-up, memory and scaling")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="which figures the table shows")
    parser.add_argument("--guests", type=pathlib.Path, default=pathlib.Path(cache) / "guests")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench"))
    parser.add_argument("--only-saving", action="store_true", help="saving machines and running them again alone")
    parser.add_argument("--only-kvm", action="store_true", help="PCs under KVM alone")
    parser.add_argument("--only-vnc", action="store_true", help="a PC's screen for VNC viewers alone")
    parser.add_argument("--build", action="store_true", help="measure the build alone")
    options = parser.parse_args()
    if options.only_saving and options.guest != "riscv":
        parser.error("--only-saving measures RISC-V machines: without --guest")

    if options.build:
        return build.measure(HERE.parent)
    emulators = find_emulators(options)
    with tempfile.TemporaryDirectory(prefix="backplane-bench-") as folder:
        if options.only_saving:
            return measure_saving(pathlib.Path(folder), emulators, options)
        if options.only_vnc:
            return measure_vnc(emulators, options)
        if options.only_kvm:
            return measure_kvm(pathlib.Path(folder), emulators, options)
        results = measure(Bench(options, pathlib.Path(folder)), emulators, options)
    print("", *figures.table(results, options.clock), "", *figures.noise(results), sep="\n")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    if len(emulators) == 2:
        ratio = figures.ratios(results, options.clock)
        mean = figures.geometric_mean(figures.work(ratio).values())
        picture = chart.draw(ratio, mean, results["peer"]["version"])
        (options.out / "chart.svg").write_text(picture)
    print(f"\nThe figures{' and the chart' * (len(emulators) == 2)} are in {options.out}/")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(1)
