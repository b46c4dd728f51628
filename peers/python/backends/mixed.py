"""Processes with threads: a master hands requests to workers that were forked before, each with several threads."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import wait

from protocol import CaseFailed
from work import attempt, enter

from .base import Backend, drive, value_of


class Mixed(Backend):
    """Workers are threads, counted over all processes: 4 workers with 2 threads per process are 2 processes."""

    name = "mixed"
    family = "mixed"
    why = "CPython, a master hands requests through pipes to pre-forked processes, each with a pool of threads"
    # The threads of each process.
    options = {"threads": ["2", "1", "4", "8"]}

    def __init__(self, plan):
        super().__init__(plan)
        self._context = self.context(plan.options)
        # The threads of each process that have nothing to do, by the pipe to the process.
        self._idle_counts = {}
        self._processes = {}

    @staticmethod
    def context(options):
        return multiprocessing.get_context("fork")

    def start(self):
        threads_per_process = int(self._plan.options["threads"])
        for first in range(0, self._plan.worker_count, threads_per_process):
            thread_count = min(threads_per_process, self._plan.worker_count - first)
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=_serve, args=(self._plan.kernel, theirs, thread_count))
            process.start()
            theirs.close()
            self._processes[ours] = process
            self._idle_counts[ours] = thread_count
        for pipe in self._processes:
            # Each process says that it is there.
            self._receive_from(pipe)

    def run(self, nonce):
        return drive(self._graph, nonce, self._submit, self._receive, self._plan.worker_count)

    def _submit(self, *call):
        pipe = max(self._idle_counts, key=self._idle_counts.get)
        self._idle_counts[pipe] -= 1
        self._send_to(pipe, call)

    def _receive(self):
        pipe = wait(self._processes)[0]
        report = self._receive_from(pipe)
        self._idle_counts[pipe] += 1
        return value_of(report)

    def _send_to(self, pipe, request):
        try:
            pipe.send(request)
        except ConnectionError:
            raise self._death_of(pipe) from None

    def _receive_from(self, pipe):
        try:
            return pipe.recv()
        except (EOFError, OSError):  # The second also if it died with half of a report in the pipe.
            raise self._death_of(pipe) from None

    def _death_of(self, pipe):
        process = self._processes[pipe]
        process.join()
        return CaseFailed("worker-died", f"a worker ended with the exit code {process.exitcode}")

    def stop(self):
        for pipe, process in self._processes.items():
            self._send_to(pipe, None)
            process.join()

    def abort(self):
        for process in self._processes.values():
            process.terminate()
            process.join()


def _serve(kernel, pipe, thread_count):
    """The worker: hands each request to its threads until it receives `None`."""
    enter(kernel)
    lock = threading.Lock()

    def run_and_send(*call):
        report = attempt(*call)
        with lock:
            pipe.send(report)

    with ThreadPoolExecutor(thread_count) as threads:
        pipe.send(None)
        while True:
            call = pipe.recv()
            if call is None:
                return
            threads.submit(run_and_send, *call)
