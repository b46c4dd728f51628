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
# The program includes the folder of the child, so no test may leave compiled files there.
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
NONCE = 0xA


class Child:
    """A child that has been started. It must have ended, with all its processes, when the block ends."""

    def __init__(self, *command, is_quiet=True):
        self.process = subprocess.Popen(
            [sys.executable, *(command or (CHILD,))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
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

    def request_prepare(self, predecessors, kernel, backend, workers=2, options=None, **fields):
        data = oracle.graph_file(predecessors)
        self._graph = tempfile.NamedTemporaryFile()
        self._graph.write(data)
        self._graph.flush()
        case = {"workload": "x", "backend": backend, "workers": workers, "options": options or {}}
        case["parameters"] = {"kernel": kernel}
        request = {"kind": "graph", "case": case, "nonce": f"{NONCE:016x}", "warmup_ns": 0}
        request["graph"] = {"path": self._graph.name, "crc32": oracle.checksum(data)}
        request.update(fields)
        self.request("prepare", **request)

    def slice(self, nonce, sample_count=1, run_count=None, **fields):
        """Returns the samples and the findings of a slice."""
        plan = {"min_time_ns": 0, "max_time_ns": 2**64 - 1, "run_count": run_count}
        plan.update(min_sample_count=sample_count, max_sample_count=sample_count, nonce=f"{nonce:016x}", **fields)
        reply = self.ask("slice", **plan)
        samples = []
        while "sample" in reply:
            samples.append(reply["sample"])
            reply = self.reply()
        return samples, reply["slice_done"].get("findings", {})

    def finish(self):
        reply = self.ask("finish")
        assert reply == {"finished": {}}, reply
        assert self.process.wait() == 0
