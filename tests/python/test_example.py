"""The example in the documentation computes what the oracle computes."""

import os
import unittest

import oracle
from parent import ROOT, Child

EXAMPLE = os.path.join(ROOT, "docs", "child.py")
KERNELS = [
    {"kind": "empty"},
    {"kind": "hash", "block_bytes": 100, "times": 2},
    {"kind": "loop", "iterations": 50},
]


class Example(unittest.TestCase):
    def test_digests(self):
        graph = oracle.stencil(4, 3)
        for kernel in KERNELS:
            with self.subTest(kernel=kernel), Child(EXAMPLE) as child:
                self.assertEqual(child.greet()["kinds"], ["graph"])
                child.prepare(graph, kernel, "example-loop", 1, warmup_run_count=5)
                for nonce in 0, 5:
                    samples, _ = child.slice(nonce, sample_count=2)
                    expected = f"{oracle.digest(graph, kernel, nonce):016x}"
                    self.assertEqual([sample["digest"] for sample in samples], [expected] * 2)
                child.finish()

    def test_chained_slices(self):
        graph, kernel = oracle.fan_out_in(3), {"kind": "empty"}
        with Child(EXAMPLE) as child:
            child.greet()
            child.prepare(graph, kernel, "example-loop", 1)
            samples, _ = child.slice(3, sample_count=2, run_count=1, chained=True)
            first = oracle.digest(graph, kernel, 3)
            second = oracle.digest(graph, kernel, oracle.fold(3, first))
            self.assertEqual([sample["digest"] for sample in samples], [f"{first:016x}", f"{second:016x}"])
            child.finish()

    def test_the_exchange_in_the_text(self):
        with open(os.path.join(ROOT, "docs", "external.md"), encoding="utf-8") as file:
            text = file.read()
        graph = [[], [], [0, 1], [2]]
        loop = {"kind": "loop", "iterations": 10}
        self.assertIn(oracle.checksum(oracle.graph_file(graph)), text)
        works = (graph, {"kind": "empty"}), (graph, loop), (oracle.trivial(8), {"kind": "empty"})
        for predecessors, kernel in works:
            self.assertIn(f"`{oracle.digest(predecessors, kernel, 0):016x}`", text)

    def test_a_damaged_graph_is_refused(self):
        with Child(EXAMPLE) as child:
            child.greet()
            reply = child.prepare(oracle.trivial(2), {"kind": "empty"}, "example-loop", graph={"path": EXAMPLE, "crc32": ""})
            self.assertIn("damaged", reply["error"]["message"])
            self.assertEqual(child.process.wait(), 1)


if __name__ == "__main__":
    unittest.main()
