"""Histograms of what tasks time. FORMAT.md defines their buckets."""

import shared

# Enough for 2^40 ns, which is 18 minutes: 128 buckets of 1 ns, and 64 for each power of two above.
_MOST_NS = (1 << 40) - 1
_BUCKET_COUNT = 64 * (40 - 5)


class Recorder:
    """Counts latencies of all tasks. It is off at first, and then costs a task one look at a number."""

    def __init__(self, context):
        # What is recorded is not what is measured, so the lock of `_max_ns` for everything is good enough.
        self._max_ns = shared.new_number(context)
        self._counts = [0] * _BUCKET_COUNT if context is None else context.RawArray("Q", _BUCKET_COUNT)
        self._is_on = shared.LocalNumber(None) if context is None else context.RawValue("b", 0)

    def is_on(self):
        return self._is_on.value != 0

    def switch(self, on):
        self._is_on.value = int(on)

    def record(self, ns):
        ns = min(max(ns, 0), _MOST_NS)
        with self._max_ns.get_lock():
            self._max_ns.value = max(self._max_ns.value, ns)
            self._counts[_index(ns)] += 1

    def take(self):
        """The histogram of what was recorded since the last call. No task is running."""
        counts = enumerate(self._counts)
        histogram = {
            "buckets": [[_lowest(index), count] for index, count in counts if count],
            "max_ns": self._max_ns.value,
        }
        self._counts[:] = [0] * _BUCKET_COUNT
        self._max_ns.value = 0
        return histogram


def _index(ns):
    """The number of the bucket of a latency."""
    shift = max(ns.bit_length() - 7, 0)
    return 64 * shift + (ns >> shift)


def _lowest(index):
    """The lowest latency of a bucket."""
    shift = max(index // 64 - 1, 0)
    return (index - 64 * shift) << shift
