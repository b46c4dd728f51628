"""The queues of Python, in one interface. FORMAT.md lists the words for their forms."""

import queue

import shared
from parties import LOOK_S
from protocol import CaseFailed

_ROOM = b"room in the queue"
_ITEM = b"an item in the queue"


class Channels:
    """Makes channels of one form, and ends what they need when they are no longer used."""

    def __init__(self, form, setting):
        self._context = setting.context
        self._is_async = setting.is_async
        self._form = form
        self._server = shared.Server(setting.context) if form == "manager-queue" else None

    def open(self, capacity):
        """A channel that holds so many items; any number if `capacity` is "unbounded"."""
        if capacity == 0:
            raise CaseFailed("set-up", "a queue of CPython holds at least one item")
        # To all queues, 0 is no limit.
        limit = 0 if capacity == "unbounded" else capacity
        if self._is_async:
            import asyncio

            return AsyncQueue(asyncio.Queue(limit))
        if self._form == "connection":
            return Connection(self._context.Pipe(duplex=False))
        if self._form == "manager-queue":
            return ProcessQueue(self._server.manager.Queue(limit))
        return ThreadQueue(queue.Queue(limit)) if self._context is None else ProcessQueue(self._context.Queue(limit))

    def __getstate__(self):
        # Workers use what is open.
        return {}

    def close(self):
        if self._server is not None:
            self._server.close()


class ThreadQueue:
    """`queue.Queue`. A thread that waits looks now and then whether the run has failed: nobody else can end it."""

    def __init__(self, items):
        self._items = items

    async def put(self, party, item):
        try:
            self._items.put(item, block=False)
            return
        except queue.Full:
            party.waits_for(_ROOM)
        while True:
            try:
                self._items.put(item, timeout=LOOK_S)
                return party.goes_on()
            except queue.Full:
                party.look()

    async def get(self, party):
        try:
            return self._items.get(block=False)
        except queue.Empty:
            party.waits_for(_ITEM)
        while True:
            try:
                item = self._items.get(timeout=LOOK_S)
                party.goes_on()
                return item
            except queue.Empty:
                party.look()


class ProcessQueue:
    """`multiprocessing.Queue`, or the queue of a manager. To try first would take a system call or a request to the
    manager, which costs far more than to say beforehand that the party waits."""

    def __init__(self, items):
        self._items = items

    async def put(self, party, item):
        party.waits_for(_ROOM)
        self._items.put(item)
        party.goes_on()

    async def get(self, party):
        party.waits_for(_ITEM)
        item = self._items.get()
        party.goes_on()
        return item


class Connection:
    """The two ends of `multiprocessing.Pipe`, each of which has one user. It holds as many items as the system gives it
    room for."""

    def __init__(self, ends):
        self._reader, self._writer = ends

    async def put(self, party, item):
        party.waits_for(_ROOM)
        self._writer.send(item)
        party.goes_on()

    async def get(self, party):
        party.waits_for(_ITEM)
        item = self._reader.recv()
        party.goes_on()
        return item


class AsyncQueue:
    """`asyncio.Queue`."""

    def __init__(self, items):
        self._items = items

    async def put(self, party, item):
        if not self._items.full():
            return await self._items.put(item)
        party.waits_for(_ROOM)
        await self._items.put(item)
        party.goes_on()

    async def get(self, party):
        if not self._items.empty():
            return await self._items.get()
        party.waits_for(_ITEM)
        item = await self._items.get()
        party.goes_on()
        return item
