"""A child for the tests of `conform`: right without arguments, and wrong in one way with `--wrong WAY`.

Python 3.9, standard library only. It has one backend without workers, one with threads, and one with processes.
"""

import collections
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

S = 0x9E3779B97F4A7C15
W = (1 << 64) - 1
M = (1 << 48) - 1
WRONG = sys.argv[2] if sys.argv[1:2] == ["--wrong"] else ""
KERNELS = ["empty", "sleep", "hash", "counter/variant=racy", "io-file-write"]


class Failed(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def fold(state, value):
    return ((state << 5 | state >> 59) & W ^ value) * S & W


def reply(*lines):
    sys.stdout.write("".join(json.dumps(line) + "\n" for line in lines))
    sys.stdout.flush()


def check_fields(table, known):
    if WRONG == "unknown-field":
        for name in table:
            if name not in known:
                raise Failed("protocol", "unknown field " + name)


def read_graph(place):
    try:
        with open(place["path"], "rb") as file:
            data = file.read()
    except OSError as error:
        if WRONG != "no-graph":
            raise Failed("set-up", str(error))
        return [[]]
    if "%08x" % zlib.crc32(data) != place["crc32"] and WRONG != "checksum":
        raise Failed("set-up", "the graph file has another checksum")
    magic, version, _, n, e, _, _ = struct.unpack_from("<8sIIIIII", data)
    if magic != b"taskdyno" or version != 1:
        raise Failed("set-up", "this is no graph file of version 1")
    offsets = struct.unpack_from("<%dI" % (n + 1), data, 32)
    ids = struct.unpack_from("<%dI" % e, data, 32 + 4 * (n + 1))
    rows = [ids[offsets[t]:offsets[t + 1]] for t in range(n)]
    if WRONG == "order":
        rows = [sorted(row) for row in rows]
    if WRONG == "no-tasks" and not rows:
        raise Failed("panic", "list index out of range")
    return rows


def bucket(ns):
    shift = max(ns.bit_length() - 7, 0)
    return ns >> shift << shift


def histogram(latencies):
    counts = collections.Counter(bucket(ns) for ns in latencies)
    return {"buckets": sorted(counts.items()), "max_ns": max(latencies, default=0)}


def kernel(table, fsyncs):
    kind = table["kind"]
    if kind == "sleep":
        factor = {"half-sleep": 0.5e-3, "skipped-sleep": 0.0}.get(WRONG, 1e-3)

        def sleep(seed):
            time.sleep(table["duration_ms"] * factor)
            return seed

        return sleep
    if kind == "hash":
        block = bytes(31 * i % 256 for i in range(table["block_bytes"]))

        def hashes(seed):
            for _ in range(table["times"]):
                digest = hashlib.sha256(struct.pack("<Q", seed) + block).digest()
                seed = struct.unpack_from("<Q", digest)[0]
            return seed

        return hashes
    if kind == "io-file-write":
        file = tempfile.TemporaryFile()

        def write(seed):
            file.seek(0)
            for _ in range(table["writes"]):
                file.write(bytes(4096 * table["write_pages"]))
                file.flush()
                start = time.perf_counter_ns()
                os.fsync(file.fileno())
                fsyncs.append(time.perf_counter_ns() - start)
            return seed

        return write
    if kind in ("empty", "counter") or WRONG == "any-kernel":
        return lambda seed: seed
    raise Failed("set-up", "there is no kernel " + kind)


class Case:
    """A prepared case. Every backend goes through the tasks in order; the workers of two of them only exist."""

    def __init__(self, prepare):
        check_fields(prepare, ["kind", "case", "graph", "nonce", "warmup_ns", "warmup_run_count", "min_sample_ns"])
        case = prepare["case"]
        if case["backend"] not in ("plain", "threads", "processes") and WRONG != "any-backend":
            raise Failed("set-up", "there is no backend " + case["backend"])
        self.workers = case["workers"]
        self.output_bytes = case["parameters"].get("output_bytes", 0)
        self.rows = read_graph(prepare["graph"])
        self.fsyncs = []
        self.kernel = kernel(case["parameters"]["kernel"], self.fsyncs)
        self.is_timed = case["parameters"]["kernel"]["kind"] == "io-file-write"
        self.helpers = []
        if case["backend"] == "processes":
            # They end with the pipe. A helper without one outlives this process.
            stdin = subprocess.DEVNULL if WRONG == "left-behind" else subprocess.PIPE
            command = ["sleep", "600"] if WRONG == "left-behind" else ["cat"]
            self.helpers = [subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL)]
        if WRONG == "hidden-helpers":
            # Each waits for one short process between two slices, and for nothing more.
            command = ["sh", "-c", "read line; sh -c :; read line"]
            self.helpers = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(6)]
        if case["options"].get("mode") == "slow" and WRONG == "option":
            raise Failed("panic", "the mode is not finished")
        self.waits = case["parameters"]["kernel"]["kind"] == "sleep"
        self.idle = threading.Event()
        if WRONG == "busy-between-slices":
            threading.Thread(target=self.spin, daemon=True).start()
        if WRONG == "polls-by-processes":
            threading.Thread(target=self.poll, daemon=True).start()
        self.chatter = threading.Timer(0.3, reply, [{"note": "still here"}])
        self.remembered = None
        self.results = {}
        self.run_count = 2

    def spin(self):
        while True:
            self.idle.wait()
            while self.idle.is_set():
                pass

    def poll(self):
        while True:
            self.idle.wait()
            subprocess.run(["sh", "-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"])
            time.sleep(0.3)

    def awaken(self):
        for helper in self.helpers:
            helper.stdin.write(b"\n")
            helper.stdin.flush()

    def run(self, nonce):
        if WRONG == "remembers" and self.remembered is not None:
            return self.remembered
        if nonce in self.results:
            return self.results[nonce]
        values = []
        digest = 0
        rows = self.rows
        if WRONG == "uneven" and self.workers == 3:
            rows = rows[:len(rows) // 3 * 3]
        for task, row in enumerate(rows):
            seed = (task + 1) * S & W ^ nonce
            for before in row:
                seed = fold(seed, values[before])
            value = self.kernel(seed ^ seed >> 32) & M
            values.append(value ^ 1 if WRONG == "digest" else value)
            digest = fold(digest, values[-1])
        if WRONG == "payload" and self.output_bytes:
            raise Failed("panic", "there is no room for bytes")
        self.remembered = digest
        # A sleep that is left out would be below the bound, and work that is timed would have no latencies.
        is_kept = not self.waits and not self.is_timed
        if WRONG == "keeps-results" and is_kept:
            self.results[nonce] = digest
        if WRONG == "keeps-last-result" and is_kept:
            self.results = {nonce: digest}
        return digest

    def sample(self, state, run_count, chained):
        start, start_cpu = time.perf_counter_ns(), time.process_time_ns()
        made = (run_count + 1) // 2 if WRONG == "miscounts-runs" else run_count
        for index in range(made):
            if WRONG == "replays-within-slice" and index > 0:
                continue
            digest = self.run(state["nonce"])
            if chained:
                state["nonce"] = fold(state["nonce"], digest)
        wall = time.perf_counter_ns() - start
        if WRONG == "half-wall" and not self.waits:
            # Half of what a core of its own would have needed: on a busy machine, half of the time can be true.
            wall = (time.process_time_ns() - start_cpu) // 2
        if WRONG == "picoseconds":
            wall *= 1000
        if WRONG == "wrong-run-count":
            run_count += 1
        return {"sample": {"wall_ns": max(wall, 1), "run_count": run_count, "digest": "%016x" % digest}}

    def slice(self, request):
        check_fields(request, ["nonce", "chained", "min_time_ns", "max_time_ns", "min_sample_count",
                               "max_sample_count", "run_count", "latencies"])
        if WRONG != "keeps-latencies":
            self.fsyncs.clear()
        self.idle.clear()
        self.chatter.cancel()
        state = {"nonce": int(request["nonce"], 16)}
        run_count = request.get("run_count") or self.run_count
        start = time.perf_counter_ns()
        samples = []
        while True:
            samples.append(self.sample(state, run_count, request.get("chained", False)))
            elapsed = time.perf_counter_ns() - start
            if WRONG == "ignores-min-time":
                elapsed = request["min_time_ns"]
            if elapsed >= request["min_time_ns"] and len(samples) >= request["min_sample_count"]:
                break
            if elapsed >= request["max_time_ns"] and WRONG != "ignores-max-time":
                break
            if len(samples) >= request["max_sample_count"]:
                break
        if WRONG == "one-sample-more":
            samples.append(samples[-1])
        if WRONG == "keeps-latencies" and len(samples) > 1:
            # Longer than a whole slice of one sample, as the slowest of many can be.
            self.fsyncs.append(elapsed // 2)
        reply(*samples, {"slice_done": self.done(request.get("latencies", False))})
        self.idle.set()
        if WRONG == "hidden-helpers":
            threading.Timer(0.3, self.awaken).start()
        if WRONG == "chatters":
            # Late, so that only a parent hears it that waits.
            self.chatter = threading.Timer(0.3, reply, [{"note": "still here"}])
            self.chatter.daemon = True
            self.chatter.start()

    def done(self, is_asked):
        if WRONG == "no-field-of-latencies" or not (is_asked or WRONG == "unasked-latencies") or not self.is_timed:
            return {}
        if WRONG == "no-latencies":
            return {"latencies": {}}
        factor = 10 ** 6 if WRONG == "latencies-in-femtoseconds" else 1
        fsyncs = self.fsyncs[-1:] if WRONG == "last-latency" else self.fsyncs
        found = histogram([factor * ns for ns in fsyncs])
        if WRONG == "unsorted-buckets":
            found["buckets"] += [[0, 1]]
        if WRONG == "no-bucket":
            found["buckets"] += [[2 ** 60 + 1, 1]]
        if WRONG == "empty-bucket":
            found["buckets"] += [[2 ** 60, 0]]
        if WRONG == "low-maximum":
            found["max_ns"] = found["buckets"][-1][0] - 1
        return {"latencies": {"flush" if WRONG == "other-latency" else "fsync": found}}

    def stop(self):
        self.chatter.cancel()
        for helper in self.helpers:
            if WRONG != "left-behind":
                helper.stdin.close()
                helper.wait()


def greeting(hello):
    check_fields(hello, ["versions"])
    if 2 not in hello["versions"] and WRONG != "any-version":
        raise Failed("protocol", "this child speaks version 2 of the protocol")
    backend = {"family": "threads", "why": "for tests", "waits_per_worker": 1}
    greeting = {
        "version": 3 if WRONG == "version-3" else 2,
        "language": "python", "runtime": "CPython", "runtime_version": sys.version.split()[0],
        "backends": [
            dict(backend, name="plain", family="serial", fixed_worker_count=1),
            dict(backend, name="threads", options=[{"name": "mode", "values": ["fast", "slow"]}]),
            dict(backend, name="processes", family="processes"),
        ],
        "kernels": KERNELS, "kinds": ["graph"], "has_payload": WRONG == "payload",
        "has_latencies": True,
    }
    if WRONG == "no-language":
        del greeting["language"]
    reply({"greeting": greeting})


def requests():
    for line in sys.stdin:
        try:
            request = json.loads(line)
        except ValueError:
            if WRONG == "ignores-no-json":
                continue
            raise Failed("protocol", "this is not JSON: " + line)
        yield next(iter(request.items()))
    if WRONG == "ignores-end-of-input":
        while True:
            signal.pause()


def serve():
    case = None
    for name, body in requests():
        if name == "hello":
            greeting(body)
        elif name == "prepare":
            case = Case(body)
            case.run(int(body["nonce"], 16))
            reply({"prepared": {"start_ns": 0, "run_count": case.run_count}})
        elif name == "slice" and case:
            case.slice(body)
        elif name == "finish":
            check_fields(body, [])
            if case:
                case.stop()
            if WRONG != "no-finished":
                reply({"finished": {}})
            os._exit(3 if WRONG == "exit-code" else 0)
        else:
            raise Failed("protocol", "this is not the time for " + name)
    if case:
        case.stop()


def main():
    if WRONG == "banner":
        print("Welcome to the runtime!", flush=True)
    try:
        serve()
    except Failed as failed:
        reply({"error": {"kind": failed.kind, "message": str(failed)}})
        os._exit(0 if WRONG == "error-exit-code" else 1)
    os._exit(0)


main()
