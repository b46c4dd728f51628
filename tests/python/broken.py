"""Primitives that break what the tasks of a workload rely on."""

import threading
from collections import deque


class Open:
    """A barrier that lets everybody through."""

    async def wait(self, party):
        pass

    async def meet(self, party, patience_s):
        return True

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


class OpenLock:
    """A lock that lets everybody in."""

    def functions(self):
        return lambda *_: True, lambda: None


class OpenEvent:
    """An event that nobody needs to set."""

    async def wait(self, party, what):
        pass

    def set(self):
        pass


class OpenCondition:
    """A condition without a lock, where nobody waits."""

    def locked(self):
        return self

    async def __aenter__(self):
        pass

    async def __aexit__(self, *_):
        pass

    def wake(self, everybody):
        pass


class WideSemaphore:
    """Has one permit too many, and runs something else while the first connection is used."""

    def __init__(self, meanwhile):
        self._meanwhile = meanwhile

    async def acquire(self, party):
        pass

    def release(self):
        pass

    async def pause(self, seconds):
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            meanwhile()


class Later:
    """A function that has an effect when the caller goes on."""

    def __init__(self, function):
        self._thread = threading.Thread(target=function)

    def __call__(self):
        self._thread.start()

    def join(self):
        self._thread.join()


class Alarm:
    """A timer that is always due at once."""

    def __init__(self, delay_s, function):
        Later(function)()


class Interrupted:
    """A number. Something else runs when it has been read this many times, before anybody writes it again."""

    def __init__(self, meanwhile, read_count=1, value=0):
        self._value = value
        self._meanwhile = meanwhile
        self._left = read_count

    @property
    def value(self):
        found = self._value
        self._left -= 1
        if self._left == 0:
            self._meanwhile()
        return found

    @value.setter
    def value(self, value):
        self._value = value
