"""Numbers that all tasks share, whether they run in one process or in several."""

import threading


class LocalNumber:
    """A number that the threads of one process share, with the interface of `multiprocessing.Value`."""

    def __init__(self, lock):
        self.value = 0
        self._lock = lock

    def get_lock(self):
        return self._lock


def number(context):
    """A number with a lock. `context` is that of `multiprocessing` in which tasks run; `None` if they run in this
    process."""
    return LocalNumber(threading.Lock()) if context is None else context.Value("q", 0)


def add(number, amount):
    """Adds to a number under its lock. Returns what it was before."""
    with number.get_lock():
        before = number.value
        number.value = before + amount
    return before
