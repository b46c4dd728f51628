"""A counter with one owner, to which all other parties send messages."""

import shared
from protocol import CaseFailed

from .base import OverChannels

# How many messages the mailbox of the owner holds.
_MAILBOX_CAPACITY = 4096

# The message of a party that has sent all its increments. Any other message is the amount of an increment.
_END = 0


class Actor(OverChannels):
    """Party 0 owns the counter. Each other party sends it one message per increment.

    Invariant: the counter is the number of increments. No lock protects it: only its owner uses it.
    """

    def __init__(self, parameters, setting):
        super().__init__(parameters, setting)
        # By each party but the owner.
        self._increments = parameters["increments"]
        self._mailbox = self._channels.open(_MAILBOX_CAPACITY)
        self._counter = shared.new_bare_number(setting.context)

    async def take_part(self, party, seed):
        await (self._own(party) if party.index == 0 else self._send(party))
        return seed

    async def _own(self, party):
        mailbox, counter = self._mailbox, self._counter
        busy_count = self._party_count - 1
        while busy_count > 0:
            amount = await mailbox.get(party)
            if amount == _END:
                busy_count -= 1
            else:
                counter.value += amount

    async def _send(self, party):
        mailbox = self._mailbox
        for _ in range(self._increments):
            await mailbox.put(party, 1)
        await mailbox.put(party, _END)

    def reset(self):
        self._counter.value = 0

    def verify(self, task_run_count):
        run_count = task_run_count // self._party_count
        expected = self._increments * (self._party_count - 1) * run_count
        if self._counter.value != expected:
            found = f"the counter of the owner is {self._counter.value} after {expected} increments"
            raise CaseFailed("kernel-check", found)
        return {}
