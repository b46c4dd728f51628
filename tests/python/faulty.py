"""The child with kernels that fail, and with an interpreter that says it has no global lock."""

import asyncio
import os
import sys
import time
from multiprocessing.connection import Connection

from parent import PEER

sys.path.insert(0, PEER)

import child
import coordination
import kernels
import registry


class Faulty(kernels.Kernel):
    def __init__(self, parameters):
        self.parameters = parameters

    def run(self, seed, task):
        self.run_task(task)
        return seed

    def exists(self, name):
        return os.path.exists(os.path.join(self.parameters["folder"], name))

    def create(self, name):
        with open(os.path.join(self.parameters["folder"], name), "x"):
            pass


class Mute(ValueError):
    """An exception whose text cannot be had."""

    def __str__(self):
        raise SystemExit("it says nothing")


# What a task may raise, with the text that is told. Some of these are no instances of Exception.
RAISED = {
    "ValueError: out of cheese": ValueError("out of cheese"),
    "SystemExit: 3": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "StopIteration: no more": StopIteration("no more"),
    "StopAsyncIteration: no more": StopAsyncIteration("no more"),
    "GeneratorExit": GeneratorExit(),
    "CancelledError: by itself": asyncio.CancelledError("by itself"),
    "FileNotFoundError: no ?": FileNotFoundError("no \udcff"),
    "Mute: (its text could not be read)": Mute(),
}


class Raising(Faulty):
    """Task 0 raises at once, and all others wait for a moment."""

    def run_task(self, task):
        if task == 0:
            raise RAISED[self.parameters["text"]]
        self.create(f"task-{task}")
        time.sleep(self.parameters["seconds"])


class RaisingLater(Faulty):
    """Task 0 raises when task 1 has begun. Task 1 goes on for a while, or for ever."""

    def run_task(self, task):
        if task == 0:
            while not self.exists("begun"):
                time.sleep(0.001)
            raise ValueError("out of cheese")
        if task == 1:
            self.create("begun")
            time.sleep(self.parameters["seconds"])
            self.create("ended")


class Endless(Faulty):
    def run_task(self, task):
        if task == 0:
            self.create("begun")
            time.sleep(10**6)


class Dying(Faulty):
    def run_task(self, task):
        if task == 0:
            os._exit(3)


class DyingHalfway(Faulty):
    """The process of task 0 ends when half of its report is in the pipe."""

    # How much of the report is sent.
    end = 5

    def run_task(self, task):
        if task == 0:
            Connection._send = lambda connection, report: self.send_a_part(connection, report)

    def send_a_part(self, connection, report):
        os.write(connection.fileno(), bytes(report)[: self.end])
        os._exit(3)


class DyingAfterwards(DyingHalfway):
    """The process of task 0 ends when its report is in the pipe."""

    end = None


class Waiting(kernels.Kernel):
    """The first task that waits raises. All others wait for ever."""

    def __init__(self, parameters):
        self._is_first = True

    async def run_async(self, seed, task):
        if self._is_first:
            self._is_first = False
            raise SystemExit("no patience")
        await asyncio.sleep(10**6)


class Stuck(Raising):
    """Never ends, after a failure too."""

    def __init__(self, parameters):
        super().__init__(parameters)
        child._END_TIMEOUT_S = 0.1

    def close(self):
        time.sleep(10**6)


class Leaving(coordination.BarrierWork):
    """The first party does not come to the barrier, where the others wait."""

    def __init__(self, parameters, setting):
        super().__init__({"phases": 1}, setting)

    async def take_part(self, party, seed):
        if party.index == 0:
            raise ValueError("the first party has left")
        return await super().take_part(party, seed)


class Printing(kernels.Kernel):
    def run(self, seed, task):
        print("a task says something", flush=True)
        return seed


for kernel in Raising, RaisingLater, Endless, Dying, DyingHalfway, DyingAfterwards, Waiting, Stuck:
    registry.KERNELS[kernel.__name__] = lambda parameters, setting, kernel=kernel: kernel(parameters)
registry.KERNELS["Leaving"] = Leaving
registry.KERNELS["Printing"] = lambda parameters, setting: Printing()

if __name__ == "__main__":
    sys._is_gil_enabled = lambda: False
    sys.exit(child.main())
