"""What a bench run found: the best of the rounds, how far they lie apart, ratios, and the table of them all.

`results` is {who: {"version": text, "guest": {item: {"wall": best, "cpu": best, "spread": share}}, "host": {...}}}
with who among backplane, peer and native.
"""

import math
import statistics

CLOCKS = ("wall", "cpu")
COMPUTING = ("fp-", "simd-")  # items of floating point and vectors
NOISY = 0.25  # Rounds that lie further apart than this are named.

# What the project holds itself to: (figure, limit, whether more is better).
LIMITS = {
    "start to first instruction, ms": (20, False),
    "resident beyond the guest, MiB": (20, False),
    "-device help, ms": (20, False),
    "two harts over one": (1.7, True),
    "two translated PC processors over one": (1.8, True),
    "restore to running, ms": (20, False),
    "save with zstd, MiB/s": (None, True),
    "KVM: start to first instruction, ms": (15, False),
    "KVM: resident beyond the guest, MiB": (25, False),
    "KVM: port write exit, ns": (None, False),
    "KVM: memory read exit, ns": (None, False),
    "KVM: SeaBIOS to a boot sector, ms": (None, False),
}
# Those that are held against the peer's figure: how many times as good.
TIMES_PEER = {
    "save with zstd, MiB/s": 2,
    "KVM: port write exit, ns": 1,
    "KVM: memory read exit, ns": 1,
    "KVM: SeaBIOS to a boot sector, ms": 1,
}


def best(rounds):
    """The minimum of each figure over the rounds (NaN where no round has it), and how much more, as a share of it,
    the worst round took by the wall's clock."""
    found = {}
    for name in {name: None for each in rounds for name in each}:
        figures = {clock: [each[name][clock] for each in rounds if clock in each.get(name, {})] for clock in CLOCKS}
        found[name] = {clock: min(values, default=math.nan) for clock, values in figures.items()}
        found[name]["spread"] = max(figures["wall"]) / min(figures["wall"]) - 1 if figures["wall"] else math.nan
    return found


def ratios(results, clock, of="peer", over="backplane"):
    """{item: the time of one over the other's}, without what either lacks."""
    upper, lower = results[of]["guest"], results[over]["guest"]
    found = {name: upper[name][clock] / lower[name][clock] for name in upper if name in lower}
    return {name: value for name, value in found.items() if value > 0}  # A NaN is not.


def work(found):
    """Ratios of guest work: all but the boot."""
    return {name: value for name, value in found.items() if name != "boot"}


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def columns(results, clock):
    """(title, {item: text}) of each column: figures, their spread, the times of native, the peer over ours."""
    native = "native" in results
    for who, found in results.items():
        shown = "wall" if who == "native" else clock
        yield who, {name: f"{figure[shown]:.1f}" for name, figure in found["guest"].items()}
        yield "spread", {name: f"{figure['spread']:.0%}" for name, figure in found["guest"].items()}
        if native and who != "native":
            times = ratios(results, "wall", of=who, over="native")
            yield "x native", {name: f"{value:.1f}" for name, value in times.items()}
    if {"backplane", "peer"} <= set(results):
        yield "ratio", {name: f"{value:.2f}" for name, value in ratios(results, clock).items()}


def table(results, clock):
    """The lines to print."""
    for who, found in results.items():
        yield f"{who}: {found['version']}"
    items = {name: None for found in results.values() for name in found["guest"]}
    shown = list(columns(results, clock))
    yield ""
    yield f"{'guest, ns per iteration (' + clock + ')':34}" + "".join(f"{title:>11}" for title, _ in shown)
    for name in items:
        unit = f"{name}, ms" if name == "boot" else name
        yield f"{unit:34}" + "".join(f"{column.get(name, ''):>11}" for _, column in shown)
    yield ""
    yield from summary(results, clock)
    if "host" in results.get("backplane", results.get("peer", {})):
        yield ""
        yield from host_table({who: found for who, found in results.items() if "host" in found})


def summary(results, clock):
    """Means over the items of guest work."""
    for who in results:
        if who != "native" and "native" in results:
            mean = geometric_mean(work(ratios(results, "wall", of=who, over="native")).values())
            yield f"{who} takes {mean:.1f} times as long as native code (geometric mean)"
    if {"backplane", "peer"} <= set(results):
        ratio = work(ratios(results, clock))
        yield f"the peer takes {geometric_mean(ratio.values()):.2f} times as long as backplane (geometric mean)"
        vectors = [value for name, value in ratio.items() if name.startswith(COMPUTING)]
        if vectors:
            yield f"of floating point and vectors alone: {geometric_mean(vectors):.2f}"
        if ratio:
            worst = min(ratio, key=ratio.get)
            yield f"the worst item is {worst}: {ratio[worst]:.2f}"


def host_table(results):
    yield f"{'host':36}" + "".join(f"{who:>14}" for who in results) + "   limit"
    for name, (limit, more) in LIMITS.items():
        if not any(name in found["host"] for found in results.values()):
            continue
        figures = "".join(f"{found['host'].get(name, math.nan):14.2f}" for found in results.values())
        shown = f"{TIMES_PEER[name]} x the peer" if limit is None else limit
        yield f"{name:36}{figures}   {'>=' if more else '<='} {shown}"


def noise(results):
    """How far the rounds lie apart, and whether the machine had anything else to do."""
    for who, found in results.items():
        spreads = {name: figure["spread"] for name, figure in found["guest"].items()}
        noisy = [name for name, spread in spreads.items() if spread > NOISY]
        middle = statistics.median(spreads.values()) if spreads else math.nan
        said = f"; more than {NOISY:.0%} in {', '.join(noisy)}" if noisy else ""
        yield f"noise: {who}'s worst rounds took {middle:.0%} longer than its best (median of the items){said}"
    items = [item for found in results.values() for item in found["guest"].values()]
    share = statistics.median([item["cpu"] / item["wall"] for item in items if item["cpu"] > 0] or [0])
    if not share >= 0.9:
        yield f"The machine was busy: guests got {share:.0%} of a core. Trust --clock cpu, or measure alone."
