"""The module `threading` alone: one thread per task, or threads that share a queue."""

import queue
import threading

from protocol import CaseFailed
from work import attempt

from .base import Backend, drive, value_of

# How long a thread may take to end once it has nothing to do. Only a thread that hangs takes this long.
_JOIN_TIMEOUT_S = 10


class Threads(Backend):
    """One new thread per task, and at most as many at once as there are workers."""

    name = "threads"
    family = "threads"
    why = "CPython, one new threading.Thread per task, at most as many at once as there are workers"
    options = {"daemon": ["no", "yes"]}

    def __init__(self, plan):
        super().__init__(plan)
        self._is_daemon = plan.options["daemon"] == "yes"
        self._reports = queue.SimpleQueue()
        self._threads = {}

    def run(self, nonce):
        return drive(self._graph, nonce, self._submit, self._receive, self._plan.worker_count)

    def _submit(self, *call):
        thread = threading.Thread(target=self._report, args=call, daemon=self._is_daemon)
        self._threads[call[0]] = thread
        thread.start()

    def _report(self, *call):
        self._reports.put(attempt(*call))

    def _receive(self):
        report = self._reports.get()
        self._threads.pop(report[0]).join()
        return value_of(report)

    def stop(self):
        # There are threads only after a failure.
        for thread in self._threads.values():
            thread.join()


class QueueWorkers(Backend):
    """Threads that take tasks from one queue until they find `None` in it."""

    name = "queue-workers"
    family = "threads"
    why = "CPython, as many threads as workers, which take tasks from one queue.Queue; join with time-out at the end"

    def __init__(self, plan):
        super().__init__(plan)
        self._calls = queue.Queue()
        self._reports = queue.Queue()
        self._threads = [threading.Thread(target=self._serve) for _ in range(plan.worker_count)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def _serve(self):
        while True:
            call = self._calls.get()
            if call is None:
                return
            self._reports.put(attempt(*call))

    def run(self, nonce):
        return drive(self._graph, nonce, lambda *call: self._calls.put(call), self._receive)

    def _receive(self):
        return value_of(self._reports.get())

    def stop(self):
        self._leave()
        for thread in self._threads:
            thread.join(_JOIN_TIMEOUT_S)
            if thread.is_alive():
                raise CaseFailed("backend", f"a thread did not end within {_JOIN_TIMEOUT_S} seconds")

    def abort(self):
        try:
            while True:
                self._calls.get_nowait()
        except queue.Empty:
            self._leave()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _leave(self):
        for _ in self._threads:
            self._calls.put(None)
