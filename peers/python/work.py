"""What a task does, in whichever thread or process it runs. All backends call it in the same way."""

import ctypes
import multiprocessing
import os
import signal
import sys

from protocol import text_of

_S = 0x9E3779B97F4A7C15
_MASK_64 = (1 << 64) - 1
_MASK_48 = (1 << 48) - 1

# From <linux/prctl.h>. Python has no name for it.
_PR_SET_PDEATHSIG = 1

_kernel = None


def use(kernel):
    """Sets the kernel for all tasks of this process. A process that runs tasks calls it once, before the first one."""
    global _kernel
    _kernel = kernel


def enter(kernel):
    """As `use`, for a process that was started to run tasks. It ends when the process that started it does, however
    that ends."""
    use(kernel)
    end_with_parent()


def end_with_parent():
    """Lets this process end when the one that started it does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have ended before that call.
    if not multiprocessing.parent_process().is_alive():
        os._exit(1)


def execute(task, nonce, inputs):
    """Runs a task on the values of its predecessors and returns its own value."""
    return _kernel.run(_seed(task, nonce, inputs), task) & _MASK_48


def attempt(task, nonce, inputs):
    """As `execute`, for results that travel through a queue, a pipe or an iterator: the task, its value, and the text of
    what it raised, one of which is `None`."""
    try:
        return task, execute(task, nonce, inputs), None
    except BaseException as error:  # Even SystemExit: nobody else would report that this task has ended.
        return task, None, text_of(error)


def attempt_one(call):
    """As `attempt`, for functions such as `map` that pass one argument."""
    return attempt(*call)


async def attempt_async(task, nonce, inputs):
    """As `attempt`, but awaits where the kernel waits. An exception such as SystemExit would end the event
    loop, and CancelledError would look like a task that was cancelled from outside."""
    try:
        seed = _seed(task, nonce, inputs)
        if _kernel.run_async is None:
            value = _kernel.run(seed, task)
        else:
            value = await _kernel.run_async(seed, task)
        return task, value & _MASK_48, None
    except BaseException as error:
        return task, None, text_of(error)


def answer(number):
    """Does nothing. A worker that has answered is ready for tasks."""
    return number


def fold(state, value):
    """Mixes one value into a state of 64 bits."""
    rotated = (state << 5 | state >> 59) & _MASK_64
    return ((rotated ^ value) * _S) & _MASK_64


def digest(values):
    """One number that depends on the value of every task."""
    state = 0
    for value in values:
        state = fold(state, value)
    return state


def mix(word):
    """A permutation of all words of 64 bits in which each bit affects all bits (splitmix64)."""
    word = (word + _S) & _MASK_64
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & _MASK_64
    word = (word ^ word >> 27) * 0x94D049BB133111EB & _MASK_64
    return word ^ word >> 31


def _seed(task, nonce, inputs):
    state = ((task + 1) * _S & _MASK_64) ^ nonce
    for value in inputs:
        # As in `fold`. A call would cost as much again.
        state = (((state << 5 | state >> 59) & _MASK_64 ^ value) * _S) & _MASK_64
    return state ^ (state >> 32)
