"""Conditions and events: what parties do with them, and those of Python in one interface."""

import threading
from time import perf_counter_ns

import shared
from latency import Recorder
from parties import Violated
from protocol import CaseFailed

from .base import Coordinated


class ConditionWork(Coordinated):
    """A dispatcher, party 0, that puts items, and consumers that wait for them. The dispatcher begins the next round when
    all items have been taken.

    Invariant: each item is taken once: as many were taken as were put, and their numbers have the same sum of squares. A
    wake-up that is lost makes the dispatcher wait for ever.
    """

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._round_count = parameters["rounds"]
        self._wakes_all = parameters["wakes"] == "all"
        self._items_per_round = setting.party_count - 1 if self._wakes_all else 1
        self._items, self._taken = new_conditions(setting, 2)
        # Used under the lock of both conditions: how many items were put and taken, whether no more will come, and how many
        # parties have left. The numbers of a run begin where those of the run before have ended.
        self._put_count, self._taken_count, self._is_over, self._left_count = (
            shared.new_bare_number(setting.context) for _ in range(4)
        )
        self._received_count = shared.new_number(setting.context)
        self._received_sum = shared.new_number(setting.context)

    async def take_part(self, party, seed):
        await (self._dispatch(party) if party.index == 0 else self._consume(party))
        async with self._items.locked():
            self._left_count.value += 1
            if self._left_count.value == self._party_count:
                for number in self._put_count, self._taken_count, self._is_over, self._left_count:
                    number.value = 0
        return seed

    async def _dispatch(self, party):
        for _ in range(self._round_count):
            async with self._items.locked():
                self._put_count.value += self._items_per_round
                self._items.wake(self._wakes_all)
                while self._taken_count.value < self._put_count.value:
                    await self._taken.wait(party, b"its items to be taken")
        async with self._items.locked():
            self._is_over.value = 1
            self._items.wake(True)

    async def _consume(self, party):
        count = squares = 0
        while True:
            async with self._items.locked():
                while self._taken_count.value == self._put_count.value and not self._is_over.value:
                    await self._items.wait(party, b"an item")
                item = self._taken_count.value
                if item == self._put_count.value:
                    break
                self._taken_count.value = item + 1
                if item + 1 == self._put_count.value:
                    self._taken.wake(False)
            count += 1
            squares += item * item
        shared.add(self._received_count, count)
        shared.add(self._received_sum, squares & shared.MASK)

    def halt(self):
        self._items.halt()
        self._taken.halt()

    def reset(self):
        self._received_count.value = self._received_sum.value = 0

    def verify(self, task_run_count):
        run_count = task_run_count // self._party_count
        item_count = self._round_count * self._items_per_round
        if self._received_count.value != run_count * item_count:
            found = f"{self._received_count.value} items were taken of {run_count * item_count} that were put"
            raise CaseFailed("kernel-check", found)
        squares = run_count * shared.sum_of_squares(item_count)
        if self._received_sum.value & shared.MASK != squares & shared.MASK:
            raise CaseFailed("kernel-check", "one item was taken twice, and another one never")
        return {}


class EventWork(Coordinated):
    """Party 0 sets an event for which all others wait, again and again. It waits with another event until the others have
    said that they are about to wait.

    Invariant: who passes the event of a round finds that it was set in this round, and everybody passes each event once.
    """

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._round_count = parameters["rounds"]
        # The events of even and odd rounds: one is cleared while everybody waits for the other.
        self._go = [new_event(setting), new_event(setting)]
        self._all_wait = new_event(setting)
        # How many events were set, and how often any party was about to wait, since the kernel was made.
        self._set_count = shared.new_number(setting.context)
        self._announced_count = shared.new_number(setting.context)
        self._passed_count = shared.new_number(setting.context)
        self._clock = SetClock(setting)

    async def take_part(self, party, seed):
        await (self._set_events(party) if party.index == 0 else self._wait_for_events(party))
        return seed

    async def _set_events(self, party):
        for _ in range(self._round_count):
            await self._all_wait.wait(party, b"all others to wait")
            self._all_wait.clear()
            number = shared.add(self._set_count, 1)
            self._go[(number + 1) % 2].clear()
            self._clock.start()
            self._go[number % 2].set()

    async def _wait_for_events(self, party):
        waiter_count = self._party_count - 1
        for _ in range(self._round_count):
            number = self._set_count.value
            if (shared.add(self._announced_count, 1) + 1) % waiter_count == 0:
                self._all_wait.set()
            await self._go[number % 2].wait(party, b"the event")
            found = self._set_count.value
            if found != number + 1:
                raise Violated(f"party {party.index} passed event {number + 1} when {found} had been set")
            shared.add(self._passed_count, 1)
            self._clock.pass_by(waiter_count)

    def halt(self):
        for event in *self._go, self._all_wait:
            event.set()

    def reset(self):
        self._passed_count.value = 0

    def verify(self, task_run_count):
        waiter_count = self._party_count - 1
        expected = waiter_count * self._round_count * (task_run_count // self._party_count)
        if self._passed_count.value != expected:
            raise CaseFailed("kernel-check", f"parties passed events {self._passed_count.value} times instead of {expected}")
        return {}

    def record_latencies(self, on):
        self._clock.first.switch(on)
        self._clock.last.switch(on)

    def take_latencies(self):
        return {"first": self._clock.first.take(), "last": self._clock.last.take()}


class SetClock:
    """Times from the set of an event to the first and the last party that passes."""

    def __init__(self, setting):
        self.first = Recorder(setting.context)
        self.last = Recorder(setting.context)
        self._set_ns = shared.new_bare_number(setting.context)
        # How many have passed. Its lock is also for the time of the last one.
        self._passed = shared.new_number(setting.context)

    def start(self):
        """The event is about to be set. Nobody passes."""
        if self.first.is_on():
            self._passed.value = 0
            self._set_ns.value = perf_counter_ns()

    def pass_by(self, waiter_count):
        """One party has passed, of so many."""
        if not self.first.is_on():
            return
        with self._passed.get_lock():
            # Under the lock, so the first and the last to take it are the first and the last.
            ns = perf_counter_ns() - self._set_ns.value
            self._passed.value += 1
            if self._passed.value == 1:
                self.first.record(ns)
            if self._passed.value == waiter_count:
                self.last.record(ns)


def new_conditions(setting, count):
    """Conditions of Python with one lock for the parties of `setting`."""
    if setting.is_async:
        import asyncio

        lock = asyncio.Lock()
        return [AsyncCondition(asyncio.Condition(lock)) for _ in range(count)]
    module = setting.context or threading
    lock = module.Lock()
    return [Condition(module.Condition(lock)) for _ in range(count)]


def new_event(setting):
    """The event of Python for the parties of `setting`."""
    if setting.is_async:
        import asyncio

        return AsyncEvent(asyncio.Event())
    return Event((setting.context or threading).Event())


class Condition:
    """A condition of `threading` or of `multiprocessing`."""

    def __init__(self, condition):
        self._condition = condition

    def locked(self):
        """For `async with`."""
        return self

    async def __aenter__(self):
        self._condition.acquire()

    async def __aexit__(self, *_):
        self._condition.release()

    def wake(self, everybody):
        if everybody:
            self._condition.notify_all()
        else:
            self._condition.notify()

    async def wait(self, party, what):
        party.waits_for(what)
        # Without a limit, so that a wake-up that is lost is not repaired. `halt` wakes everybody.
        self._condition.wait()
        party.look()
        party.goes_on()

    def halt(self):
        with self._condition:
            self._condition.notify_all()


class AsyncCondition:
    """The condition of `asyncio`."""

    def __init__(self, condition):
        self._condition = condition

    def locked(self):
        return self._condition

    def wake(self, everybody):
        if everybody:
            self._condition.notify_all()
        else:
            self._condition.notify()

    async def wait(self, party, what):
        party.waits_for(what)
        await self._condition.wait()
        party.goes_on()


class Event:
    """An event of `threading` or of `multiprocessing`."""

    def __init__(self, event):
        self._event = event

    def set(self):
        self._event.set()

    def clear(self):
        self._event.clear()

    async def wait(self, party, what):
        if self._event.is_set():
            return
        party.waits_for(what)
        # `halt` sets it.
        self._event.wait()
        party.look()
        party.goes_on()


class AsyncEvent(Event):
    """The event of `asyncio`."""

    async def wait(self, party, what):
        party.waits_for(what)
        await self._event.wait()
        party.goes_on()
