import unittest
import xml.etree.ElementTree

import test_summary

RESULTS = """<testsuite>
  <testcase name="passing" status="run"><system-out>fine</system-out></testcase>
  <testcase name="failing" status="fail"><failure message=""/><system-out>oh</system-out></testcase>
  <testcase name="guest" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>
    <system-out>+ a command
dtc is missing; run: ./dev setup test
</system-out></testcase>
  <testcase name="silent" status="disabled"><system-out></system-out></testcase>
  <testcase name="partly" status="run"><system-out>[==========] Running 3 tests from 1 test suite.
[ RUN      ] Tree.Reads
[       OK ] Tree.Reads (0 ms)
[ RUN      ] Tree.IsWhatTheCompilerMakes
/somewhere/tree_test.cpp:133: Skipped
dtc is not installed

[  SKIPPED ] Tree.IsWhatTheCompilerMakes (3 ms)
[ RUN      ] Tree.Writes
[       OK ] Tree.Writes (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Tree.IsWhatTheCompilerMakes
</system-out></testcase>
</testsuite>"""


class Summary(unittest.TestCase):
    def test_names_what_was_skipped_and_why(self):
        lines = list(test_summary.summary(xml.etree.ElementTree.fromstring(RESULTS), "93"))
        self.assertEqual(lines, [
            "5 of 93 tests were asked for",
            "  skipped guest: dtc is missing; run: ./dev setup test",
            "  skipped silent: it gave no reason",
            "skipped within tests that ran: 1",
            "  skipped partly, Tree.IsWhatTheCompilerMakes: dtc is not installed",
            "tests: 2 passed, 1 failed, 2 skipped",
        ])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
