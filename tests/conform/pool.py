"""A pool of processes for the tests of measurements: `pool.py WORKERS`, and `pool.py WORKERS WAY` to be wrong in one way.

It is the child of docs/child.py with another `run`, for graphs without dependences.
"""

import functools
import json
import multiprocessing
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs"))
import child

WORKERS = int(sys.argv[1])
WRONG = sys.argv[2] if len(sys.argv) > 2 else ""
plain_sample = child.sample
# The CPU time of each worker in the current sample, by its id.
busy_ns = {}


def work(parameters, seed):
    """One task, on a worker: its value, the worker, and the CPU time that it took."""
    begin = time.process_time_ns()
    value = child.kernel(parameters, seed ^ seed >> 32) & child.MASK_48
    return value, os.getpid(), time.process_time_ns() - begin


def run(pool, predecessors, parameters, nonce):
    child.demand(not any(predecessors), "this pool has no dependences")
    seeds = [(task + 1) * child.S & child.MASK_64 ^ nonce for task in range(len(predecessors))]
    values = []
    for value, worker, cpu_ns in pool.imap(functools.partial(work, parameters), seeds):
        values.append(value)
        busy_ns[worker] = busy_ns.get(worker, 0) + cpu_ns
    return values


def sample(*arguments):
    busy_ns.clear()
    one, nonce = plain_sample(*arguments)
    if WRONG == "half-wall":
        # On a machine of its own, the busiest worker is busy throughout. Elsewhere it waits for a core, and half of the
        # time would be more than it worked.
        one["wall_ns"] = max(busy_ns.values()) // 2
    return one, nonce


def main():
    child.NAME = "pool"
    backend = {"name": "pool", "family": "processes", "why": "for tests", "fixed_worker_count": WORKERS}
    child.GREETING.update(backends=[backend], kernels=["empty", "sleep", "hash"])
    requests = (json.loads(line).popitem() for line in sys.stdin)
    if WRONG == "left-behind":
        subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with multiprocessing.Pool(WORKERS) as pool:
        child.run = functools.partial(run, pool)
        child.sample = sample
        child.serve(requests, lambda *objects: print(*map(json.dumps, objects), sep="\n", flush=True))


if __name__ == "__main__":
    main()
