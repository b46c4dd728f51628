"""The child with kernels that fail, and with an interpreter that says it has no global lock."""

import os
import sys
import time

from parent import NONCE, PEER

sys.path.insert(0, PEER)

import child
import kernels
import work


class Faulty(kernels.Kernel):
    """Knows a task by its seed in the first run."""

    def __init__(self, parameters):
        self.parameters = parameters
        self._tasks = {work._seed(task, NONCE, []): task for task in range(64)}

    def run(self, seed):
        self.run_task(self._tasks[seed])
        return seed

    def exists(self, name):
        return os.path.exists(os.path.join(self.parameters["folder"], name))

    def create(self, name):
        with open(os.path.join(self.parameters["folder"], name), "x"):
            pass


class Raising(Faulty):
    """Task 0 raises at once."""

    def run_task(self, task):
        self.create(f"task-{task}")
        if task == 0:
            raise ValueError("out of cheese")


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


class Printing(kernels.Kernel):
    def run(self, seed):
        print("a task says something", flush=True)
        return seed


for kernel in Raising, RaisingLater, Endless, Dying:
    kernels.KERNELS[kernel.__name__] = lambda parameters, context, kernel=kernel: kernel(parameters)
kernels.KERNELS["Printing"] = lambda parameters, context: Printing()

if __name__ == "__main__":
    sys._is_gil_enabled = lambda: False
    sys.exit(child.main())
