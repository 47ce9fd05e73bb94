#!/usr/bin/env python3
"""Checks format and laws: clang-format, what may include what, what words the core holds, SDK headers
that compile alone with both compilers, and on request clang-tidy. Ends with status 1 on any complaint."""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import laws  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORMATTED = {".h", ".hpp", ".cpp", ".c"}
COMPILERS = ("g++", "clang++")
STRICT = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def tracked_files():
    """Files that git knows or would add, as paths relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        sys.exit(f"lint: the files are listed by git, which says: {listed.stderr.strip()}")
    paths = sorted({pathlib.Path(line) for line in listed.stdout.splitlines()})
    return [path for path in paths if (ROOT / path).is_file()]


def selected(paths, wanted):
    if not wanted:
        return paths
    prefixes = [pathlib.Path(os.path.relpath(each, ROOT)) for each in wanted]
    return [path for path in paths if any(path == each or path.is_relative_to(each) for each in prefixes)]


def need(tool):
    if not shutil.which(tool):
        sys.exit(f"lint: {tool} is missing; run: ./dev setup lint")


def check_format(paths, fix):
    need("clang-format")
    files = [str(path) for path in paths if path.suffix in FORMATTED]
    if not files:
        return []
    mode = ["-i"] if fix else ["--dry-run", "-Werror", "--ferror-limit=1"]
    found = subprocess.run(["clang-format", "--style=file", *mode, *files], cwd=ROOT, capture_output=True, text=True)
    broken = sorted({line.split(":")[0] for line in found.stderr.splitlines() if ": error:" in line})
    if found.returncode != 0 and not broken:
        return [found.stderr.strip()]
    return [f"{path}: not formatted; run: ./dev lint --fix {path}" for path in broken]


def compile_alone(compiler, header):
    name = header.relative_to("sdk/include")
    found = subprocess.run(
        [compiler, *STRICT, "-I", "sdk/include", "-x", "c++", "-"],
        cwd=ROOT, input=f"#include <{name}>\n", capture_output=True, text=True,
    )  # fmt: skip
    if found.returncode == 0:
        return []
    errors = [line for line in found.stderr.splitlines() if "error" in line]
    return [f"{header}: does not compile alone with {compiler}: {(errors or [found.stderr])[0]}"]


def check_headers(paths):
    """Every SDK header alone, with each compiler; nothing is done when no header changed since all passed."""
    headers = [path for path in paths if path.parts[:2] == ("sdk", "include") and path.suffix in (".h", ".hpp")]
    for compiler in COMPILERS:
        need(compiler)
    digest = hashlib.sha256(b"".join(str(path).encode() + (ROOT / path).read_bytes() for path in headers)).hexdigest()
    stamp = ROOT / "build" / "lint-headers"
    if stamp.exists() and stamp.read_text() == digest:
        return []
    jobs = [(compiler, header) for header in headers for compiler in COMPILERS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [each for found in pool.map(lambda job: compile_alone(*job), jobs) for each in found]
    if not complaints:
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)
    return complaints


def check_tidy(paths):
    need("clang-tidy")
    database = ROOT / "build/compile_commands.json"
    if not database.exists():
        return [f"{database} is missing, and clang-tidy reads it; run: ./dev build"]
    files = [str(path) for path in paths if path.suffix == ".cpp" and path.parts[0] in ("kernel", "plugins")]

    def tidy(file):
        found = subprocess.run(["clang-tidy", "--quiet", "-p", "build", file], cwd=ROOT, capture_output=True, text=True)
        return [line for line in found.stdout.splitlines() if ": warning:" in line or ": error:" in line]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sorted({line for found in pool.map(tidy, files) for line in found})


def check_laws_themselves():
    test = subprocess.run(
        [sys.executable, "-B", "-m", "unittest", "discover", "-q", "-p", "*_test.py"], cwd=ROOT / "tools", capture_output=True, text=True
    )
    return [] if test.returncode == 0 else [f"a test in tools/ fails:\n{test.stderr}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="only these files and folders (default: all)")
    parser.add_argument("--fix", action="store_true", help="format in place")
    parser.add_argument("--tidy", action="store_true", help="also clang-tidy, on what is built")
    options = parser.parse_args()
    everything = tracked_files()
    paths = selected(everything, options.paths)
    checks = {"format": check_format(paths, options.fix)}
    for law in laws.LAWS:
        checks[law.__doc__.splitlines()[0]] = list(law(ROOT, paths))
    checks["SDK headers compile alone"] = check_headers(everything)
    checks["the checks themselves"] = check_laws_themselves()
    if options.tidy:
        checks["clang-tidy"] = check_tidy(paths)
    for name, complaints in checks.items():
        print(f"{'ok  ' if not complaints else 'BAD '} {name}")
        for complaint in complaints:
            print(f"     {complaint}")
    for warning in (each for check in laws.WARNINGS for each in check(ROOT, paths)):
        print(f"warning: {warning}")
    return 1 if any(checks.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
