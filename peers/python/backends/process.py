"""`multiprocessing.Process`, once per task."""

import multiprocessing
from multiprocessing.connection import wait
from time import monotonic

from protocol import CaseFailed
from work import attempt, enter

from .base import Backend, drive, value_of

# How long a process may take to end after it has sent its report.
_EXIT_TIMEOUT_S = 10


class Process(Backend):
    """One forked process per task, and at most as many at once as there are workers."""

    name = "process"
    family = "processes"
    why = "CPython, one forked multiprocessing.Process per task, at most as many at once as there are workers"

    def __init__(self, plan):
        super().__init__(plan)
        self._context = self.context(plan.options)
        # For each pipe: the task, its process, and when the process will be late. The oldest comes first.
        self._running = {}

    @staticmethod
    def context(options):
        return multiprocessing.get_context("fork")

    def run(self, nonce):
        return drive(self._graph, nonce, self._submit, self._receive, self._plan.worker_count)

    def _submit(self, *call):
        reader, writer = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_report, args=(self._plan.kernel, writer, *call))
        limit_s = self._plan.task_timeout_s
        self._running[reader] = call[0], process, None if limit_s is None else monotonic() + limit_s
        process.start()
        # Only the process itself can now write, so the pipe ends when the process does.
        writer.close()

    def _receive(self):
        reader = self._first_ready()
        task, process, _ = self._running[reader]
        try:
            report = reader.recv()
        except (EOFError, OSError):  # The second if it died with half of its report in the pipe.
            process.join()
            message = f"the process of task {task} ended without a value, with the exit code {process.exitcode}"
            raise CaseFailed("worker-died", message, task) from None
        process.join(_EXIT_TIMEOUT_S)
        if process.exitcode != 0:
            after_value = f"the process of task {task}, which has sent its value,"
            if process.exitcode is None:
                message = f"{after_value} did not end within {_EXIT_TIMEOUT_S} seconds"
            else:
                message = f"{after_value} ended with the exit code {process.exitcode}"
            raise CaseFailed("worker-died", message, task)
        del self._running[reader]
        reader.close()
        process.close()
        return value_of(report)

    def _first_ready(self):
        task, _, late_at = next(iter(self._running.values()))
        left_s = None if late_at is None else max(0, late_at - monotonic())
        for reader in wait(list(self._running), left_s):
            return reader
        raise CaseFailed("worker-died", f"task {task} was still running when its time was over", task)

    def stop(self):
        # There are processes only after a failure.
        for _, process, _ in self._running.values():
            if process.pid is not None:
                process.terminate()
                process.join()


def _report(kernel, writer, *call):
    enter(kernel)
    writer.send(attempt(*call))
