"""Every backend computes what the oracle computes."""

import unittest

import oracle
from parent import Child

GRAPHS = {
    "trivial": oracle.trivial(13),
    "chain": oracle.chain(7),
    "stencil": oracle.stencil(5, 4),
    "fan-out-in": oracle.fan_out_in(6),
    "one task": oracle.trivial(1),
    "no task": [],
}
KERNELS = [
    {"kind": "empty"},
    {"kind": "sleep", "duration_ms": 0.5},
    {"kind": "hash", "block_bytes": 64, "times": 3},
    {"kind": "loop", "iterations": 100},
    {"kind": "counter", "variant": "racy", "increments": 10},
    {"kind": "counter", "variant": "mutex", "increments": 10},
]
NONCES = [0, 1, 0xFEDCBA9876543210]


def every_backend():
    with Child() as child:
        return child.greet()["backends"]


def set_ups():
    """Every backend with its default options, and with each other value of one option."""
    for backend in every_backend():
        yield backend["name"], {}
        for option in backend["options"]:
            for value in option["values"][1:]:
                yield backend["name"], {option["name"]: value}


class EveryBackend(unittest.TestCase):
    def check(self, backend, predecessors, kernel, workers=2, options=None):
        with self.subTest(backend=backend, options=options, kernel=kernel), Child() as child:
            child.greet()
            prepared = child.prepare(predecessors, kernel, backend, workers, options)
            self.assertIn("prepared", prepared)
            self.assertGreater(prepared["prepared"]["run_count"], 0)
            for nonce in NONCES:
                expected = f"{oracle.digest(predecessors, kernel, nonce):016x}"
                samples, findings = child.slice(nonce, sample_count=2, run_count=3)
                self.assertEqual([sample["digest"] for sample in samples], [expected] * 2)
                self.assertEqual([sample["run_count"] for sample in samples], [3] * 2)
                is_racy = kernel.get("variant") == "racy"
                self.assertEqual(list(findings), ["lost_updates_count"] if is_racy else [])
            child.finish()

    def test_every_graph(self):
        for backend in every_backend():
            for name, predecessors in GRAPHS.items():
                with self.subTest(graph=name):
                    self.check(backend["name"], predecessors, {"kind": "empty"}, workers=3)

    def test_every_kernel(self):
        for backend in every_backend():
            for kernel in KERNELS:
                self.check(backend["name"], oracle.stencil(3, 2), kernel)

    def test_every_option(self):
        kernel = {"kind": "counter", "variant": "mutex", "increments": 5}
        for backend, options in set_ups():
            self.check(backend, oracle.stencil(5, 3), kernel, 2, options)

    def test_chained_slices(self):
        graph, kernel = oracle.stencil(3, 3), {"kind": "empty"}
        nonce, digests = 7, []
        for _ in range(6):
            digests.append(f"{oracle.digest(graph, kernel, nonce):016x}")
            nonce = oracle.fold(nonce, int(digests[-1], 16))
        for backend in every_backend():
            with self.subTest(backend=backend["name"]), Child() as child:
                child.greet()
                child.prepare(graph, kernel, backend["name"])
                samples, _ = child.slice(7, sample_count=2, run_count=3, chained=True)
                self.assertEqual([sample["digest"] for sample in samples], [digests[2], digests[5]])
                child.finish()


if __name__ == "__main__":
    unittest.main()
