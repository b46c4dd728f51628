"""Tasks that wait for each other: what they compute on every backend, and that each invariant can be violated."""

import asyncio
import contextlib
import itertools
import os
import sys
import tempfile
import unittest

import broken
import local
import oracle
from parent import NONCE, Child, to_slice

import latency
import parties
import registry
import shared

# The number of tasks, and the kernel.
BARRIER = {"kind": "barrier", "phases": 5, "variant": "plain"}
BROKEN_BARRIER = {**BARRIER, "variant": "broken"}
ACTOR = {"kind": "actor", "increments": 20}
PRODUCERS = {"kind": "producer-consumer", "producers": 2, "consumers": 2, "items": 20}
RING = {"kind": "threadring", "hand_overs": 20}
PING_PONG = {"kind": "ping-pong", "round_trips": 10}
CONDITION = {"kind": "condition", "rounds": 5, "form": "natural"}
EVENT = {"kind": "event", "rounds": 5}
MUTEX = {"kind": "mutex", "increments": 20, "form": "natural"}
MAP_ORDER = {"kind": "map-order", "step_ms": 0.1}
TIMER = {"kind": "timer", "delay_ms": 0.5, "cancel": "never"}
SEMAPHORE = {"kind": "semaphore", "permits": 2, "uses": 2, "use_ms": 0.1}
REENTRANT = {"kind": "reentrant", "increments": 20, "depth": 3, "form": "natural"}
TRY_LOCK = {"kind": "try-lock", "attempts": 20, "form": "natural"}
TIMED_LOCK = {"kind": "timed-lock", "attempts": 5, "limit_ms": 0.2, "hold_ms": 0.2, "form": "natural"}
WORKS = [
    (4, BARRIER),
    (3, BROKEN_BARRIER),
    (4, {**CONDITION, "wakes": "one"}),
    (4, {**CONDITION, "wakes": "all"}),
    (4, EVENT),
    (4, MUTEX),
    (3, TRY_LOCK),
    (3, TIMED_LOCK),
    (4, {**ACTOR, "form": "natural"}),
    (1, {**ACTOR, "form": "queue"}),
    (4, SEMAPHORE),
    (4, {**MAP_ORDER, "order": "submitted"}),
    (4, {**MAP_ORDER, "order": "completed"}),
    (4, TIMER),
    (4, {**PRODUCERS, "capacity": 1, "form": "natural"}),
    (4, {**PRODUCERS, "capacity": "unbounded", "form": "queue"}),
    (3, {**RING, "form": "natural"}),
    (1, {**RING, "form": "queue"}),
    (2, {**PING_PONG, "form": "natural"}),
]
# The forms that are for processes only.
FORMS = [
    (4, {**PRODUCERS, "capacity": 2, "form": "manager-queue"}),
    (3, {**ACTOR, "form": "manager-queue"}),
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
            if backend != "python-serial" and (kernel["kind"] != "barrier" or has_barrier(backend)):
                self.check(task_count, kernel, backend, {})

    def test_the_holder_takes_a_lock_again(self):
        for backend in [*local.THREADS, *local.PROCESSES]:
            self.check(3, REENTRANT, backend, {})

    def test_timers_of_one_process_are_cancelled(self):
        for backend in [*local.THREADS, "python-asyncio"]:
            self.check(4, {**TIMER, "cancel": "early"}, backend, {})

    def test_every_option(self):
        for backend, options in holding():
            if options:
                self.check(4, BARRIER, backend, options)

    def test_every_form_for_processes(self):
        for backend, (task_count, kernel) in itertools.product(local.PROCESSES, FORMS):
            self.check(task_count, kernel, backend, {})
        for method in "forkserver", "spawn":
            for task_count, kernel in FORMS[3:]:
                self.check(task_count, kernel, "python-process-pool", {"start_method": method})

    def test_more_parties_than_workers_are_refused(self):
        for backend, workers, options in [
            ("python-serial", 1, {}),
            ("python-threads", 2, {}),
            ("python-process-pool", 8, {"call": "map-chunk-8"}),
        ]:
            case = oracle.trivial(3), BARRIER, backend, workers, options
            failed = local.failure(*case, **TOGETHER)
            self.assertEqual(failed.kind, "set-up")
            self.assertIn("wait for each other", failed.message)

    def test_a_party_that_fails_ends_all_others(self):
        # If it did not, this test would never end.
        for backend in filter(has_barrier, [*local.THREADS, *local.PROCESSES, "python-asyncio"]):
            with self.subTest(backend=backend):
                case = oracle.trivial(3), {"kind": "Leaving"}, backend, 3
                self.assertIn("the first party has left", local.failure(*case, **TOGETHER).message)

    def test_the_parent_reads_what_parties_wait_for(self):
        for backend in "python-threads", "python-process-pool":
            with self.subTest(backend=backend), tempfile.NamedTemporaryFile() as waits, Child(is_quiet=False) as child:
                waits.truncate(64 * 3)
                child.greet()
                kernel = {**PING_PONG, "form": "queue", "round_trips": 10**6}
                child.request_prepare(oracle.trivial(2), kernel, backend, 2, waits=waits.name, **TOGETHER)
                # If it were not written, this test would never end.
                text = b"an item in the queue"
                expected = len(text).to_bytes(8, "little") + text
                while expected not in (os.pread(waits.fileno(), len(expected), begin) for begin in (64, 128)):
                    os.sched_yield()
                child.process.kill()

    def test_latencies_are_recorded_if_they_are_requested(self):
        for backend in "python-threads", "python-process", "python-asyncio":
            case = oracle.trivial(2), {**PING_PONG, "form": "natural"}, backend, 2
            with self.subTest(backend=backend), local.running(*case, **TOGETHER) as (plan, running):
                meter = local.child.Meter(running, plan)
                for _ in range(2):
                    _, done = meter.slice(to_slice(1, latencies=True))
                    [(name, histogram)] = done["latencies"].items()
                    self.assertEqual(name, "hand_over")
                    self.assertEqual(sum(count for _, count in histogram["buckets"]), PING_PONG["round_trips"])
                    self.assertGreaterEqual(histogram["max_ns"], histogram["buckets"][-1][0])
                _, done = meter.slice(to_slice(1))
                self.assertNotIn("latencies", done)
                self.assertEqual(plan.kernel.take_latencies()[name], {"buckets": [], "max_ns": 0})


class Histogram(unittest.TestCase):
    def test_buckets_are_those_of_the_format(self):
        for ns in [0, 1, 127, 128, 129, 255, 256, 1000, 2**20 - 1, 2**40 - 1]:
            recorder = latency.Recorder(None)
            recorder.record(ns)
            shift = max(ns.bit_length() - 7, 0)
            self.assertEqual(recorder.take(), {"buckets": [[ns >> shift << shift, 1]], "max_ns": ns})


class Broken(unittest.TestCase):
    """Each invariant is violated by a primitive that is broken on purpose."""

    def kernel(self, party_count, parameters, is_async=False):
        waits = parties.WaitTable(None, party_count)
        return registry.build(parameters, registry.Setting(None, is_async, party_count, waits))

    def assert_violated(self, text, kernel, *tasks):
        with self.assertRaisesRegex(parties.Violated, text):
            for task in tasks:
                kernel.run(7, task)

    def assert_refused(self, text, kernel, task_run_count):
        with self.assertRaisesRegex(local.CaseFailed, text):
            kernel.verify(task_run_count)

    def test_a_barrier_that_lets_one_through_early(self):
        kernel = self.kernel(2, BARRIER)
        kernel._barrier = broken.Open()
        self.assert_violated("passed the barrier of phase 0 when 1 of 2", kernel, 0)

    def test_a_party_that_stays_away_from_a_barrier(self):
        kernel = self.kernel(1, BARRIER)
        kernel.run(7, 0)
        kernel.verify(1)
        self.assert_refused("5 arrivals at the barrier instead of 10", kernel, 2)

    def test_a_token_of_another_hand_over(self):
        kernel = self.kernel(3, {**RING, "form": "queue"})
        kernel._own = [broken.Items() for _ in range(3)]
        broken.fill(kernel._own[1], 4)
        self.assert_violated("party 1 got the token of hand-over 4 instead of 1", kernel, 1)
        self.assert_refused("0 hand-overs instead of 20", kernel, 3)

    def test_a_message_that_is_no_link_of_the_chain(self):
        kernel = self.kernel(2, {**PING_PONG, "form": "queue"})
        kernel._there = broken.Items()
        broken.fill(kernel._there, 1)
        self.assert_violated("received in round trip 0 does not follow", kernel, 1)

    def test_queues_that_lose_repeat_or_exchange_items(self):
        parameters = {**PRODUCERS, "producers": 1, "consumers": 1, "capacity": 100, "form": "queue"}
        for queue, text in [(broken.Dropping, "19 items arrived instead of 20"), (broken.Repeating, None), (broken.Exchanging, None)]:
            with self.subTest(queue=queue):
                kernel = self.kernel(2, parameters)
                kernel._channel = queue()
                kernel.run(7, 0)
                if text is None:
                    self.assert_violated("received item 0 of party 0 after", kernel, 1)
                else:
                    kernel.run(7, 1)
                    self.assert_refused(text, kernel, 2)

    def test_an_item_that_two_consumers_received(self):
        kernel = self.kernel(3, {**PRODUCERS, "producers": 1, "capacity": 100, "form": "queue"})
        # The other consumer has received item 0 instead of item 19.
        kernel._channel = broken.Items()
        broken.fill(kernel._channel, *range(19), -1)
        kernel.run(7, 1)
        shared.add(kernel._received_count, 1)
        self.assert_refused("an item arrived twice, and another one never", kernel, 3)

    def test_a_lock_that_lets_two_in(self):
        # One increment of party 0 takes as long as all of party 1, which are lost.
        for parameters in MUTEX, TRY_LOCK:
            with self.subTest(parameters=parameters):
                kernel = self.kernel(2, parameters)
                kernel._lock = broken.OpenLock()
                kernel._number = broken.Interrupted(lambda: kernel.run(7, 1))
                kernel.run(7, 0)
                self.assert_refused("the counter under the lock is 20 after 40 increments", kernel, 2)

    def test_a_reentrant_lock_that_lets_two_in(self):
        kernel = self.kernel(2, REENTRANT)
        kernel._lock = broken.OpenLock()
        kernel._number = broken.Interrupted(lambda: kernel.run(7, 1))
        self.assert_violated("party 1 took the lock 1 times, but it was held 3 times", kernel, 0)

    def test_attempts_that_are_not_counted(self):
        kernel = self.kernel(1, TRY_LOCK)
        kernel.run(7, 0)
        self.assertEqual(kernel.verify(1), {"lock_successes_count": 20, "lock_give_ups_count": 0})
        self.assert_refused("20 attempts succeeded and 0 were given up, of 40", kernel, 2)

    def test_attempts_are_given_up_while_another_one_has_the_lock(self):
        async def take_part(kernel):
            await kernel._lock._lock.acquire()
            await kernel.run_async(7, 0)

        for parameters in TRY_LOCK, TIMED_LOCK:
            with self.subTest(parameters=parameters):
                expected = {"lock_successes_count": 0, "lock_give_ups_count": parameters["attempts"]}
                kernel = self.kernel(1, parameters)
                kernel._lock._lock.acquire()
                kernel.run(7, 0)
                self.assertEqual(kernel.verify(1), expected)
                local.BY_NAME["python-asyncio"].before_kernel()
                kernel = self.kernel(1, parameters, is_async=True)
                with contextlib.closing(asyncio.get_event_loop()) as loop:
                    loop.run_until_complete(take_part(kernel))
                self.assertEqual(kernel.verify(1), expected)

    def test_a_semaphore_with_one_permit_too_many(self):
        kernel = self.kernel(2, {**SEMAPHORE, "permits": 1})
        kernel._semaphore = broken.WideSemaphore(lambda: kernel.run(7, 1))
        self.assert_violated("party 1 uses connection 2 of 1", kernel, 0)
        self.assert_refused("0 uses of connections ended, of 4", kernel, 2)

    def test_a_condition_whose_lock_lets_two_in(self):
        kernel = self.kernel(3, {**CONDITION, "rounds": 1, "wakes": "one"})
        kernel._items = kernel._taken = broken.OpenCondition()
        # The item is there, and the dispatcher has left. Both consumers find that nobody has taken it.
        kernel._is_over.value = 1
        kernel._put_count = broken.Interrupted(lambda: kernel.run(7, 2), read_count=2, value=1)
        kernel.run(7, 1)
        self.assert_refused("2 items were taken of 1 that were put", kernel, 3)

    def test_an_item_that_was_taken_twice_instead_of_another_one(self):
        kernel = self.kernel(3, {**CONDITION, "rounds": 2, "wakes": "one"})
        shared.add(kernel._received_count, 2)
        self.assert_refused("one item was taken twice, and another one never", kernel, 3)

    def test_an_event_that_lets_through_early(self):
        kernel = self.kernel(2, EVENT)
        kernel._go = [broken.OpenEvent(), broken.OpenEvent()]
        self.assert_violated("party 1 passed event 1 when 0 had been set", kernel, 1)
        self.assert_refused("parties passed events 0 times instead of 5", kernel, 2)

    def test_a_broken_barrier_that_somebody_passes(self):
        kernel = self.kernel(2, BROKEN_BARRIER)
        kernel._barrier = broken.Open()
        self.assert_violated("party 1 passed the barrier of phase 0, to which one party did not come", kernel, 1)
        self.assert_refused("told 0 times that the barrier is broken, instead of 10 times", kernel, 2)

    def test_an_owner_whose_messages_are_lost(self):
        kernel = self.kernel(2, {**ACTOR, "form": "queue"})
        kernel._mailbox = broken.Dropping()
        kernel.run(7, 1)
        kernel.run(7, 0)
        self.assert_refused("the counter of the owner is 19 after 20 increments", kernel, 2)

    def test_a_timer_that_fires_early_or_twice(self):
        kernel = self.kernel(1, {**TIMER, "delay_ms": 10**6})
        kernel._start = broken.Alarm
        self.assert_violated("timer 0 fired .* ns before it was due", kernel, 0)
        kernel = self.kernel(1, {**TIMER, "delay_ms": 0})
        kernel.run(7, 0)
        kernel._fire(0)
        self.assert_refused("2 timers have fired and 0 were cancelled, of 1", kernel, 1)

    def test_a_timer_that_fires_although_it_was_cancelled(self):
        kernel = self.kernel(2, {**TIMER, "cancel": "early", "delay_ms": 0})
        kernel._timers[1] = broken.Alarm(0, lambda: None)
        kernel._due_ns[1] = 2**62
        kernel._timers[1].cancel = late = broken.Later(lambda: kernel._fire(1))
        kernel.run(7, 0)
        late.join()
        self.assert_refused("2 timers have fired and 1 were cancelled, of 2", kernel, 2)

    def test_a_result_that_arrives_twice(self):
        kernel = self.kernel(3, {**MAP_ORDER, "order": "completed"})
        kernel._results = broken.Items()
        broken.fill(kernel._results, 1, 1)
        self.assert_violated("the result of party 1 was received twice", kernel, 0)
        self.assert_refused("0 results were received instead of 2", kernel, 3)


if __name__ == "__main__":
    unittest.main()
