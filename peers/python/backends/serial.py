"""A plain loop."""

from protocol import text_of
from work import execute

from .base import Backend, raised


class Serial(Backend):
    name = "serial"
    family = "serial"
    why = "CPython, a plain loop: what the interpreter itself costs"
    fixed_worker_count = 1

    def run(self, nonce):
        values = []
        # Every predecessor of a task has a smaller number, so this order is always possible.
        for task, predecessors in enumerate(self._graph.predecessors):
            inputs = [values[predecessor] for predecessor in predecessors]
            try:
                values.append(execute(task, nonce, inputs))
            except BaseException as error:  # Even SystemExit, as in all other backends.
                raise raised(task, text_of(error)) from error
        return values
