"""Locks: what parties do under them, and the locks of Python in one interface."""

import threading
from time import perf_counter

import shared
from parties import LOOK_S, Violated
from protocol import CaseFailed

from .base import Coordinated

_LOCK = b"the lock"


class Locked(Coordinated):
    """Parties that increment a number under a lock. Without the lock, increments are lost."""

    needs_all = False

    def __init__(self, setting, lock):
        super().__init__(setting)
        self._lock = lock
        self._number = shared.new_bare_number(setting.context)

    def reset(self):
        self._number.value = 0

    def check_total(self, expected):
        """Fails if the number is not `expected`."""
        found = self._number.value
        if found != expected:
            raise CaseFailed("kernel-check", f"the counter under the lock is {found} after {expected} increments")


class MutexWork(Locked):
    """Invariant: no increment is lost."""

    def __init__(self, parameters, setting):
        super().__init__(setting, new_lock(setting))
        self._increments = parameters["increments"]

    async def take_part(self, party, seed):
        lock, number = self._lock, self._number
        take_now, give_back = lock.functions()
        for _ in range(self._increments):
            if not take_now(False):
                await lock.wait(party)
            number.value += 1
            give_back()
        return seed

    def verify(self, task_run_count):
        self.check_total(self._increments * task_run_count)
        return {}


class ReentrantWork(Locked):
    """Parties that take the lock several times for each increment, and give it back as often.

    Invariants: whoever has taken the lock for the nth time finds that it was taken n times. No increment is lost.
    """

    def __init__(self, parameters, setting):
        super().__init__(setting, new_reentrant_lock(setting))
        self._increments = parameters["increments"]
        self._depth = parameters["depth"]
        # How often the lock is held.
        self._level = shared.new_bare_number(setting.context)

    async def take_part(self, party, seed):
        lock, number, level = self._lock, self._number, self._level
        take_now, give_back = lock.functions()
        for _ in range(self._increments):
            for held in range(self._depth):
                if not take_now(False):
                    await lock.wait(party)
                if level.value != held:
                    raise Violated(f"party {party.index} took the lock {held + 1} times, but it was held {level.value} times")
                level.value = held + 1
            number.value += 1
            for held in reversed(range(self._depth)):
                level.value = held
                give_back()
        return seed

    def reset(self):
        super().reset()
        self._level.value = 0

    def verify(self, task_run_count):
        self.check_total(self._increments * task_run_count)
        return {}


class AttemptWork(Locked):
    """Parties that give up if they do not get the lock, at once or after a time, and go on to the next attempt.

    Invariants: the number is that of the attempts that succeeded. Every attempt succeeded or was given up.
    """

    def __init__(self, parameters, setting):
        super().__init__(setting, new_lock(setting))
        self._attempts = parameters["attempts"]
        # How long to wait for the lock, and to keep it.
        self._limit_s = parameters.get("limit_ms", 0) / 1000
        self._hold_s = parameters.get("hold_ms", 0) / 1000
        self._succeeded = shared.new_number(setting.context)
        self._given_up = shared.new_number(setting.context)

    async def take_part(self, party, seed):
        lock, number = self._lock, self._number
        take_now, give_back = lock.functions()
        succeeded = 0
        for _ in range(self._attempts):
            if take_now(False) or await lock.take_within(self._limit_s):
                number.value += 1
                if self._hold_s > 0:
                    await lock.hold(self._hold_s)
                give_back()
                succeeded += 1
        shared.add(self._succeeded, succeeded)
        shared.add(self._given_up, self._attempts - succeeded)
        return seed

    def reset(self):
        super().reset()
        self._succeeded.value = self._given_up.value = 0

    def verify(self, task_run_count):
        succeeded, given_up = self._succeeded.value, self._given_up.value
        self.check_total(succeeded)
        expected = self._attempts * task_run_count
        if succeeded + given_up != expected:
            found = f"{succeeded} attempts succeeded and {given_up} were given up, of {expected}"
            raise CaseFailed("kernel-check", found)
        return {"lock_successes_count": succeeded, "lock_give_ups_count": given_up}


def new_lock(setting):
    """The lock of Python for the parties of `setting`."""
    if setting.is_async:
        return AsyncLock()
    return Lock((setting.context or threading).Lock())


def new_reentrant_lock(setting):
    """The lock of Python that its holder may take again."""
    return Lock((setting.context or threading).RLock())


class Lock:
    """A lock of `threading` or of `multiprocessing`."""

    def __init__(self, lock):
        self._lock = lock

    def functions(self):
        """The function that takes the lock if it can, and the one that gives it back. Both belong to Python itself."""
        return self._lock.acquire, self._lock.release

    async def wait(self, party):
        party.waits_for(_LOCK)
        while not self._lock.acquire(True, LOOK_S):
            party.look()
        party.goes_on()

    async def take_within(self, limit_s):
        """Whether the lock can be taken within a time, after it could not be taken at once."""
        return limit_s > 0 and self._lock.acquire(True, limit_s)

    async def hold(self, seconds):
        """Keeps the interpreter busy. Not a wait, in which CPython lets other threads run."""
        end = perf_counter() + seconds
        while perf_counter() < end:
            pass


class AsyncLock:
    """The lock of `asyncio`. Only while its holder awaits something can another party find it taken."""

    def __init__(self):
        import asyncio

        self._asyncio = asyncio
        self._lock = asyncio.Lock()
        self.hold = asyncio.sleep

    def functions(self):
        # It can only be awaited.
        return (lambda _: False), self._lock.release

    async def wait(self, party):
        if not self._lock.locked():
            await self._lock.acquire()
            return
        party.waits_for(_LOCK)
        await self._lock.acquire()
        party.goes_on()

    async def take_within(self, limit_s):
        if limit_s > 0:
            try:
                return await self._asyncio.wait_for(self._lock.acquire(), limit_s)
            except self._asyncio.TimeoutError:
                return False
        # Nobody waits for this lock, so it is free if nobody has it.
        return not self._lock.locked() and await self._lock.acquire()
