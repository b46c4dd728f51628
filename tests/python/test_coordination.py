"""Tasks that wait for each other: what they compute on every backend, and that each invariant can be violated."""

import itertools
import os
import sys
import tempfile
import unittest

import local
import oracle
from parent import NONCE, Child, to_slice

# The number of tasks, and the kernel.
BARRIER = {"kind": "barrier", "phases": 5}
PRODUCERS = {"kind": "producer-consumer", "producers": 2, "consumers": 2, "items": 20}
RING = {"kind": "threadring", "hand_overs": 20}
PING_PONG = {"kind": "ping-pong", "round_trips": 10}
WORKS = [
    (4, BARRIER),
    (4, {**PRODUCERS, "capacity": 1, "form": "natural"}),
    (4, {**PRODUCERS, "capacity": "unbounded", "form": "queue"}),
    (3, {**RING, "form": "natural"}),
    (1, {**RING, "form": "queue"}),
    (2, {**PING_PONG, "form": "natural"}),
]
# The forms that are for processes only.
FORMS = [
    (4, {**PRODUCERS, "capacity": 2, "form": "manager-queue"}),
    (3, {**RING, "form": "manager-queue"}),
    (3, {**RING, "form": "connection"}),
    (2, {**PING_PONG, "form": "manager-queue"}),
    (2, {**PING_PONG, "form": "connection"}),
]
TOGETHER = {"kind": "coordination"}


def has_barrier(backend):
    return "asyncio" not in backend or sys.version_info >= (3, 11)


def holding():
    """The set-ups of `local.set_ups` on which several tasks can wait for each other."""
    for backend, options in local.set_ups():
        if backend != "python-serial" and not options.get("call", "").endswith("-chunk-8"):
            yield backend, options


class Coordination(unittest.TestCase):
    def check(self, task_count, kernel, backend, options):
        case = oracle.trivial(task_count), kernel, backend, task_count, options
        with self.subTest(backend=backend, options=options, kernel=kernel), local.running(*case, **TOGETHER) as (plan, running):
            meter = local.child.Meter(running, plan)
            for nonce in 0, NONCE:
                [sample], _ = meter.slice(to_slice(nonce, run_count=2))
                expected = oracle.digest(oracle.trivial(task_count), kernel, nonce)
                self.assertEqual(sample["digest"], f"{expected:016x}")

    def test_every_workload_on_every_backend(self):
        for backend, (task_count, kernel) in itertools.product(local.BY_NAME, WORKS):
            if backend != "python-serial" and (kernel is not BARRIER or has_barrier(backend)):
                self.check(task_count, kernel, backend, {})

    def test_every_option(self):
        for backend, options in holding():
            if options:
                self.check(4, BARRIER, backend, options)

    def test_every_form_for_processes(self):
        for backend, (task_count, kernel) in itertools.product(local.PROCESSES, FORMS):
            self.check(task_count, kernel, backend, {})
        for method in "forkserver", "spawn":
            for task_count, kernel in FORMS[2:]:
                self.check(task_count, kernel, "python-process-pool", {"start_method": method})
