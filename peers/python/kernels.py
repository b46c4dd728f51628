"""The kernels: what a task does with its seed. FORMAT.md in the repository defines each of them."""

import hashlib
import threading
import time

from protocol import CaseFailed


class Kernel:
    """A kernel that has no effect beside its result. An instance is sent to every process that runs tasks."""

    # A coroutine function that waits as long as a task does; `None` if a task does anything but wait.
    wait = None

    def run(self, seed):
        """Does the work of one task. Only the low 48 bits of the result are kept."""
        return seed

    def reset(self):
        """Clears what earlier runs left behind."""

    def verify(self, task_run_count):
        """Checks the effects of all tasks since `reset` and returns findings, such as lost updates."""
        return {}


class Sleep(Kernel):
    def __init__(self, parameters):
        self._seconds = parameters["duration_ms"] / 1000

    def run(self, seed):
        time.sleep(self._seconds)
        return seed

    async def wait(self):
        # Only a backend that has imported it calls this.
        import asyncio

        await asyncio.sleep(self._seconds)


class Hash(Kernel):
    def __init__(self, parameters):
        self._block = bytes(index * 31 % 256 for index in range(parameters["block_bytes"]))
        self._times = parameters["times"]

    def run(self, seed):
        link = seed
        for _ in range(self._times):
            digest = hashlib.sha256(link.to_bytes(8, "little"))
            digest.update(self._block)
            link = int.from_bytes(digest.digest()[:8], "little")
        return link


class Loop(Kernel):
    def __init__(self, parameters):
        self._iterations = parameters["iterations"]

    def run(self, seed):
        x = seed & 0xFFFFFFFF
        for _ in range(self._iterations):
            x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
            x ^= x >> 16
        return seed ^ x


class LocalNumber:
    """A number that the threads of one process share, with the interface of `multiprocessing.Value`."""

    def __init__(self, lock):
        self.value = 0
        self._lock = lock

    def get_lock(self):
        return self._lock


class RacyCounter(Kernel):
    """Increments a number that all tasks share, without a lock. Updates may be lost."""

    def __init__(self, parameters, number):
        self._increments = parameters["increments"]
        self._number = number

    def run(self, seed):
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

    def run(self, seed):
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


def _counter(parameters, context):
    # This process and its threads share a plain number. Processes need one in shared memory, which `multiprocessing`
    # provides with a lock or without.
    is_locked = parameters["variant"] == "mutex"
    if context is None:
        number = LocalNumber(threading.Lock() if is_locked else None)
    else:
        number = context.Value("q", 0, lock=is_locked)
    return LockedCounter(parameters, number) if is_locked else RacyCounter(parameters, number)


# How to build each kernel, from its parameters and from the context of `multiprocessing` in which the workers of the
# backend run; the context is `None` if all of them are in this process.
KERNELS = {
    "empty": lambda parameters, context: Kernel(),
    "sleep": lambda parameters, context: Sleep(parameters),
    "hash": lambda parameters, context: Hash(parameters),
    "loop": lambda parameters, context: Loop(parameters),
    "counter/variant=racy": _counter,
    "counter/variant=mutex": _counter,
}


def build(parameters, context):
    """Builds the kernel of a case."""
    name = parameters.get("kind")
    variant = parameters.get("variant")
    build_one = KERNELS.get(name if variant is None else f"{name}/variant={variant}")
    if build_one is None:
        raise CaseFailed("set-up", f"this child has no kernel {parameters}; it has {', '.join(KERNELS)}")
    return build_one(parameters, context)
