"""The backends. There is one file per family of modules, and one line per backend in `BACKENDS`."""

from .aio import Asyncio
from .base import Plan
from .executors import ProcessExecutor, ThreadPool
from .mixed import Mixed
from .process import Process
from .process_pool import ProcessPool
from .serial import Serial
from .threads import QueueWorkers, Threads

BACKENDS = [Serial, Threads, QueueWorkers, ThreadPool, Process, ProcessPool, ProcessExecutor, Asyncio, Mixed]
