"""Parties that meet at a barrier, phase after phase."""

import sys
import threading

import shared
from parties import Halted, Violated
from protocol import CaseFailed

from .base import Coordinated

_BARRIER = b"the barrier"


class BarrierWork(Coordinated):
    """Invariant: when a party passes the barrier, all parties have arrived for this phase, and none has arrived more than
    once since."""

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._phase_count = parameters["phases"]
        self._barrier = new_barrier(setting)
        # How often any party has arrived.
        self._arrivals = shared.number(setting.context)

    async def take_part(self, party, seed):
        count = self._party_count
        for _ in range(self._phase_count):
            phase = shared.add(self._arrivals, 1) // count
            await self._barrier.wait(party)
            arrived = self._arrivals.value - phase * count
            if not count <= arrived < 2 * count:
                raise Violated(
                    f"party {party.index} passed the barrier of phase {phase} when {arrived} of {count} parties had arrived"
                )
        return seed

    def halt(self):
        self._barrier.abort()

    def reset(self):
        self._arrivals.value = 0

    def verify(self, task_run_count):
        expected = self._phase_count * task_run_count
        if self._arrivals.value != expected:
            raise CaseFailed("kernel-check", f"{self._arrivals.value} arrivals at the barrier instead of {expected}")
        return {}


def new_barrier(setting):
    """The barrier of Python for the parties of `setting`."""
    if not setting.is_async:
        return Barrier((setting.context or threading).Barrier(setting.party_count))
    if sys.version_info < (3, 11):
        raise CaseFailed("set-up", "asyncio has a barrier since Python 3.11: use a later interpreter")
    import asyncio

    return AsyncBarrier(asyncio.Barrier(setting.party_count))


class Barrier:
    """The barrier of `threading`, or that of `multiprocessing`."""

    def __init__(self, barrier):
        self._barrier = barrier

    async def wait(self, party):
        # All parties but one wait, so finding out first would only add to the wait.
        party.waits_for(_BARRIER)
        try:
            self._barrier.wait()
        except threading.BrokenBarrierError:
            raise Halted from None
        party.goes_on()

    def abort(self):
        self._barrier.abort()


class AsyncBarrier:
    """The barrier of `asyncio`."""

    def __init__(self, barrier):
        self._barrier = barrier

    async def wait(self, party):
        party.waits_for(_BARRIER)
        await self._barrier.wait()
        party.goes_on()
