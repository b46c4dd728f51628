"""Kernels whose tasks wait for each other, with Python's own primitives.

Each file has the workloads for one kind of primitive, and then Python's primitives of this kind in one interface.

A body is written once, as a coroutine function. Threads and processes have forms of its primitives that block and never
await; an event loop has forms that do. Each workload checks an invariant that a broken primitive violates.
"""

from .barrier import BarrierWork, BrokenBarrierWork
from .channels import Actor, PingPong, ProducerConsumer, ThreadRing
from .locks import AttemptWork, MutexWork, ReentrantWork
from .meeting import ConditionWork, EventWork
from .semaphore import SemaphoreWork
from .timing import MapOrderWork, TimerWork

_QUEUES = ["natural", "queue"]

# How to build each kernel, from its parameters and its setting.
KERNELS = {
    "barrier/variant=plain": BarrierWork,
    "barrier/variant=broken": BrokenBarrierWork,
    "condition/form=natural": ConditionWork,
    "event": EventWork,
    "map-order": MapOrderWork,
    "mutex/form=natural": MutexWork,
    "semaphore": SemaphoreWork,
    "timer/cancel=never": TimerWork,
    "timed-lock/form=natural": AttemptWork,
    "try-lock/form=natural": AttemptWork,
    **{f"producer-consumer/form={form}": ProducerConsumer for form in _QUEUES},
    **{f"threadring/form={form}": ThreadRing for form in _QUEUES},
    **{f"ping-pong/form={form}": PingPong for form in _QUEUES},
    **{f"actor/form={form}": Actor for form in _QUEUES},
}

# The same for kernels that an event loop cannot have: its lock has no owner, so nobody can take it again.
BLOCKING = {
    "reentrant/form=natural": ReentrantWork,
}

# The same for kernels that need all tasks in one process: nobody can cancel the timers of another one.
OF_ONE_PROCESS = {
    "timer/cancel=early": TimerWork,
}

# The same for kernels that need processes.
OF_PROCESSES = {
    "producer-consumer/form=manager-queue": ProducerConsumer,
    "actor/form=manager-queue": Actor,
    **{f"threadring/form={form}": ThreadRing for form in ("manager-queue", "connection")},
    **{f"ping-pong/form={form}": PingPong for form in ("manager-queue", "connection")},
}
