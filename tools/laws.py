"""The laws that a program can check. Each check yields complaints as "path:line: what is wrong".

A check takes the tree's root and paths relative to it; it reads the files and nothing else, so that
laws_test.py can run it on a small tree of its own.
"""

import pathlib
import re

SOURCE_SUFFIXES = {".h", ".hpp", ".cpp", ".c", ".inc"}
LONG_FILE = 600

# The core knows no hardware: no bus, chip, instruction set, firmware, image format or accelerator by name.
HARDWARE_WORDS = frozenset(
    """pci pcie ecam virtio usb ide ahci sata scsi nvme i2c spi
    x86 i386 amd64 riscv riscv32 riscv64 rv32 rv64 armv7 armv8 aarch64 hart harts csr
    plic clint aclint aplic imsic apic ioapic lapic hpet pit uart ns16550 ns16550a serial8250
    goldfish pflash fw-cfg mc146818 i8042 ps2 vga cirrus e1000 rtl8139 i440fx q35 piix
    acpi smbios opensbi sbi seabios ovmf uefi uboot dtb fdt
    qcow qcow2 vmdk vhdx vdi iso9660 slirp kvm tcg""".split()
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
ALLOWED = pathlib.Path("tools/hardware_words_allowed.txt")


def sources(paths):
    return [path for path in paths if path.suffix in SOURCE_SUFFIXES]


def lines(root, path):
    return (root / path).read_text(errors="replace").splitlines()


def includes(root, path):
    """Yields (line number, quote, name) of each include."""
    for number, line in enumerate(lines(root, path), 1):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


def own_folder(path):
    """plugins/<kind>/<name>, or what there is of it."""
    return pathlib.Path(*path.parts[: min(3, len(path.parts) - 1)])


def plugin_includes(root, paths):
    """One tier: a plugin sees <backplane/...>, its own folder, the static libraries as <lib/...>, and headers from outside the project."""
    for path in sources(paths):
        if path.parts[0] != "plugins":
            continue
        for number, quote, name in includes(root, path):
            place = f"{path}:{number}"
            first = pathlib.PurePosixPath(name).parts[0]
            if first in ("kernel", "plugins", "sdk", "tests"):
                yield f"{place}: a plugin includes {name}; it may see <backplane/...>, <lib/...> and its own folder"
            elif quote == '"' and not found_in_own_folder(root, path, name):
                yield f'{place}: "{name}" is not in {own_folder(path)}; SDK headers are spelled <backplane/...>'


def found_in_own_folder(root, path, name):
    own = (root / own_folder(path)).resolve()
    for base in (root / path.parent, own):
        target = (base / name).resolve()
        if target.exists() and target.is_relative_to(own):
            return True
    return False


def kernel_includes(root, paths):
    """The core includes no plugin."""
    for path in sources(paths):
        if path.parts[0] != "kernel":
            continue
        for number, _, name in includes(root, path):
            if "plugins" in pathlib.PurePosixPath(name).parts:
                yield f"{path}:{number}: the core includes {name}; it finds plugins by name only"


# What launches a machine and what manages one know nothing of each other; the program alone knows both.
APART = {"launch": ("management", "program"), "management": ("launch", "program"), "vocabulary": ("launch", "management", "program")}


def kernel_folders(root, paths):
    """Folders of the core that stay apart: what two of them need has a folder of its own."""
    for path in sources(paths):
        if path.parts[0] != "kernel" or len(path.parts) < 3:
            continue
        for number, _, name in includes(root, path):
            other = pathlib.PurePosixPath(name).parts
            if other[0] == "kernel" and other[1] in APART.get(path.parts[1], ()):
                yield f"{path}:{number}: kernel/{path.parts[1]} includes {name}; what both need belongs into kernel/vocabulary"


def sdk_includes(root, paths):
    """The SDK stands alone: it includes itself and the standard library."""
    for path in sources(paths):
        if path.parts[:2] != ("sdk", "include"):
            continue
        for number, quote, name in includes(root, path):
            beside = quote == '"' and (root / path.parent / name).exists()
            if pathlib.PurePosixPath(name).parts[0] in ("kernel", "plugins") or (quote == '"' and not beside):
                yield f"{path}:{number}: an SDK header includes {name}; it may see <backplane/...> only"


def draft_marks(root, paths):
    """Every draft header marks what includes it; devices and boards include none."""
    mark = "backplane/draft/mark.h"
    for path in sources(paths):
        draft = path.parts[:4] == ("sdk", "include", "backplane", "draft") and path.suffix == ".h" and path.name != "mark.h"
        if draft and mark not in [name for _, _, name in includes(root, path)]:
            yield f"{path}:1: a draft header does not include <{mark}>, so plugins that use it pass for stable"
        if path.parts[:2] in (("plugins", "devices"), ("plugins", "boards")):
            for number, _, name in includes(root, path):
                if name.startswith("backplane/draft/"):
                    yield f"{path}:{number}: a device or board includes {name}; what it needs has to be settled first"


STABLE = ("sdk", "include", "backplane")
NO_CONTRACT = {"draft", "detail", "testing"}


def contract_headers(paths):
    """The SDK's headers whose structures and enumerations cross between plugins and hosts of different age."""
    for path in sources(paths):
        if path.parts[:3] == STABLE and path.parts[3] not in NO_CONTRACT:
            yield path


def comment_before(text, number):
    """The comment lines in front of a line (counted from 0), as one text; a template's head may stand between."""
    found = []
    while number > 0 and re.match(r"\s*(///|template <)", text[number - 1]):
        number -= 1
        found.insert(0, text[number].strip().lstrip("/ "))
    return " ".join(found)


ENUMERATION = re.compile(r"^\s*enum (?:class )?(\w+)")
STRUCTURE = re.compile(r"^struct (\w+) \{")
GROWTH = re.compile(r"\b(Sized|From the host|Fixed|Local)\b")


def growth_of_contracts(root, paths):
    """What crosses the boundary says how it grows: structures, and what is made of an unknown value (<backplane/abi.h>)."""
    for path in contract_headers(paths):
        text = lines(root, path)
        for number, line in enumerate(text):
            if (match := ENUMERATION.match(line)) and "Default:" not in comment_before(text, number):
                yield f'{path}:{number + 1}: {match[1]} does not say "Default: …": what is made of a value that is not known'
            if not (match := STRUCTURE.match(line)):
                continue
            comment = comment_before(text, number)
            if "template <" in comment and not GROWTH.search(comment):
                continue
            if not GROWTH.search(comment):
                yield f"{path}:{number + 1}: {match[1]} does not say how it grows: Sized, From the host, Fixed or Local"


def words(text):
    """The words of a line: identifiers are taken apart at underscores and where a capital begins.

    >>> words("PciBus virtio_blk RISCV64 DmaPort")
    ['pci', 'bus', 'virtio', 'blk', 'riscv64', 'dma', 'port']
    """
    return [word.lower() for word in re.findall(r"[A-Z]+[0-9]*(?![a-z])|[A-Z]?[a-z]+[0-9]*[a-z]?(?![a-z])", text)]


def hardware_words(root, paths):
    """No hardware is named in the core, comments included, but for what the allow-list explains."""
    allowed = read_allowed(root)
    for path in sources(paths):
        if path.parts[0] != "kernel":
            continue
        for number, line in enumerate(lines(root, path), 1):
            # Words, and pairs of them as in fw_cfg.
            single = words(line)
            pairs = ["-".join(pair) for pair in zip(single, single[1:])]
            for word in sorted({*single, *pairs} & HARDWARE_WORDS):
                if (str(path), word) not in allowed:
                    yield f"{path}:{number}: the core names hardware: {word!r}"


def read_allowed(root):
    """Lines of "path word why" in the allow-list; a line without a reason does not count."""
    file = root / ALLOWED
    if not file.exists():
        return set()
    rows = [line.split(None, 2) for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return {(row[0], row[1]) for row in rows if len(row) == 3}


OTHER_SOURCES = re.compile(
    r"\b(getrandom|getentropy|arc4random|random_device|system_clock|CLOCK_REALTIME|gettimeofday|mt19937(_64)?"
    r"|s?rand(om)?(?=\(\))|time(?=\((nullptr|NULL|0|&\w+)\)))\b|/dev/u?random"
)
# The gates themselves; a name of a device that users may give; a deadline of the host's own.
GATES = {
    "kernel/event/host_time.cpp",
    "kernel/machine/entropy_source.h",
    "kernel/machine/entropy_source.cpp",
    "plugins/backends/rng/rng.cpp",
    "kernel/barrier/crash_report.cpp",
}


def one_gate(root, paths):
    """Entropy and dates enter through one gate: <backplane/entropy.h>, and the clocks and EventLoop::host_date_ns()."""
    for path in sources(paths):
        if path.parts[0] not in ("kernel", "plugins", "lib", "sdk") or str(path) in GATES:
            continue
        for number, line in enumerate(lines(root, path), 1):
            if match := OTHER_SOURCES.search(line.split("//")[0]):
                yield f"{path}:{number}: {match[0]}: entropy comes from Entropy, the date from EventLoop::host_date_ns() or a clock"


SLEEPS = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")


def sleeping_tests(root, paths):
    """No test sleeps: time comes from a clock that the test advances."""
    for path in sources(paths):
        # What runs inside a guest has only the guest's clock.
        if path.parts[0] != "tests" or path.parts[:2] == ("tests", "guests"):
            continue
        for number, line in enumerate(lines(root, path), 1):
            if SLEEPS.search(line.split("//")[0]):
                yield f"{path}:{number}: a test sleeps; advance the clock that it hands out"


def marks_of_unfinished_work(root, paths):
    """A warning: what is unfinished is a test that is expected to fail, not a remark."""
    for path in sources(paths):
        for number, line in enumerate(lines(root, path), 1):
            if mark := re.search(r"\b(TODO|FIXME|HACK|XXX)\b", line):
                yield f"{path}:{number}: {mark[1]}"


def unlisted_outside(root, paths):
    """A warning: what a device shows to boards stands in its type's rows, where users see it."""
    for path in sources(paths):
        if path.parts[:2] != ("plugins", "devices"):
            continue
        folder = "".join((root / other).read_text(errors="replace") for other in sources(paths) if own_folder(other) == own_folder(path))
        for call, row in (("export_region(", ".regions ="), ("add_outputs(", ".wires ="), ("add_inputs(", ".wires =")):
            for number, line in enumerate(lines(root, path), 1):
                if call in line and row not in folder:
                    yield f"{path}:{number}: {call.rstrip('(')}, and no type lists any ({row.rstrip(' =')})"


def long_files(root, paths):
    """A warning, not a law: a long file is where to look for the second thing that it does."""
    for path in sources(paths):
        count = len(lines(root, path))
        if count > LONG_FILE:
            yield f"{path}:{count}: {count} lines; find the second thing that it does"


LAWS = [plugin_includes, kernel_includes, kernel_folders, sdk_includes, draft_marks, growth_of_contracts, hardware_words, one_gate,
        sleeping_tests]
WARNINGS = [long_files, unlisted_outside, marks_of_unfinished_work]
