"""The kernels: what a task does with its seed. FORMAT.md in the repository defines each of them."""

import hashlib
import time


class Kernel:
    """A kernel that has no effect beside its result. An instance is sent to every process that runs tasks."""

    # Whether all tasks must be in progress at once.
    needs_all = False
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
    """Waits for a time."""

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
    """Computes SHA-256 again and again. The library releases the global lock for large blocks."""

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
    """Computes in the interpreter itself. With a global lock, only one thread can do so at a time."""

    def __init__(self, parameters):
        self._iterations = parameters["iterations"]

    def run(self, seed, task):
        x = seed & 0xFFFFFFFF
        for _ in range(self._iterations):
            x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
            x ^= x >> 16
        return seed ^ x


# How to build each kernel, from its parameters and its setting.
KERNELS = {
    "empty": lambda parameters, setting: Kernel(),
    "sleep": lambda parameters, setting: Sleep(parameters),
    "hash": lambda parameters, setting: Hash(parameters),
    "loop": lambda parameters, setting: Loop(parameters),
}
