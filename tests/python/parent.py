"""A small parent for tests: starts a child and drives one case of it."""

import json
import os
import subprocess
import sys
import tempfile

import oracle

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEER = os.path.join(ROOT, "peers", "python")
CHILD = os.path.join(PEER, "child.py")
FAULTY = os.path.join(ROOT, "tests", "python", "faulty.py")
NONCE = 0xA
# A child needs nothing but the standard library: without the folders of other packages, it also starts faster.
INTERPRETER = [sys.executable, "-S"]


class Child:
    """A child that has been started. It must have ended, with all its processes, when the block ends."""

    def __init__(self, *command, is_quiet=True):
        self.process = subprocess.Popen(
            [*INTERPRETER, *(command or (CHILD,))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._is_quiet = is_quiet
        self._graph = None
        self.errors = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # Both outputs end when all processes that could write to them have ended.
        rest, self.errors = (output.decode() for output in self.process.communicate())
        if kind is None:
            assert rest == "", rest
            assert not self._is_quiet or self.errors == "", self.errors

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def reply(self):
        return json.loads(self.process.stdout.readline())

    def request(self, name, **fields):
        self.send(json.dumps({name: fields}))

    def ask(self, name, **fields):
        """Sends a request and returns the first reply."""
        self.request(name, **fields)
        return self.reply()

    def greet(self):
        return self.ask("hello", versions=[1, 2], unknown=None)["greeting"]

    def prepare(self, *case, **fields):
        self.request_prepare(*case, **fields)
        return self.reply()

    def request_prepare(self, *case, **fields):
        self._graph, request = to_prepare(*case, **fields)
        self.request("prepare", **request)

    def slice(self, *plan, **fields):
        """Returns the samples of a slice and what ends it."""
        reply = self.ask("slice", **to_slice(*plan, **fields))
        samples = []
        while "sample" in reply:
            samples.append(reply["sample"])
            reply = self.reply()
        return samples, reply["slice_done"]

    def finish(self):
        reply = self.ask("finish")
        assert reply == {"finished": {}}, reply
        assert self.process.wait() == 0


def to_prepare(predecessors, kernel, backend, workers=2, options=None, **fields):
    """The file with the graph, and the fields of a request to prepare it."""
    data = oracle.graph_file(predecessors)
    file = tempfile.NamedTemporaryFile()
    file.write(data)
    file.flush()
    case = {"workload": "x", "backend": backend, "workers": workers, "options": options or {}}
    case["parameters"] = {"kernel": kernel}
    request = {"kind": "graph", "case": case, "nonce": f"{NONCE:016x}", "warmup_ns": 0}
    request["graph"] = {"path": file.name, "crc32": oracle.checksum(data)}
    request.update(fields)
    return file, request


def to_slice(nonce, sample_count=1, run_count=None, **fields):
    """The fields of a request for a slice."""
    plan = {"min_time_ns": 0, "max_time_ns": 2**64 - 1, "run_count": run_count}
    plan.update(min_sample_count=sample_count, max_sample_count=sample_count, nonce=f"{nonce:016x}", **fields)
    return plan
