"""Kernels whose tasks wait for each other, with Python's own primitives. There is one file per workload.

A body is written once, as a coroutine function. Threads and processes have forms of its primitives that block and never
await; an event loop has forms that do. Each workload checks an invariant that a broken primitive violates.
"""

from .barrier import BarrierWork
from .channels import PingPong, ProducerConsumer, ThreadRing
from .locks import AttemptWork, MutexWork, ReentrantWork
from .meeting import ConditionWork, EventWork
from .semaphore import SemaphoreWork

_QUEUES = ["natural", "queue"]

# How to build each kernel, from its parameters and its setting.
KERNELS = {
    "barrier": BarrierWork,
    "condition/form=natural": ConditionWork,
    "event": EventWork,
    "mutex/form=natural": MutexWork,
    "semaphore": SemaphoreWork,
    **{f"producer-consumer/form={form}": ProducerConsumer for form in _QUEUES},
    **{f"threadring/form={form}": ThreadRing for form in _QUEUES},
    **{f"ping-pong/form={form}": PingPong for form in _QUEUES},
}

# The same for kernels that an event loop cannot have: its lock can only be waited for, by one task, and without a limit.
BLOCKING = {
    "reentrant/form=natural": ReentrantWork,
    "timed-lock/form=natural": AttemptWork,
    "try-lock/form=natural": AttemptWork,
}

# The same for kernels that need processes.
OF_PROCESSES = {
    "producer-consumer/form=manager-queue": ProducerConsumer,
    **{f"threadring/form={form}": ThreadRing for form in ("manager-queue", "connection")},
    **{f"ping-pong/form={form}": PingPong for form in ("manager-queue", "connection")},
}
