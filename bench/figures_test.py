import math
import unittest

import figures


def item(wall, cpu=math.nan):
    return {"wall": wall, "cpu": cpu}


class Figures(unittest.TestCase):
    def test_the_best_round_counts_and_the_worst_is_the_noise(self):
        found = figures.best([{"add": item(4.0, 3.0)}, {"add": {"wall": 2.0}}, {"add": item(3.0, 2.5)}])
        self.assertEqual(found, {"add": {"wall": 2.0, "cpu": 2.5, "spread": 1.0}})

    def results(self):
        ours, peer, native = ({"add": item(wall), "boot": item(wall * 10)} for wall in (4.0, 8.0, 2.0))
        del native["boot"]
        rounds = {"native": native, "backplane": ours, "peer": peer}
        return {who: {"version": f"{who} 1.0", "guest": figures.best([each])} for who, each in rounds.items()}

    def test_a_ratio_is_above_one_when_backplane_is_ahead(self):
        self.assertEqual(figures.ratios(self.results(), "wall"), {"add": 2.0, "boot": 2.0})
        self.assertEqual(figures.ratios(self.results(), "cpu"), {}, "what no round measured has no ratio")

    def test_the_table_shows_each_item_beside_native_code(self):
        lines = list(figures.table(self.results(), "wall"))
        row = next(line for line in lines if line.startswith("add"))
        self.assertEqual(row.split(), ["add", "2.0", "0%", "4.0", "0%", "2.0", "8.0", "0%", "4.0", "2.00"])
        self.assertIn("backplane takes 2.0 times as long as native code (geometric mean)", lines)

    def test_floating_point_and_vectors_have_a_mean_of_their_own(self):
        results = {
            who: {"version": "1", "guest": figures.best([{"add": item(add), "fp-a": item(a), "simd-b": item(b)}])}
            for who, add, a, b in (("backplane", 1.0, 1.0, 1.0), ("peer", 2.0, 4.0, 9.0))
        }
        self.assertIn("of floating point and vectors alone: 6.00", list(figures.table(results, "wall")))

    def test_the_hosts_table_shows_what_was_measured_beside_its_limit(self):
        results = {"backplane": {"host": {"restore to running, ms": 15.0, "save with zstd, MiB/s": 800.0}},
                   "peer": {"host": {"restore to running, ms": 100.0}}}
        _, restore, save = figures.host_table(results)
        self.assertEqual(restore.split()[-5:], ["ms", "15.00", "100.00", "<=", "20"])
        self.assertEqual(save.split()[-8:], ["MiB/s", "800.00", "nan", ">=", "2", "x", "the", "peer"])

    def test_rounds_that_differ_are_named(self):
        results = {"peer": {"version": "1", "guest": figures.best([{"add": item(2.0)}, {"add": item(3.0)}])}}
        self.assertIn("more than 25% in add", "\n".join(figures.noise(results)))


if __name__ == "__main__":
    unittest.main()
