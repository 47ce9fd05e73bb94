"""Says how many tests there are, how many ran, and which were skipped and why, from what ctest wrote
(--output-junit). A test program's own skipped cases are named as well: to ctest, such a program passed.

usage: test_summary.py RESULTS.xml NUMBER-OF-ALL-TESTS
"""

import re
import sys
import xml.etree.ElementTree

GOOGLETEST_SKIP = re.compile(
    r"^\[ RUN      \] (?P<case>\S+)\n(?:(?!\[ RUN).*\n)*?.*: Skipped\n(?P<why>.*)\n(?:(?!\[ RUN).*\n)*?"
    r"\[  SKIPPED \] (?P=case)", re.MULTILINE)  # fmt: skip


def last_line(text):
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it gave no reason")


def summary(document, number_of_all):
    """The lines to print."""
    tests = document.findall("testcase")
    skipped, cases, failed = [], [], 0
    for test in tests:
        said = test.findtext("system-out") or ""
        if test.get("status") == "fail":
            failed += 1
        elif test.get("status") != "run":
            skipped.append(f"  skipped {test.get('name')}: {last_line(said)}")
        cases += [f"  skipped {test.get('name')}, {found['case']}: {found['why']}"
                  for found in GOOGLETEST_SKIP.finditer(said)]  # fmt: skip
    yield f"{len(tests)} of {number_of_all} tests were asked for"
    yield from skipped
    if cases:
        yield f"skipped within tests that ran: {len(cases)}"
        yield from cases
    yield f"tests: {len(tests) - failed - len(skipped)} passed, {failed} failed, {len(skipped)} skipped"


if __name__ == "__main__":
    print(*summary(xml.etree.ElementTree.parse(sys.argv[1]).getroot(), sys.argv[2]), sep="\n")
