"""Parties in a ring that hand a token on, one hand-over at a time."""

import shared
from parties import Violated
from protocol import CaseFailed
from work import mix

from .base import OverChannels


class ThreadRing(OverChannels):
    """Party 0 has the token first. The last holder then sends its own number round the ring.

    Invariant: the token carries the number of its hand-overs, which each party knows beforehand. The output of every
    party contains the number of the last holder.
    """

    def __init__(self, parameters, setting):
        super().__init__(parameters, setting)
        self._hand_over_count = parameters["hand_overs"]
        # The channel at which each party receives.
        self._own = [self._channels.open(1) for _ in range(setting.party_count)]
        # How often any party has handed the token on.
        self._handed_over = shared.new_number(setting.context)

    async def take_part(self, party, seed):
        count = self._party_count
        own, following = self._own[party.index], self._own[(party.index + 1) % count]
        due = party.index
        passed_count = 0
        token = 0 if party.index == 0 else await own.get(party)
        # A negative number says who the last holder is: -1 is party 0.
        while token >= 0:
            if token != due:
                raise Violated(f"party {party.index} got the token of hand-over {token} instead of {due}")
            if token == self._hand_over_count:
                token = -1 - party.index
                break
            await following.put(party, token + 1)
            passed_count += 1
            due += count
            token = await own.get(party)
        last = -1 - token
        if (party.index + 1) % count != last:
            await following.put(party, token)
        shared.add(self._handed_over, passed_count)
        return mix(seed ^ last)

    def reset(self):
        self._handed_over.value = 0

    def verify(self, task_run_count):
        expected = self._hand_over_count * task_run_count // self._party_count
        if self._handed_over.value != expected:
            raise CaseFailed("kernel-check", f"{self._handed_over.value} hand-overs instead of {expected}")
        return {}
