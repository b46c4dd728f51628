"""Every backend computes what the oracle computes."""

import itertools
import unittest

import local
import oracle
from parent import Child, to_slice

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
    {"kind": "counter", "variant": "thread-local", "increments": 10},
    {"kind": "plus-minus", "variant": "racy", "pairs": 10},
    {"kind": "plus-minus", "variant": "mutex", "pairs": 10},
]
# The kernels that need processes.
OF_PROCESSES = [
    {"kind": "counter", "variant": "shared-memory", "increments": 10},
    {"kind": "counter", "variant": "manager-dict", "increments": 3},
    {"kind": "counter", "variant": "manager-list", "increments": 3},
]
# What is found without a lock.
FOUND = {"counter": ["lost_updates_count"], "plus-minus": ["off_by_count"]}
NONCES = [0, 0xFEDCBA9876543210]
EMPTY = KERNELS[0]


class EveryBackend(unittest.TestCase):
    def check(self, take_slice, predecessors, kernel):
        """Checks the slices of a case, which `take_slice` takes."""
        for nonce in NONCES:
            expected = f"{oracle.digest(predecessors, kernel, nonce):016x}"
            [sample], done = take_slice(nonce, run_count=2)
            self.assertEqual((sample["digest"], sample["run_count"]), (expected, 2))
            found = FOUND[kernel["kind"]] if kernel.get("variant") == "racy" else []
            self.assertEqual(list(done["findings"]), found)

    def check_here(self, backend, predecessors, kernel, workers=2, options=None):
        """Checks a backend in this process."""
        case = predecessors, kernel, backend, workers, options
        with self.subTest(backend=backend, options=options, kernel=kernel), local.running(*case) as (plan, running):
            meter = local.child.Meter(running, plan)
            self.check(lambda *plan, **fields: meter.slice(to_slice(*plan, **fields)), predecessors, kernel)

    def test_every_graph(self):
        for backend, (name, predecessors) in itertools.product(local.BY_NAME, GRAPHS.items()):
            with self.subTest(graph=name):
                self.check_here(backend, predecessors, EMPTY, workers=3)

    def test_every_kernel(self):
        for backend, kernel in itertools.product(local.BY_NAME, KERNELS):
            self.check_here(backend, oracle.stencil(3, 2), kernel)

    def test_every_kernel_of_processes(self):
        for backend, kernel in itertools.product(local.PROCESSES, OF_PROCESSES):
            self.check_here(backend, oracle.trivial(3), kernel)
        for method, kernel in itertools.product(["forkserver", "spawn"], OF_PROCESSES):
            self.check_here("python-process-pool", oracle.trivial(3), kernel, 2, {"start_method": method})

    def test_every_option(self):
        kernel = {"kind": "counter", "variant": "mutex", "increments": 5}
        for backend, options in local.set_ups():
            self.check_here(backend, oracle.stencil(5, 3), kernel, 2, options)

    def test_every_backend_in_a_child(self):
        graph, kernel = oracle.stencil(3, 3), EMPTY
        nonce, chain = 7, []
        for _ in range(6):
            chain.append(f"{oracle.digest(graph, kernel, nonce):016x}")
            nonce = oracle.fold(nonce, int(chain[-1], 16))
        for backend in local.BY_NAME:
            with self.subTest(backend=backend), Child() as child:
                self.assertIn(backend, [one["name"] for one in child.greet()["backends"]])
                prepared = child.prepare(graph, kernel, backend)
                self.assertGreater(prepared["prepared"]["run_count"], 0)
                self.check(child.slice, graph, kernel)
                samples, _ = child.slice(7, sample_count=2, run_count=3, chained=True)
                self.assertEqual([sample["digest"] for sample in samples], [chain[2], chain[5]])
                child.finish()


if __name__ == "__main__":
    unittest.main()
