"""Kernels whose tasks increment one counter, or add to one variable and subtract from it."""

import threading

import shared
from kernels import Kernel
from protocol import CaseFailed

# Each thread has its own. The attribute of a task is set before it is used.
_mine = threading.local()


class Counter(Kernel):
    """A counter from which no increment may be missing."""

    def __init__(self, parameters):
        self._increments = parameters["increments"]

    def verify(self, task_run_count):
        expected = self._increments * task_run_count
        if self.value() != expected:
            raise CaseFailed("kernel-check", f"the counter is {self.value()} after {expected} increments")
        return {}

    def value(self):
        """What the counter is. No task is running."""
        raise NotImplementedError


class NumberCounter(Counter):
    """Increments a number under its lock."""

    def __init__(self, parameters, number):
        super().__init__(parameters)
        self._number = number

    def run(self, seed, task):
        number = self._number
        lock = number.get_lock()
        for _ in range(self._increments):
            with lock:
                number.value += 1
        return seed

    def reset(self):
        self._number.value = 0

    def value(self):
        return self._number.value


class RacyCounter(NumberCounter):
    """Increments a number without a lock. Updates may be lost."""

    def run(self, seed, task):
        number = self._number
        for _ in range(self._increments):
            number.value += 1
        return seed

    def verify(self, task_run_count):
        lost = self._increments * task_run_count - self.value()
        # There cannot be more updates than increments.
        return {"lost_updates_count": lost} if lost >= 0 else super().verify(task_run_count)


class ThreadLocalCounter(NumberCounter):
    """Increments an attribute of a `threading.local`, and adds it to a number at the end."""

    def run(self, seed, task):
        _mine.count = 0
        for _ in range(self._increments):
            _mine.count += 1
        shared.add(self._number, _mine.count)
        return seed


class SharedMemoryCounter(Counter):
    """Increments 8 bytes of a `SharedMemory` under a lock."""

    def __init__(self, parameters, context):
        super().__init__(parameters)
        from multiprocessing.shared_memory import SharedMemory

        self._memory = SharedMemory(create=True, size=8)
        self._lock = context.Lock()

    def run(self, seed, task):
        lock = self._lock
        # The memory can be closed only when nobody looks at it.
        with self._memory.buf[:8].cast("q") as words:
            for _ in range(self._increments):
                with lock:
                    words[0] += 1
        return seed

    def reset(self):
        self._memory.buf[:8] = bytes(8)

    def value(self):
        return int.from_bytes(self._memory.buf[:8], "little")

    def close(self):
        self._memory.close()
        self._memory.unlink()


class ManagerDictCounter(Counter):
    """Increments an entry of a manager's dictionary under a lock of the manager."""

    def __init__(self, parameters, context):
        super().__init__(parameters)
        self._server = shared.Server(context)
        self._numbers = self._server.manager.dict(count=0)
        self._lock = self._server.manager.Lock()

    def run(self, seed, task):
        numbers, lock = self._numbers, self._lock
        for _ in range(self._increments):
            with lock:
                numbers["count"] += 1
        return seed

    def reset(self):
        self._numbers["count"] = 0

    def value(self):
        return self._numbers["count"]

    def close(self):
        self._server.close()


class ManagerListCounter(Counter):
    """Appends to a manager's list, which needs no lock. The counter is its length."""

    def __init__(self, parameters, context):
        super().__init__(parameters)
        self._server = shared.Server(context)
        self._items = self._server.manager.list()

    def run(self, seed, task):
        items = self._items
        for _ in range(self._increments):
            items.append(None)
        return seed

    def reset(self):
        self._items[:] = []

    def value(self):
        return len(self._items)

    def close(self):
        self._server.close()


class PlusMinus(Kernel):
    """Adds one to a variable and subtracts it again, each time under its lock."""

    def __init__(self, parameters, number):
        self._pairs = parameters["pairs"]
        self._number = number

    def run(self, seed, task):
        number = self._number
        lock = number.get_lock()
        for _ in range(self._pairs):
            with lock:
                number.value += 1
            with lock:
                number.value -= 1
        return seed

    def reset(self):
        self._number.value = 0

    def verify(self, task_run_count):
        if self._number.value != 0:
            found = f"the variable is {self._number.value} after as many subtractions as additions of one"
            raise CaseFailed("kernel-check", found)
        return {}


class RacyPlusMinus(PlusMinus):
    """As `PlusMinus`, without a lock. The variable may end at something other than 0."""

    def run(self, seed, task):
        number = self._number
        for _ in range(self._pairs):
            number.value += 1
            number.value -= 1
        return seed

    def verify(self, task_run_count):
        return {"off_by_count": abs(self._number.value)}


# How to build each kernel, from its parameters and its setting.
KERNELS = {
    "counter/variant=racy": lambda parameters, setting: RacyCounter(parameters, shared.new_bare_number(setting.context)),
    "counter/variant=mutex": lambda parameters, setting: NumberCounter(parameters, shared.new_number(setting.context)),
    "counter/variant=thread-local": lambda parameters, setting: ThreadLocalCounter(parameters, shared.new_number(setting.context)),
    "plus-minus/variant=racy": lambda parameters, setting: RacyPlusMinus(parameters, shared.new_bare_number(setting.context)),
    "plus-minus/variant=mutex": lambda parameters, setting: PlusMinus(parameters, shared.new_number(setting.context)),
}

# The same for kernels that need processes.
OF_PROCESSES = {
    "counter/variant=shared-memory": lambda parameters, setting: SharedMemoryCounter(parameters, setting.context),
    "counter/variant=manager-dict": lambda parameters, setting: ManagerDictCounter(parameters, setting.context),
    "counter/variant=manager-list": lambda parameters, setting: ManagerListCounter(parameters, setting.context),
}
