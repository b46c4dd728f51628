"""Parties that share a number of connections."""

import threading
import time
from time import perf_counter_ns

import shared
from latency import Recorder
from parties import LOOK_S, Violated
from protocol import CaseFailed

from .base import Coordinated

_CONNECTION = b"a connection"


class SemaphoreWork(Coordinated):
    """Invariants: never are more connections in use than there are. Every party uses one as often as it has to."""

    needs_all = False

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._connection_count = parameters["permits"]
        self._uses = parameters["uses"]
        self._use_s = parameters["use_ms"] / 1000
        self._semaphore = new_semaphore(setting, self._connection_count)
        self._in_use = shared.new_number(setting.context)
        self._ended = shared.new_number(setting.context)
        self._waited = Recorder(setting.context)

    async def take_part(self, party, seed):
        semaphore = self._semaphore
        is_timed = self._waited.is_on()
        for _ in range(self._uses):
            asked_ns = perf_counter_ns() if is_timed else 0
            await semaphore.acquire(party)
            if is_timed:
                self._waited.record(perf_counter_ns() - asked_ns)
            in_use = shared.add(self._in_use, 1) + 1
            if in_use > self._connection_count:
                raise Violated(f"party {party.index} uses connection {in_use} of {self._connection_count}")
            # A pause of no time would still be a system call, or let the event loop go round.
            if self._use_s > 0:
                await semaphore.pause(self._use_s)
            shared.add(self._in_use, -1)
            shared.add(self._ended, 1)
            semaphore.release()
        return seed

    def reset(self):
        self._in_use.value = self._ended.value = 0

    def verify(self, task_run_count):
        expected = self._uses * task_run_count
        if self._ended.value != expected:
            raise CaseFailed("kernel-check", f"{self._ended.value} uses of connections ended, of {expected}")
        return {}

    def record_latencies(self, on):
        self._waited.switch(on)

    def take_latencies(self):
        return {"wait": self._waited.take()}


def new_semaphore(setting, count):
    """The semaphore of Python for the parties of `setting`."""
    if setting.is_async:
        return AsyncSemaphore(count)
    return Semaphore((setting.context or threading).Semaphore(count))


class Semaphore:
    """The semaphore of `threading`, or that of `multiprocessing`."""

    def __init__(self, semaphore):
        self._semaphore = semaphore

    def release(self):
        self._semaphore.release()

    async def acquire(self, party):
        if self._semaphore.acquire(False):
            return
        party.waits_for(_CONNECTION)
        while not self._semaphore.acquire(True, LOOK_S):
            party.look()
        party.goes_on()

    async def pause(self, seconds):
        time.sleep(seconds)


class AsyncSemaphore:
    """The semaphore of `asyncio`."""

    def __init__(self, count):
        import asyncio

        self._semaphore = asyncio.Semaphore(count)
        self.release = self._semaphore.release
        self.pause = asyncio.sleep

    async def acquire(self, party):
        if not self._semaphore.locked():
            await self._semaphore.acquire()
            return
        party.waits_for(_CONNECTION)
        await self._semaphore.acquire()
        party.goes_on()
