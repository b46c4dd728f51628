"""`asyncio`: tasks on one event loop, in one thread."""

import asyncio

from protocol import text_of
from work import execute_async

from .base import Backend, Run, raised


class Asyncio(Backend):
    name = "asyncio"
    family = "async"
    why = "CPython, asyncio tasks on one event loop: any number of them can wait, but only one computes"
    fixed_worker_count = 1
    waits_per_worker = None

    def __init__(self, plan):
        super().__init__(plan)
        self._loop = asyncio.new_event_loop()

    def run(self, nonce):
        return self._loop.run_until_complete(self._run(nonce))

    async def _run(self, nonce):
        run = Run(self._graph)
        # The number of each task of the graph whose task on the loop has not been collected.
        numbers = {}
        ready = self._graph.sources
        while run.left:
            for number in ready:
                call = execute_async(number, nonce, run.inputs(number))
                numbers[self._loop.create_task(call)] = number
            done, _ = await asyncio.wait(numbers, return_when=asyncio.FIRST_COMPLETED)
            ready = []
            for task in done:
                ready.extend(self._collect(run, numbers.pop(task), task))
        return run.values

    def _collect(self, run, number, task):
        error = task.exception()
        if error is not None:
            raise raised(number, text_of(error)) from error
        return run.finish(number, task.result())

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
