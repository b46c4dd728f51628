"""`asyncio`: tasks on one event loop, in one thread."""

from graph import Run
from work import attempt_async

from .base import Backend, value_of


class Asyncio(Backend):
    name = "asyncio"
    family = "async"
    why = "CPython, asyncio tasks on one event loop: any number of them can wait, but only one computes"
    fixed_worker_count = 1
    waits_per_worker = None

    def __init__(self, plan):
        super().__init__(plan)
        self._loop = asyncio.get_event_loop()

    @staticmethod
    def before_kernel():
        # It takes longer to import than all the rest of the child. No other backend waits for that.
        global asyncio
        import asyncio

        # Before Python 3.10, a lock belongs to the loop that is the current one when the lock is made.
        asyncio.set_event_loop(asyncio.new_event_loop())

    def run(self, nonce):
        return self._loop.run_until_complete(self._run(nonce))

    async def _run(self, nonce):
        run = Run(self._graph)
        # The tasks on the loop that have not been collected.
        pending = set()
        ready = self._graph.sources
        while run.left:
            for number in ready:
                call = attempt_async(number, nonce, run.inputs(number))
                pending.add(self._loop.create_task(call))
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            ready = []
            for task in done:
                ready.extend(run.finish(*value_of(task.result())))
        return run.values

    def stop(self):
        self._loop.close()

    def abort(self):
        self._loop.run_until_complete(_cancel_all())
        self._loop.close()


async def _cancel_all():
    pending = asyncio.all_tasks() - {asyncio.current_task()}
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
