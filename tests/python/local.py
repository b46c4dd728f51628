"""The backends of the child in this process. Starting a child for each of many cases would take most of the time."""

import contextlib
import sys
import threading

from parent import FAULTY, NONCE, PEER, Child, to_prepare

sys.path.insert(0, PEER)

import backends
import child
import faulty
from protocol import CaseFailed

# Backends whose tasks run one after the other, in threads, and in processes.
ALONE = ["python-serial", "python-asyncio"]
THREADS = ["python-threads", "python-queue-workers", "python-thread-pool"]
PROCESSES = ["python-process", "python-process-pool", "python-process-executor", "python-mixed"]
BY_NAME = {"python-" + backend.name: backend for backend in backends.BACKENDS}


def set_ups():
    """Every backend with its default options, and with each other value of one option."""
    for name, backend in BY_NAME.items():
        yield name, {}
        for option, values in backend.options.items():
            for value in values[1:]:
                yield name, {option: value}


def failure(predecessors, kernel, backend, workers=2, options=None, **fields):
    """The failure of a case. Nothing that its backend has started is left."""
    case = predecessors, kernel, backend, workers, options
    if backend in PROCESSES:
        # In a child, because what ends processes that run does not always end itself.
        with Child(FAULTY, is_quiet=False) as child:
            child.greet()
            error = child.prepare(*case, **fields)["error"]
        assert child.process.returncode == 1
        return CaseFailed(error["kind"], error["message"], error.get("task"))
    try:
        with running(*case, **fields) as (_, run):
            run.run(NONCE)
    except CaseFailed as failed:
        left = threading.enumerate()[1:]
        assert not left, left
        return failed
    raise AssertionError("the case did not fail")


def prepared(*case, **fields):
    """The plan of a case, and its backend, which has not been started."""
    file, request = to_prepare(*case, **fields)
    with file:
        plan, new_backend = child.prepare(request, BY_NAME)
    return plan, new_backend(plan)


@contextlib.contextmanager
def running(*case, **fields):
    """As `prepared`. The backend is started for the block, and then stopped, or ended in the way of a failure."""
    plan, backend = prepared(*case, **fields)
    try:
        backend.start()
        yield plan, backend
    except BaseException:
        backend.abort()
        raise
    else:
        backend.stop()
    finally:
        plan.kernel.close()
