"""Writes graph files and computes digests, from the definition in FORMAT.md and from nothing else in this folder."""

import hashlib
import struct
import zlib

S = 0x9E3779B97F4A7C15


def fold(state, value):
    rotated = (state * 2**5) % 2**64 + state // 2**59
    return (rotated ^ value) * S % 2**64


def mix(word):
    """The first number of the generator splitmix64 with this seed."""
    word = (word + S) % 2**64
    word = (word ^ word // 2**30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word // 2**27) * 0x94D049BB133111EB % 2**64
    return word ^ word // 2**31


def kernel(parameters, seed, task_count):
    """The value of a task, before it is cut to 48 bits."""
    if parameters["kind"] == "threadring":
        return mix(seed ^ parameters["hand_overs"] % task_count)
    if parameters["kind"] == "ping-pong":
        link = 0
        for _ in range(2 * parameters["round_trips"]):
            link = mix(link)
        return mix(seed ^ link)
    if parameters["kind"] == "hash":
        block = bytes(31 * index % 256 for index in range(parameters["block_bytes"]))
        for _ in range(parameters["times"]):
            seed = struct.unpack("<Q", hashlib.sha256(struct.pack("<Q", seed) + block).digest()[:8])[0]
        return seed
    if parameters["kind"] == "loop":
        x = seed % 2**32
        for _ in range(parameters["iterations"]):
            x = (x * 1664525 + 1013904223) % 2**32
            x = x ^ (x // 2**16)
        return seed ^ x
    return seed


def digest(predecessors, parameters, nonce):
    """The digest of a graph, given as the list of predecessors of each task."""
    values = []
    for task, inputs in enumerate(predecessors):
        state = ((task + 1) * S % 2**64) ^ nonce
        for predecessor in inputs:
            state = fold(state, values[predecessor])
        state ^= state // 2**32
        values.append(kernel(parameters, state, len(predecessors)) % 2**48)
    state = 0
    for value in values:
        state = fold(state, value)
    return state


def graph_file(predecessors):
    """The bytes of the graph file."""
    successors = [[] for _ in predecessors]
    for task, inputs in enumerate(predecessors):
        for predecessor in inputs:
            successors[predecessor].append(task)
    edge_count = sum(map(len, predecessors))
    data = b"taskdyno" + struct.pack("<6I", 1, 0, len(predecessors), edge_count, 0, 0)
    for rows in predecessors, successors:
        offsets = [0]
        for row in rows:
            offsets.append(offsets[-1] + len(row))
        entries = [entry for row in rows for entry in row]
        data += struct.pack(f"<{len(offsets) + len(entries)}I", *offsets, *entries)
    return data


def checksum(data):
    return f"{zlib.crc32(data):08x}"


def trivial(width):
    return [[] for _ in range(width)]


def chain(steps):
    return [[task - 1] if task else [] for task in range(steps)]


def stencil(width, steps):
    """Each task needs its left neighbour, itself and its right neighbour of the row before."""
    rows = [[] for _ in range(width)]
    for step in range(1, steps):
        first = (step - 1) * width
        for point in range(width):
            near = [near for near in (point - 1, point, point + 1) if 0 <= near < width]
            rows.append([first + near for near in near])
    return rows


def fan_out_in(width):
    return [[], *([0] for _ in range(width)), list(range(1, width + 1))]
