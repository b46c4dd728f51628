"""Timers that fire or are cancelled, and results in the order of their tasks or as they are ready."""

import threading
import time
from time import perf_counter_ns

import shared
from latency import Recorder
from parties import Violated
from protocol import CaseFailed
from work import mix

from .base import Coordinated
from .channels.forms import Channels
from .meeting import new_event

# An event loop counts time in floats, so its timers may be early by the last bits of a float.
_EARLY_NS = 1000


class TimerWork(Coordinated):
    """Parties that wait for their timers. Party 0 cancels the timers with odd numbers, and waits for its own.

    Invariant: every timer fires or is cancelled, once, and none fires before it is due.
    """

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._delay_s = parameters["delay_ms"] / 1000
        self._cancel = parameters["cancel"]
        self._start = _start_async if setting.is_async else _start_thread
        # Used under the lock of `_left_count`. Timers of processes are in their own process and cannot be cancelled.
        self._timers = [None] * setting.party_count
        self._due_ns = [0] * setting.party_count
        self._has_fired = [False] * setting.party_count
        self._is_cancelled = [False] * setting.party_count
        # Set when a timer has fired or was cancelled.
        self._is_over = [new_event(setting) for _ in range(setting.party_count)]
        self._left_count, self._fired_count, self._cancelled_count = (shared.new_number(setting.context) for _ in range(3))
        self._lateness = Recorder(setting.context)

    async def take_part(self, party, seed):
        index = party.index
        if self._cancel == "never":
            # Nobody else uses it.
            self._clear(index)
        due_ns = perf_counter_ns() + round(self._delay_s * 1e9)
        with self._left_count.get_lock():
            if not self._is_cancelled[index]:
                self._due_ns[index] = due_ns
                self._timers[index] = self._start(self._delay_s, lambda: self._fire(index))
        if index == 0 and self._cancel == "early":
            self._cancel_every_second()
        await self._is_over[index].wait(party, b"its timer")
        if self._has_fired[index]:
            self._check(index, perf_counter_ns() - due_ns)
        if (shared.add(self._left_count, 1) + 1) % self._party_count == 0 and self._cancel != "never":
            for other in range(self._party_count):
                self._clear(other)
        return seed

    def _check(self, index, late_ns):
        if late_ns < -_EARLY_NS:
            raise Violated(f"timer {index} fired {-late_ns} ns before it was due")
        if self._lateness.is_on():
            self._lateness.record(late_ns)

    def _fire(self, index):
        shared.add(self._fired_count, 1)
        with self._left_count.get_lock():
            self._has_fired[index] = True
        self._is_over[index].set()

    def _cancel_every_second(self):
        for index in range(1, self._party_count, 2):
            with self._left_count.get_lock():
                timer = self._timers[index]
                # `Timer.cancel` does not say whether it was in time. It certainly is before the timer is due.
                if timer is not None and perf_counter_ns() >= self._due_ns[index]:
                    continue
                self._is_cancelled[index] = True
                if timer is not None:
                    timer.cancel()
            shared.add(self._cancelled_count, 1)
            self._is_over[index].set()

    def _clear(self, index):
        self._timers[index] = None
        self._has_fired[index] = self._is_cancelled[index] = False
        self._is_over[index].clear()

    def halt(self):
        for event in self._is_over:
            event.set()

    def reset(self):
        self._left_count.value = self._fired_count.value = self._cancelled_count.value = 0

    def verify(self, task_run_count):
        fired, cancelled = self._fired_count.value, self._cancelled_count.value
        if fired + cancelled != task_run_count:
            raise CaseFailed("kernel-check", f"{fired} timers have fired and {cancelled} were cancelled, of {task_run_count}")
        return {"cancelled_timers_count": cancelled} if cancelled else {}

    def record_latencies(self, on):
        self._lateness.switch(on)

    def take_latencies(self):
        return {"lateness": self._lateness.take()}


def _start_thread(delay_s, function):
    """Starts a `threading.Timer`, which is a thread of its own."""
    timer = threading.Timer(delay_s, function)
    timer.start()
    return timer


def _start_async(delay_s, function):
    """Starts a timer of the event loop."""
    import asyncio

    return asyncio.get_running_loop().call_later(delay_s, function)


class MapOrderWork(Coordinated):
    """Parties that take different times, and a collector, party 0, that receives their results through a queue. If it wants
    them in the order of the parties, it keeps those that come too early.

    Invariant: the collector receives the result of each party once.
    """

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._is_in_order = parameters["order"] == "submitted"
        self._results = Channels("natural", setting).open("unbounded")
        sizes = shuffled(range(1, setting.party_count))
        self._delays_s = [0, *(size * parameters["step_ms"] / 1000 for size in sizes)]
        self._pause = _pause_async if setting.is_async else _pause
        self._collected_count = shared.new_number(setting.context)
        self._times = {name: Recorder(setting.context) for name in ("first", "median", "last")}

    async def take_part(self, party, seed):
        if party.index == 0:
            await self._collect(party)
        else:
            await self._pause(self._delays_s[party.index])
            await self._results.put(party, party.index)
        return seed

    async def _collect(self, party):
        start_ns = perf_counter_ns()
        is_timed = self._times["first"].is_on()
        received, times = set(), []
        for index in range(1, self._party_count):
            # The next one, or any other.
            while len(received) < index or (self._is_in_order and index not in received):
                result = await self._results.get(party)
                if result in received:
                    raise Violated(f"the result of party {result} was received twice")
                received.add(result)
            times.append(perf_counter_ns() - start_ns)
        shared.add(self._collected_count, len(times))
        if is_timed and times:
            for name, at in ("first", 0), ("median", (len(times) - 1) // 2), ("last", -1):
                self._times[name].record(times[at])

    def reset(self):
        self._collected_count.value = 0

    def verify(self, task_run_count):
        expected = (self._party_count - 1) * (task_run_count // self._party_count)
        if self._collected_count.value != expected:
            raise CaseFailed("kernel-check", f"{self._collected_count.value} results were received instead of {expected}")
        return {}

    def record_latencies(self, on):
        for recorder in self._times.values():
            recorder.switch(on)

    def take_latencies(self):
        return {name: recorder.take() for name, recorder in self._times.items()}


async def _pause(seconds):
    time.sleep(seconds)


async def _pause_async(seconds):
    import asyncio

    await asyncio.sleep(seconds)


def shuffled(items):
    """The items in the order that the program itself gives them, always the same (Fisher and Yates, seed 1)."""
    items = list(items)
    state = 1
    for last in range(len(items) - 1, 0, -1):
        chosen = mix(state) % (last + 1)
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        items[last], items[chosen] = items[chosen], items[last]
    return items
