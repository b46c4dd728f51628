"""The kernels: what a task does with its seed. FORMAT.md in the repository defines each of them."""

import hashlib
import time

import shared
from protocol import CaseFailed


class Kernel:
    """A kernel that has no effect beside its result. An instance is sent to every process that runs tasks."""

    # `run` as a coroutine function that waits without blocking; `None` if a task does not wait.
    run_async = None

    def run(self, seed, task):
        """Does the work of one task. Only the low 48 bits of the result are kept."""
        return seed

    def reset(self):
        """Clears what earlier runs left behind."""

    def verify(self, task_run_count):
        """Checks the effects of all tasks since `reset` and returns findings, such as lost updates."""
        return {}

    def record_latencies(self, on):
        """Lets tasks record latencies from now on, or no longer. Nothing is running."""

    def take_latencies(self):
        """The histograms of what was recorded since the last call, by name."""
        return {}

    def close(self):
        """Ends what the kernel has started. No task will run any more."""


class Sleep(Kernel):
    def __init__(self, parameters):
        self._seconds = parameters["duration_ms"] / 1000

    def run(self, seed, task):
        time.sleep(self._seconds)
        return seed

    async def run_async(self, seed, task):
        # Only a backend that has imported it calls this.
        import asyncio

        await asyncio.sleep(self._seconds)
        return seed


class Hash(Kernel):
    def __init__(self, parameters):
        self._block = bytes(index * 31 % 256 for index in range(parameters["block_bytes"]))
        self._times = parameters["times"]

    def run(self, seed, task):
        link = seed
        for _ in range(self._times):
            digest = hashlib.sha256(link.to_bytes(8, "little"))
            digest.update(self._block)
            link = int.from_bytes(digest.digest()[:8], "little")
        return link


class Loop(Kernel):
    def __init__(self, parameters):
        self._iterations = parameters["iterations"]

    def run(self, seed, task):
        x = seed & 0xFFFFFFFF
        for _ in range(self._iterations):
            x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
            x ^= x >> 16
        return seed ^ x


class RacyCounter(Kernel):
    """Increments a number that all tasks share, without a lock. Updates may be lost."""

    def __init__(self, parameters, number):
        self._increments = parameters["increments"]
        self._number = number

    def run(self, seed, task):
        number = self._number
        for _ in range(self._increments):
            number.value += 1
        return seed

    def reset(self):
        self._number.value = 0

    def verify(self, task_run_count):
        lost = self._lost(task_run_count)
        if lost < 0:
            raise self._miscount(task_run_count)
        return {"lost_updates_count": lost}

    def _lost(self, task_run_count):
        return self._increments * task_run_count - self._number.value

    def _miscount(self, task_run_count):
        expected = self._increments * task_run_count
        return CaseFailed("kernel-check", f"the counter is {self._number.value} after {expected} increments")


class LockedCounter(RacyCounter):
    """As `RacyCounter`, with a lock around every increment."""

    def run(self, seed, task):
        number = self._number
        lock = number.get_lock()
        for _ in range(self._increments):
            with lock:
                number.value += 1
        return seed

    def verify(self, task_run_count):
        if self._lost(task_run_count) != 0:
            raise self._miscount(task_run_count)
        return {}


def _counter(parameters, setting):
    # This process and its threads share a plain number. Processes need one in shared memory, which `multiprocessing`
    # provides with a lock or without.
    if parameters["variant"] == "mutex":
        return LockedCounter(parameters, shared.number(setting.context))
    if setting.context is None:
        return RacyCounter(parameters, shared.LocalNumber(None))
    return RacyCounter(parameters, setting.context.RawValue("q", 0))


# How to build each kernel, from its parameters and its setting.
KERNELS = {
    "empty": lambda parameters, setting: Kernel(),
    "sleep": lambda parameters, setting: Sleep(parameters),
    "hash": lambda parameters, setting: Hash(parameters),
    "loop": lambda parameters, setting: Loop(parameters),
    "counter/variant=racy": _counter,
    "counter/variant=mutex": _counter,
}
