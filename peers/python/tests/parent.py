"""A small parent for tests: starts a child and drives one case of it."""

import json
import os
import subprocess
import sys
import tempfile

import oracle

CHILD = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "child.py")


class Child:
    """A child that has been started and greeted."""

    def __init__(self, *command, stderr=None):
        self.process = subprocess.Popen(
            command or (sys.executable, CHILD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
        )
        self._graph = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, name, **fields):
        """Sends a request and returns the first reply."""
        self.send(json.dumps({name: fields}))
        return self.reply()

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def reply(self):
        return json.loads(self.process.stdout.readline())

    def greet(self):
        return self.ask("hello", versions=[1, 2])["greeting"]

    def prepare(self, predecessors, kernel, backend, workers=2, options=None, **fields):
        data = oracle.graph_file(predecessors)
        self._graph = tempfile.NamedTemporaryFile()
        self._graph.write(data)
        self._graph.flush()
        case = {"workload": "x", "backend": backend, "workers": workers, "options": options or {}}
        case["parameters"] = {"kernel": kernel}
        graph = {"path": self._graph.name, "crc32": oracle.checksum(data)}
        fields = {"nonce": f"{0xA:016x}", "warmup_ns": 0, **fields}
        return self.ask("prepare", kind="graph", case=case, graph=graph, **fields)

    def slice(self, nonce, sample_count=1, run_count=None, **fields):
        """Returns the samples and the findings of a slice."""
        plan = {"min_time_ns": 0, "max_time_ns": 2**64 - 1, "run_count": run_count}
        plan.update(min_sample_count=sample_count, max_sample_count=sample_count, nonce=f"{nonce:016x}", **fields)
        reply = self.ask("slice", **plan)
        samples = []
        while "sample" in reply:
            samples.append(reply["sample"])
            reply = self.reply()
        return samples, reply["slice_done"]["findings"]

    def finish(self):
        reply = self.ask("finish")
        assert reply == {"finished": {}}, reply
        assert self.process.wait() == 0
