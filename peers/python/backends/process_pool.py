"""`multiprocessing.Pool`."""

import multiprocessing
import queue

import work
from protocol import CaseFailed

from .base import Backend, drive, drive_levels, value_of


class ProcessPool(Backend):
    """Results of `apply_async` come through callbacks, because there is no way to wait for the first of many.

    The module starts a new worker when one dies, and forgets the task that it had. The case then ends when the parent
    runs out of patience.
    """

    name = "process-pool"
    family = "processes"
    why = "CPython, multiprocessing.Pool: apply_async, or (level by level) map with chunk sizes or imap_unordered"
    options = {
        "call": ["apply-async", "map", "map-chunk-1", "map-chunk-8", "imap-unordered", "imap-unordered-chunk-8"],
        "start_method": ["fork", "forkserver", "spawn"],
    }

    def __init__(self, plan):
        super().__init__(plan)
        self._call, _, chunk_len = plan.options["call"].partition("-chunk-")
        # Without a chunk size, the module chooses: four chunks per worker for `map`, and one task per chunk otherwise.
        self._chunk = {"chunksize": int(chunk_len)} if chunk_len else {}
        self._levels = plan.graph.levels()
        self._reports = queue.SimpleQueue()
        self._pool = self.context(plan.options).Pool(plan.worker_count, work.enter, (plan.kernel,))

    @staticmethod
    def context(options):
        return multiprocessing.get_context(options["start_method"])

    @classmethod
    def check_parties(cls, party_count, worker_count, options):
        super().check_parties(party_count, worker_count, options)
        if options["call"].endswith("-chunk-8") and party_count > 1:
            message = (
                f"with call={options['call']} one worker runs up to 8 tasks after each other, and they wait for each other:"
                " use another value of call"
            )
            raise CaseFailed("set-up", message)

    def start(self):
        self._pool.map(work.answer, range(self._plan.worker_count), chunksize=1)

    def run(self, nonce):
        if self._call == "apply-async":
            return drive(self._graph, nonce, self._submit, self._receive)
        return drive_levels(self._graph, self._levels, nonce, self._run_level)

    def _submit(self, *call):
        self._pool.apply_async(work.attempt, call, callback=self._reports.put, error_callback=self._reports.put)

    def _receive(self):
        report = self._reports.get()
        if isinstance(report, BaseException):
            raise report
        return value_of(report)

    def _run_level(self, calls):
        pool_map = self._pool.map if self._call == "map" else self._pool.imap_unordered
        return map(value_of, pool_map(work.attempt_one, calls, **self._chunk))

    def stop(self):
        self._pool.close()
        self._pool.join()

    def abort(self):
        self._pool.terminate()
        self._pool.join()
