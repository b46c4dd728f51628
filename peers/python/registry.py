"""All kernels, and how to build them."""

from collections import namedtuple

import coordination
import counters
import kernels
from protocol import CaseFailed

# Where the tasks of a kernel run: the context of `multiprocessing` in which the workers of the backend run, `None` if all
# of them are in this process; whether a task that waits is awaited; the number of tasks; and the table in which tasks say
# what they wait for, `None` if they do not wait for each other.
Setting = namedtuple("Setting", "context is_async party_count waits")

# How to build each kernel, by what the greeting claims: NAME, or NAME/PARAMETER=VALUE.
KERNELS = {**kernels.KERNELS, **counters.KERNELS, **coordination.KERNELS}


def known_kernels(is_async, has_processes):
    """The kernels of a backend whose tasks are awaited, or block, and run in processes of their own, or in this one."""
    known = dict(KERNELS)
    if not is_async:
        known.update(coordination.BLOCKING)
    if has_processes:
        known.update(counters.OF_PROCESSES)
        known.update(coordination.OF_PROCESSES)
    else:
        known.update(coordination.OF_ONE_PROCESS)
    return known


def build(parameters, setting):
    """Builds the kernel of a case."""
    known = known_kernels(setting.is_async, setting.context is not None)
    for claim, build_one in known.items():
        if _covers(claim, parameters):
            return build_one(parameters, setting)
    raise CaseFailed("set-up", f"this backend has no kernel {parameters}; it has {', '.join(known)}")


def _covers(claim, parameters):
    name, *values = claim.split("/")
    values = [value.split("=") for value in values]
    return parameters.get("kind") == name and all(str(parameters.get(key)) == value for key, value in values)
