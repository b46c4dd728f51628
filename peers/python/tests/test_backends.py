"""Every backend, with every value of every option, computes what the oracle computes."""

import unittest

import oracle
from parent import Child

GRAPHS = {
    "trivial": oracle.trivial(13),
    "chain": oracle.chain(7),
    "stencil": oracle.stencil(5, 4),
    "fan-out-in": oracle.fan_out_in(6),
    "one task": oracle.trivial(1),
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


def greeting():
    with Child() as child:
        return child.greet()


def set_ups():
    """Every backend with its default options, and with each other value of one option."""
    for backend in greeting()["backends"]:
        yield backend, {}
        for option in backend["options"]:
            for value in option["values"][1:]:
                yield backend, {option["name"]: value}


class EveryBackend(unittest.TestCase):
    def check(self, backend, options, predecessors, kernel, workers=2):
        with Child() as child:
            child.greet()
            prepared = child.prepare(predecessors, kernel, backend["name"], workers, options)
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
        for backend, options in set_ups():
            for name, predecessors in GRAPHS.items():
                with self.subTest(backend=backend["name"], options=options, graph=name):
                    self.check(backend, options, predecessors, {"kind": "empty"})

    def test_every_kernel(self):
        for backend, options in set_ups():
            for kernel in KERNELS:
                with self.subTest(backend=backend["name"], options=options, kernel=kernel):
                    self.check(backend, options, oracle.stencil(3, 2), kernel)

    def test_every_number_of_workers(self):
        for backend, options in set_ups():
            for workers in [1, 3]:
                with self.subTest(backend=backend["name"], options=options, workers=workers):
                    self.check(backend, options, oracle.stencil(4, 3), {"kind": "loop", "iterations": 5}, workers)

    def test_chained_slices(self):
        graph, kernel = oracle.stencil(3, 3), {"kind": "empty"}
        for backend, options in set_ups():
            with self.subTest(backend=backend["name"], options=options), Child() as child:
                child.greet()
                child.prepare(graph, kernel, backend["name"], 2, options)
                samples, _ = child.slice(7, sample_count=2, run_count=3, chained=True)
                nonce, digests = 7, []
                for _ in range(6):
                    digests.append(oracle.digest(graph, kernel, nonce))
                    nonce = oracle.fold(nonce, digests[-1])
                expected = [f"{digests[last]:016x}" for last in (2, 5)]
                self.assertEqual([sample["digest"] for sample in samples], expected)
                child.finish()


if __name__ == "__main__":
    unittest.main()
