"""How long a build takes from an empty compiler cache: the product, and everything after it."""

import os
import pathlib
import subprocess
import tempfile
import time

# What the project holds itself to on two cores, in seconds.
LIMITS = {"product": 150, "everything": 300}


def timed(command, environment):
    began = time.monotonic()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def measure(tree):
    """Prints both times; 1 when one is over its limit on at least two cores."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="backplane-build-") as name:
        folder = pathlib.Path(name)
        environment = {**os.environ, "CCACHE_DIR": str(folder / "ccache")}
        launchers = [f"-DCMAKE_{language}_COMPILER_LAUNCHER=ccache" for language in ("C", "CXX")]
        configure = timed(["cmake", "-S", tree, "-B", folder / "build", "-G", "Ninja", *launchers], environment)
        ninja = ["ninja", "-C", folder / "build", f"-j{cores}"]
        product = timed([*ninja, "product"], environment)
        rest = timed(ninja, environment)
    found = {"product": product, "everything": product + rest}
    print(f"from an empty compiler cache on {cores} cores; configured in {configure:.0f} s")
    for what, seconds in found.items():
        print(f"{what:12}{seconds:6.0f} s   <= {LIMITS[what]}")
    if load > 0.5:
        print(f"The machine was busy when this began (load {load:.1f}): measure alone.")
    return int(cores >= 2 and any(seconds > LIMITS[what] for what, seconds in found.items()))
