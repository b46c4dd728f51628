"""Primitives that break what the tasks of a workload rely on."""

from collections import deque


class Open:
    """A barrier that lets everybody through."""

    async def wait(self, party):
        pass

    def abort(self):
        pass


class Items:
    """A queue that works, for one thread."""

    def __init__(self):
        self._items = deque()

    async def put(self, party, item):
        self._items.append(item)

    async def get(self, party):
        return self._items.popleft()


def fill(queue, *items):
    """Puts items into a queue before anybody uses it."""
    queue._items.extend(items)


class Dropping(Items):
    """Loses the second item."""

    _put_count = 0

    async def put(self, party, item):
        self._put_count += 1
        if self._put_count != 2:
            await super().put(party, item)


class Repeating(Dropping):
    """Has the first item once more instead of the second."""

    async def put(self, party, item):
        if self._put_count == 1:
            await Items.put(self, party, self._items[0])
        await super().put(party, item)


class Exchanging(Items):
    """Exchanges the first two items."""

    async def put(self, party, item):
        await super().put(party, item)
        if len(self._items) == 2:
            self._items.reverse()
