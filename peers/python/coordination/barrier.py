"""Parties that meet at a barrier, phase after phase."""

import sys
import threading

import shared
from parties import Halted, Violated
from protocol import CaseFailed

from .base import Coordinated

_BARRIER = b"the barrier"

# How long parties wait for one that is late.
_PATIENCE_S = 0.0001


class BarrierWork(Coordinated):
    """Invariant: when a party passes the barrier, all parties have arrived for this phase, and none has arrived more than
    once since."""

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._phase_count = parameters["phases"]
        self._barrier = new_barrier(setting)
        # How often any party has arrived.
        self._arrivals = shared.new_number(setting.context)

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


class BrokenBarrierWork(Coordinated):
    """Parties of which one does not come to the barrier, phase after phase. In even phases it says that it leaves, which
    breaks the barrier. In odd phases it is late: it comes after all others have lost their patience. A second barrier, to
    which everybody comes, separates the phases.

    Invariant: all are told that the barrier is broken, those who wait and the one who comes late. Nobody passes.
    """

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._phase_count = parameters["phases"]
        self._barrier = new_barrier(setting)
        self._aside = new_barrier(setting)
        # How often any party was told.
        self._told_count = shared.new_number(setting.context)

    async def take_part(self, party, seed):
        for phase in range(self._phase_count):
            leaves = phase % 2 == 0
            if phase % self._party_count == party.index:
                if leaves:
                    await self._barrier.leave()
                await self._aside.wait(party)
                await self._be_told(party, phase, None)
                await self._barrier.repair()
            else:
                await self._be_told(party, phase, None if leaves else _PATIENCE_S)
                await self._aside.wait(party)
            await self._aside.wait(party)
        return seed

    async def _be_told(self, party, phase, patience_s):
        """Comes to the barrier, which is broken or will be."""
        if await self._barrier.meet(party, patience_s):
            text = f"party {party.index} passed the barrier of phase {phase}, to which one party did not come"
            raise Violated(text)
        shared.add(self._told_count, 1)

    def halt(self):
        self._barrier.abort()
        self._aside.abort()

    def reset(self):
        self._told_count.value = 0

    def verify(self, task_run_count):
        expected = self._phase_count * task_run_count
        if self._told_count.value != expected:
            found = f"parties were told {self._told_count.value} times that the barrier is broken, instead of {expected} times"
            raise CaseFailed("kernel-check", found)
        return {}


def new_barrier(setting):
    """The barrier of Python for the parties of `setting`."""
    if not setting.is_async:
        return Barrier((setting.context or threading).Barrier(setting.party_count))
    if sys.version_info < (3, 11):
        raise CaseFailed("set-up", "asyncio has a barrier only since Python 3.11: use a later interpreter")
    return AsyncBarrier(setting.party_count)


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

    async def leave(self):
        """Breaks it: the caller does not come."""
        self._barrier.abort()

    async def repair(self):
        """Makes it new. Nobody is there."""
        self._barrier.reset()

    async def meet(self, party, patience_s):
        """Comes to the barrier, and breaks it when the party has lost its patience. Returns whether all have come; if not,
        the barrier is broken, and nobody passes."""
        party.waits_for(_BARRIER)
        try:
            self._barrier.wait(patience_s)
            all_have_come = True
        except threading.BrokenBarrierError:
            all_have_come = False
        party.goes_on()
        return all_have_come


class AsyncBarrier:
    """The barrier of `asyncio`."""

    def __init__(self, party_count):
        import asyncio

        self._asyncio = asyncio
        self._barrier = asyncio.Barrier(party_count)

    async def wait(self, party):
        party.waits_for(_BARRIER)
        await self._barrier.wait()
        party.goes_on()

    async def leave(self):
        await self._barrier.abort()

    async def repair(self):
        await self._barrier.reset()

    async def meet(self, party, patience_s):
        party.waits_for(_BARRIER)
        try:
            await self._asyncio.wait_for(self._barrier.wait(), patience_s)
            all_have_come = True
        except self._asyncio.BrokenBarrierError:
            all_have_come = False
        except self._asyncio.TimeoutError:
            # Unlike those of threads and processes, this barrier is not broken by a party that stops waiting.
            await self._barrier.abort()
            all_have_come = False
        party.goes_on()
        return all_have_come
