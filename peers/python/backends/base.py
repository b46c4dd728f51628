"""What all backends share: their interface, and the loop that starts each task when its inputs are there."""

from collections import deque, namedtuple

from graph import Run
from protocol import CaseFailed

# What a backend needs to know: the graph, the kernel, the number of workers, the value of each option, and the time
# limit of one task in seconds, or `None`.
Plan = namedtuple("Plan", "graph kernel worker_count options task_timeout_s")


class Backend:
    """Runs the graph of a plan, any number of times."""

    # Without the prefix.
    name = None
    # serial, threads, async, processes or mixed.
    family = None
    why = None
    # The values of each option. The first one is the default.
    options = {}
    # The number of workers, if only one is possible.
    fixed_worker_count = None
    # How many tasks that only wait each worker can have at once. `None` for any number.
    waits_per_worker = 1

    def __init__(self, plan):
        self._plan = plan
        self._graph = plan.graph
        if plan.kernel.needs_all:
            self.check_parties(plan.graph.task_count, plan.worker_count, plan.options)

    @classmethod
    def describe(cls, name):
        """What the greeting says about this backend."""
        return {
            "name": name,
            "family": cls.family,
            "why": cls.why,
            "options": [{"name": name, "values": values} for name, values in cls.options.items()],
            "fixed_worker_count": cls.fixed_worker_count,
            "waits_per_worker": cls.waits_per_worker,
        }

    @classmethod
    def check_options(cls, given):
        """The value of every option, given or default."""
        options = {name: values[0] for name, values in cls.options.items()}
        for name, value in given.items():
            if str(value) not in cls.options.get(name, []):
                known = ", ".join(f"{name}={value}" for name, values in cls.options.items() for value in values)
                message = f"the backend {cls.name} has no option {name}={value}; it has {known or 'none'}"
                raise CaseFailed("set-up", message)
            options[name] = str(value)
        return options

    @staticmethod
    def before_kernel():
        """Makes what a kernel of this backend needs when it is built."""

    @staticmethod
    def context(options):
        """The context of `multiprocessing` in which tasks run; `None` if they run in this process."""
        return None

    @classmethod
    def check_parties(cls, party_count, worker_count, options):
        """Fails if so many tasks, which wait for each other, cannot all be in progress at once. The parent knows the workers,
        but not what options do."""
        waits = cls.waits_per_worker
        if waits is not None and party_count > worker_count * waits:
            message = f"{party_count} tasks wait for each other, and {cls.name} has {worker_count} workers: use {party_count}"
            raise CaseFailed("set-up", message)

    def start(self):
        """Starts the workers, and returns when they can run tasks."""

    def run(self, nonce):
        """Runs all tasks and returns their values."""
        raise NotImplementedError

    def stop(self):
        """Ends the workers when nothing runs."""

    def abort(self):
        """Ends the workers after a failure: drops what has not begun, waits for threads, terminates processes."""
        self.stop()


def drive(graph, nonce, submit, receive, limit=None):
    """Runs a graph in which each task starts as soon as its inputs are there, and returns the values.

    `submit` hands a task, the nonce and the inputs to the module under test. `receive` blocks until a task has ended,
    and returns its number and its value. At most `limit` tasks are handed over at once.
    """
    run = Run(graph)
    ready = deque(graph.sources)
    given_count = 0
    while run.left:
        while ready and given_count != limit:
            task = ready.popleft()
            submit(task, nonce, run.inputs(task))
            given_count += 1
        task, value = receive()
        given_count -= 1
        ready.extend(run.finish(task, value))
    return run.values


def drive_levels(graph, levels, nonce, run_level):
    """Runs a graph level by level, and returns the values.

    `run_level` gets the calls of one level, which are tuples of a task, the nonce and the inputs. It returns pairs of
    a task and its value, in any order.
    """
    run = Run(graph)
    for level in levels:
        calls = [(task, nonce, run.inputs(task)) for task in level]
        for task, value in run_level(calls):
            run.values[task] = value
    return run.values


def value_of(report):
    """The task and its value from what `work.attempt` returned. A task that raised ends the case."""
    task, value, text = report
    if text is not None:
        raise raised(task, text)
    return task, value


def raised(task, text):
    """The failure of a case in which a task raised an exception."""
    return CaseFailed("panic", f"task {task} raised {text}", task)
