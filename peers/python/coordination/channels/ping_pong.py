"""Two parties that send each other one message at a time."""

from array import array
from time import perf_counter_ns

from latency import Recorder
from parties import Violated
from work import mix

from .base import OverChannels


class PingPong(OverChannels):
    """Invariant: the messages are a hash chain, so none can be left out, repeated or exchanged. Both parties check every
    message, and the end of the chain is in their outputs."""

    def __init__(self, parameters, setting):
        super().__init__(parameters, setting)
        # What each party must receive and send is computed beforehand: computing it takes longer than a queue does.
        self._links = array("Q", [0])
        for _ in range(2 * parameters["round_trips"]):
            self._links.append(mix(self._links[-1]))
        self._there = self._channels.open(1)
        self._back = self._channels.open(1)
        self._hand_overs = Recorder(setting.context)

    async def take_part(self, party, seed):
        await (self._serve(party) if party.index == 0 else self._answer(party))
        return mix(seed ^ self._links[-1])

    async def _serve(self, party):
        """Begins each round trip. Half of the time that it takes is the latency of a hand-over."""
        links = self._links
        is_timed = self._hand_overs.is_on()
        for index in range(0, len(links) - 1, 2):
            sent_ns = perf_counter_ns() if is_timed else 0
            await self._there.put(party, links[index])
            found = await self._back.get(party)
            if is_timed:
                self._hand_overs.record((perf_counter_ns() - sent_ns) // 2)
            _compare(found, links[index + 1], party, index // 2)

    async def _answer(self, party):
        links = self._links
        for index in range(0, len(links) - 1, 2):
            _compare(await self._there.get(party), links[index], party, index // 2)
            await self._back.put(party, links[index + 1])

    def record_latencies(self, on):
        self._hand_overs.switch(on)

    def take_latencies(self):
        return {"hand_over": self._hand_overs.take()}


def _compare(found, expected, party, round_trip):
    if found != expected:
        raise Violated(
            f"the message that party {party.index} received in round trip {round_trip} does not follow from the one before"
        )
