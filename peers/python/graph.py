"""The graph of a case, as the parent hands it over, and one run through it. FORMAT.md defines the file."""

import sys
import zlib
from array import array

from protocol import CaseFailed

_MAGIC = b"taskdyno"
_VERSION = 1
_HEADER_BYTES = 32


class Graph:
    """The tasks 0 to n - 1. Every predecessor of a task has a smaller number than the task."""

    def __init__(self, predecessors, successors):
        self.task_count = len(predecessors)
        # Lists of task numbers, one list per task. The order of predecessors matters for the seed of the task.
        self.predecessors = predecessors
        self.successors = successors
        self.predecessor_counts = [len(tasks) for tasks in predecessors]
        self.sources = [task for task, count in enumerate(self.predecessor_counts) if count == 0]

    def levels(self):
        """Lists of tasks. All predecessors of a task are in the lists before its own."""
        level_of = []
        levels = []
        for predecessors in self.predecessors:
            level = 1 + max((level_of[task] for task in predecessors), default=-1)
            if level == len(levels):
                levels.append([])
            levels[level].append(len(level_of))
            level_of.append(level)
        return levels


def read_graph(path, crc32):
    """Reads the graph file and compares its checksum."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise CaseFailed("set-up", f"cannot read the graph: {error}") from None
    found = f"{zlib.crc32(data):08x}"
    if found != crc32:
        raise CaseFailed("set-up", f"the graph file {path} has the checksum {found}, not {crc32}")
    if data[:8] != _MAGIC:
        raise CaseFailed("set-up", f"{path} is no graph file of taskdyno")
    words = _words(data[8:_HEADER_BYTES])
    version, _flags, task_count, edge_count = words[:4]
    if version != _VERSION:
        raise CaseFailed("set-up", f"the graph file has version {version}, expected {_VERSION}")
    # Durations may follow. No kernel of this child needs them.
    row_bytes = 4 * (task_count + 1 + edge_count)
    middle = _HEADER_BYTES + row_bytes
    predecessors = _rows(data[_HEADER_BYTES:middle], task_count)
    successors = _rows(data[middle : middle + row_bytes], task_count)
    return Graph(predecessors, successors)


def _words(data):
    words = array("I", data)
    if sys.byteorder == "big":
        words.byteswap()
    return words.tolist()


def _rows(data, task_count):
    """Compressed sparse rows as lists: first where each row begins, then all rows."""
    words = _words(data)
    offsets, entries = words[: task_count + 1], words[task_count + 1 :]
    return [entries[begin:end] for begin, end in zip(offsets, offsets[1:])]


class Run:
    """One run through a graph: the values so far, and which tasks they make ready."""

    def __init__(self, graph):
        self.left = graph.task_count
        self.values = [None] * graph.task_count
        self._graph = graph
        self._missing = graph.predecessor_counts.copy()

    def inputs(self, task):
        """The values of the predecessors of a task."""
        values = self.values
        return [values[predecessor] for predecessor in self._graph.predecessors[task]]

    def finish(self, task, value):
        """Stores the value of a task and returns the tasks that now have all their inputs."""
        self.left -= 1
        self.values[task] = value
        missing = self._missing
        ready = []
        for successor in self._graph.successors[task]:
            missing[successor] -= 1
            if missing[successor] == 0:
                ready.append(successor)
        return ready
