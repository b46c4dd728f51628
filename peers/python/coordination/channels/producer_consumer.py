"""Producers that send items through one channel, and consumers that receive them."""

from time import perf_counter_ns

import shared
from latency import Recorder
from parties import Violated
from protocol import CaseFailed

from .base import OverChannels

# What a producer sends last, and what ends a consumer.
_DONE = -1
_END = -2


class ProducerConsumer(OverChannels):
    """Each producer says when it has sent all. The consumer that hears it from the last one ends the others: only then
    have all items arrived, because each process has a thread of its own that moves items into a queue.

    Invariant: each consumer receives items of each producer in the order in which they were sent. All consumers together
    receive every item once: their number is right, and so is the sum of their squares, which an item that arrives instead
    of another one would change.
    """

    def __init__(self, parameters, setting):
        super().__init__(parameters, setting)
        self._producer_count = parameters["producers"]
        self._consumer_count = parameters["consumers"]
        # The items of each producer. Item i of producer p is the number p * items + i.
        self._item_count = parameters["items"]
        self._channel = self._channels.open(parameters["capacity"])
        self._done_count = shared.new_number(setting.context)
        self._received_count = shared.new_number(setting.context)
        self._received_sum = shared.new_number(setting.context)
        self._hand_overs = Recorder(setting.context)

    async def take_part(self, party, seed):
        await (self._produce(party) if party.index < self._producer_count else self._consume(party))
        return seed

    async def _produce(self, party):
        channel = self._channel
        is_timed = self._hand_overs.is_on()
        first = party.index * self._item_count
        for item in range(first, first + self._item_count):
            await channel.put(party, (item, perf_counter_ns()) if is_timed else item)
        await channel.put(party, _DONE)

    async def _consume(self, party):
        channel, item_count = self._channel, self._item_count
        is_timed = self._hand_overs.is_on()
        # The lowest number that may come next, by producer.
        lowest = [producer * item_count for producer in range(self._producer_count)]
        count = squares = 0
        while True:
            item = await channel.get(party)
            if is_timed and isinstance(item, tuple):
                item, sent_ns = item
                self._hand_overs.record(perf_counter_ns() - sent_ns)
            if item < 0:
                if item == _END or await self._is_last(party):
                    break
                continue
            producer = item // item_count
            if item < lowest[producer]:
                raise Violated(f"party {party.index} received item {item} of party {producer} after {lowest[producer] - 1}")
            lowest[producer] = item + 1
            count += 1
            squares += item * item
        shared.add(self._received_count, count)
        shared.add(self._received_sum, squares & shared.MASK)

    async def _is_last(self, party):
        """Counts a producer that has sent all. After the last one, ends the other consumers and returns `True`."""
        if (shared.add(self._done_count, 1) + 1) % self._producer_count != 0:
            return False
        for _ in range(self._consumer_count - 1):
            await self._channel.put(party, _END)
        return True

    def reset(self):
        for number in self._done_count, self._received_count, self._received_sum:
            number.value = 0

    def verify(self, task_run_count):
        run_count = task_run_count // self._party_count
        item_count = self._producer_count * self._item_count
        if self._received_count.value != run_count * item_count:
            found = f"{self._received_count.value} items arrived instead of {run_count * item_count}"
            raise CaseFailed("kernel-check", found)
        squares = run_count * shared.sum_of_squares(item_count)
        if self._received_sum.value & shared.MASK != squares & shared.MASK:
            raise CaseFailed("kernel-check", "an item arrived twice, and another one never")
        return {}

    def record_latencies(self, on):
        self._hand_overs.switch(on)

    def take_latencies(self):
        return {"hand_over": self._hand_overs.take()}
