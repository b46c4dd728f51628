"""A complete child for taskdyno: a plain loop. docs/external.md explains it. Replace `run` by your runtime."""

import functools
import hashlib
import json
import os
import struct
import sys
import zlib
from time import perf_counter_ns

S = 0x9E3779B97F4A7C15
MASK_64, MASK_48 = 2**64 - 1, 2**48 - 1
NAME, KERNELS = "example-loop", ["empty", "hash", "loop"]
GREETING = {
    "version": 2, "language": "python", "runtime": "an example", "runtime_version": "1.0",
    "backends": [{"name": NAME, "family": "serial", "why": "a plain loop", "fixed_worker_count": 1}],
    "kernels": KERNELS,
    "kinds": ["graph"],
    "has_payload": False,
}


def demand(condition, message):
    if not condition:
        raise ValueError(message)


def read_graph(graph):
    """The predecessors of each task."""
    with open(graph["path"], "rb") as file:
        data = file.read()
    demand(f"{zlib.crc32(data):08x}" == graph["crc32"], "the graph file is damaged")
    version, _flags, task_count, edge_count = struct.unpack_from("<4I", data, 8)
    demand(version == 1, f"the graph file has version {version}")
    offsets = struct.unpack_from(f"<{task_count + 1}I", data, 32)
    edges = struct.unpack_from(f"<{edge_count}I", data, 32 + 4 * (task_count + 1))
    return [edges[begin:end] for begin, end in zip(offsets, offsets[1:])]


def fold(state, value):
    return ((state << 5 | state >> 59) & MASK_64 ^ value) * S & MASK_64


def kernel(parameters, seed):
    """What a task does."""
    if parameters["kind"] == "hash":
        block = bytes(31 * index % 256 for index in range(parameters["block_bytes"]))
        for _ in range(parameters["times"]):
            [seed] = struct.unpack("<Q", hashlib.sha256(struct.pack("<Q", seed) + block).digest()[:8])
    elif parameters["kind"] == "loop":
        x = seed & 0xFFFFFFFF
        for _ in range(parameters["iterations"]):
            x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
            x ^= x >> 16
        seed ^= x
    return seed


def run(predecessors, parameters, nonce):
    """Runs all tasks and returns their values. Only this is timed."""
    values = []
    for task, inputs in enumerate(predecessors):
        state = ((task + 1) * S & MASK_64) ^ nonce
        for predecessor in inputs:
            state = fold(state, values[predecessor])
        values.append(kernel(parameters, state ^ state >> 32) & MASK_48)
    return values


def sample(work, nonce, run_count, is_chained):
    """Times `run_count` runs. Returns the sample and the nonce of the next run."""
    begin = perf_counter_ns()
    for _ in range(run_count):
        values = run(*work, nonce)
        nonce = fold(nonce, functools.reduce(fold, values, 0)) if is_chained else nonce
    wall_ns = perf_counter_ns() - begin
    digest = functools.reduce(fold, values, 0)
    return {"wall_ns": wall_ns, "run_count": run_count, "digest": f"{digest:016x}"}, nonce


def serve(requests, reply):
    """Answers requests until there are no more."""
    for name, fields in requests:
        if name == "hello":
            demand(2 in fields["versions"], "this child speaks version 2 only")
            reply({"greeting": GREETING})
        elif name == "prepare":
            parameters = fields["case"]["parameters"]["kernel"]
            demand(fields["case"]["backend"] == NAME, f"this child has only the backend {NAME}")
            demand(parameters["kind"] in KERNELS, f"this child has only the kernels {KERNELS}")
            work = read_graph(fields["graph"]), parameters
            begin, times = perf_counter_ns(), []
            while len(times) <= fields.get("warmup_run_count", 0) or perf_counter_ns() - begin < fields["warmup_ns"]:
                times.append(sample(work, int(fields["nonce"], 16), 1, False)[0]["wall_ns"])
            usual = 1 + max(fields.get("min_sample_ns", 0), 100_000) // max(1, min(times))
            reply({"prepared": {"start_ns": 0, "run_count": usual}})
        elif name == "slice":
            nonce, samples, begin, is_over = int(fields["nonce"], 16), [], perf_counter_ns(), False
            while not is_over:
                one, nonce = sample(work, nonce, fields.get("run_count") or usual, fields.get("chained"))
                samples.append(one)
                ns, count = perf_counter_ns() - begin, len(samples)
                is_over = ns >= fields["min_time_ns"] and count >= fields["min_sample_count"]
                is_over = is_over or ns >= fields["max_time_ns"] or count >= fields["max_sample_count"]
            reply(*({"sample": one} for one in samples), {"slice_done": {}})
        elif name == "finish":
            return reply({"finished": {}})


if __name__ == "__main__":
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever else is printed goes to standard error.
    say = lambda *objects: print(*map(json.dumps, objects), sep="\n", file=replies, flush=True)
    try:
        serve((json.loads(line).popitem() for line in sys.stdin), say)
    except Exception as error:
        say({"error": {"kind": "set-up", "message": repr(error)}})
        sys.exit(1)
