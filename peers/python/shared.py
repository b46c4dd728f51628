"""What all tasks share, whether they run in one process or in several."""

import threading

from work import end_with_parent

# The bits of a sum that are compared. They fit into every number.
MASK = (1 << 62) - 1


class LocalNumber:
    """A number that the threads of one process share, with the interface of `multiprocessing.Value`."""

    def __init__(self, lock):
        self.value = 0
        self._lock = lock

    def get_lock(self):
        return self._lock


def new_number(context):
    """A number with a lock. `context` is that of `multiprocessing` in which tasks run; `None` if they run in this
    process."""
    return LocalNumber(threading.Lock()) if context is None else context.Value("q", 0)


def add(number, amount):
    """Adds to a number under its lock. Returns what it was before."""
    with number.get_lock():
        before = number.value
        number.value = before + amount
    return before


def new_bare_number(context):
    """As `new_number`, without a lock."""
    return LocalNumber(None) if context is None else context.RawValue("q", 0)


class Server:
    """A manager of `multiprocessing`: a process that has the objects which others use through proxies."""

    def __init__(self, context):
        from multiprocessing.managers import SyncManager

        self.manager = SyncManager(ctx=context)
        self.manager.start(end_with_parent)

    def __getstate__(self):
        # Workers get proxies. Only the process that has started the manager can end it.
        return {"manager": None}

    def close(self):
        self.manager.shutdown()


def sum_of_squares(count):
    """0² + 1² + .. + (count - 1)²."""
    return (count - 1) * count * (2 * count - 1) // 6
