"""The module `concurrent.futures`: its two executors are used in the same way."""

import contextlib
import multiprocessing
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool

import work
from protocol import CaseFailed, text_of

from .base import Backend, drive, drive_levels, raised, value_of


class Executor(Backend):
    """Hands tasks to an executor and collects their values in one of three ways."""

    options = {"collect": ["wait", "map", "as-completed"]}

    def __init__(self, plan):
        super().__init__(plan)
        self._collect = plan.options["collect"]
        self._levels = plan.graph.levels()
        self._executor = self._new_executor(plan)
        # The task of each future whose value has not been collected, and futures that are known to be done.
        self._tasks = {}
        self._done = []

    def _new_executor(self, plan):
        raise NotImplementedError

    def start(self):
        # An executor starts its workers when there is something to do.
        list(self._executor.map(work.answer, range(self._plan.worker_count)))

    def run(self, nonce):
        if self._collect == "wait":
            return drive(self._graph, nonce, self._submit, self._receive)
        run_level = self._map if self._collect == "map" else self._as_completed
        return drive_levels(self._graph, self._levels, nonce, run_level)

    def _submit(self, *call):
        future = self._executor.submit(work.execute, *call)
        self._tasks[future] = call[0]
        return future

    def _receive(self):
        if not self._done:
            self._done.extend(futures.wait(self._tasks, return_when=futures.FIRST_COMPLETED).done)
        return self._value_of(self._done.pop())

    def _map(self, calls):
        # Not `execute`, because an iterator cannot hand on every exception: it would raise another one for StopIteration.
        return map(value_of, self._executor.map(work.attempt, *zip(*calls)))

    def _as_completed(self, calls):
        level = [self._submit(*call) for call in calls]
        return map(self._value_of, futures.as_completed(level))

    def _value_of(self, future):
        task = self._tasks.pop(future)
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            raise error
        if error is not None:
            raise raised(task, text_of(error)) from error
        return task, future.result()

    def stop(self):
        self._executor.shutdown()

    def abort(self):
        self._executor.shutdown(cancel_futures=True)


class ThreadPool(Executor):
    name = "thread-pool"
    family = "threads"
    why = "CPython, ThreadPoolExecutor: submit and wait, or (level by level) map or as_completed"

    def _new_executor(self, plan):
        return futures.ThreadPoolExecutor(plan.worker_count)


class ProcessExecutor(Executor):
    name = "process-executor"
    family = "processes"
    why = "CPython, ProcessPoolExecutor: submit and wait, or (level by level) map or as_completed"
    options = {**Executor.options, "start_method": ["fork", "forkserver", "spawn"]}

    @staticmethod
    def context(options):
        return multiprocessing.get_context(options["start_method"])

    def _new_executor(self, plan):
        return futures.ProcessPoolExecutor(
            plan.worker_count,
            mp_context=self.context(plan.options),
            initializer=work.enter,
            initargs=(plan.kernel,),
        )

    def start(self):
        with noticing_dead_workers():
            super().start()

    def run(self, nonce):
        with noticing_dead_workers():
            return super().run(nonce)

    def abort(self):
        # These are its workers and, for some kernels, a manager. The executor notices that its workers are gone, and drops
        # what has not begun. It is shut down afterwards, because only the first call can wait for its thread.
        for process in multiprocessing.active_children():
            process.terminate()
        self._executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def noticing_dead_workers():
    """Tells that the executor has lost a worker. It does so wherever it is asked next: also when it gets another task."""
    try:
        yield
    except BrokenProcessPool as error:
        raise CaseFailed("worker-died", text_of(error)) from error
