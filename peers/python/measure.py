"""Times the samples of one case."""

import itertools
from time import perf_counter_ns

from work import digest, fold

# A sample lasts at least this many times as long as it takes to read the clock, so that reading it does not matter.
_CLOCK_READS_PER_SAMPLE = 100


class Meter:
    """Times runs of a backend."""

    def __init__(self, backend, plan):
        self._backend = backend
        self._task_count = plan.graph.task_count
        self._kernel = plan.kernel
        self.run_count = 1

    def warm_up(self, nonce, duration_ns, run_count, min_sample_ns):
        """Makes at least this many runs, for at least this long, and sets `run_count`."""
        begin = perf_counter_ns()
        shortest_ns = None
        for made in itertools.count(1):
            wall_ns = self._sample(nonce, 1, False)[0]["wall_ns"]
            shortest_ns = wall_ns if shortest_ns is None else min(shortest_ns, wall_ns)
            if made >= run_count and perf_counter_ns() - begin >= duration_ns:
                break
        least_ns = max(min_sample_ns, _CLOCK_READS_PER_SAMPLE * _clock_read_ns())
        self.run_count = max(1, -(-least_ns // max(shortest_ns, 1)))

    def slice(self, fields):
        """Takes the samples of one slice, by the fields of the request. Returns them, and what ends the slice: the sum of
        what the kernel found, and what it timed."""
        nonce = int(fields["nonce"], 16)
        is_chained = fields.get("chained", False)
        run_count = fields.get("run_count") or self.run_count
        has_latencies = fields.get("latencies", False)
        samples, findings = [], {}
        self._kernel.record_latencies(has_latencies)
        begin = perf_counter_ns()
        while True:
            sample, found, nonce = self._sample(nonce, run_count, is_chained)
            samples.append(sample)
            for name, count in found.items():
                findings[name] = findings.get(name, 0) + count
            if _is_over(fields, perf_counter_ns() - begin, len(samples)):
                done = {"findings": findings}
                if has_latencies:
                    done["latencies"] = self._kernel.take_latencies()
                return samples, done

    def _sample(self, nonce, run_count, is_chained):
        """One sample, what the kernel found, and the nonce of the next run."""
        run = self._backend.run
        self._kernel.reset()
        wall_ns = 0
        # In a chained slice, the nonce of each run depends on the values of the run before, so each run is timed by
        # itself. Otherwise the clock is read only before the first run and after the last one.
        batch_count, batch_len = (run_count, 1) if is_chained else (1, run_count)
        for _ in range(batch_count):
            begin = perf_counter_ns()
            for _ in range(batch_len):
                values = run(nonce)
            wall_ns += perf_counter_ns() - begin
            last = digest(values)
            if is_chained:
                nonce = fold(nonce, last)
        findings = self._kernel.verify(run_count * self._task_count)
        sample = {"wall_ns": wall_ns, "run_count": run_count, "digest": f"{last:016x}"}
        return sample, findings, nonce


def _is_over(fields, elapsed_ns, sample_count):
    """Whether a slice with so many samples is over."""
    is_enough = elapsed_ns >= fields["min_time_ns"] and sample_count >= fields["min_sample_count"]
    is_too_much = elapsed_ns >= fields["max_time_ns"] or sample_count >= fields["max_sample_count"]
    return is_enough or is_too_much


def _clock_read_ns():
    """How long it takes to read the clock twice, as around a sample. The shortest of some tries counts."""
    return min(-(perf_counter_ns() - perf_counter_ns()) for _ in range(100))
