"""Parties: tasks that wait for each other. Each can say in a table, which the parent reads, what it waits for."""

import mmap
import struct

# A party that may be blocked for ever looks this often whether the run has failed. Nothing that succeeds waits for it.
LOOK_S = 0.05

_LINE_BYTES = 64
_TEXT_BYTES = 56
_NOTHING = bytes(8)


class Halted(Exception):
    """The run has failed while a party waited, so what it waited for may never come."""


class Violated(Exception):
    """The invariant of a workload does not hold."""


class WaitTable:
    """What each party waits for, in a file that the parent has mapped. FORMAT.md defines it.

    A table is sent to worker processes. One that is started afresh maps the file again.
    """

    def __init__(self, path, party_count):
        self._path = path
        self._party_count = party_count
        byte_count = (party_count + 1) * _LINE_BYTES
        if path is None:
            self.lines = mmap.mmap(-1, byte_count)
        else:
            with open(path, "r+b") as file:
                self.lines = mmap.mmap(file.fileno(), byte_count)

    def __reduce__(self):
        return WaitTable, (self._path, self._party_count)

    def parties(self):
        """One party per line after the first one."""
        return [Party(self, index) for index in range(self._party_count)]

    def halt(self):
        """Tells every party that the run has failed."""
        self.lines[0] = 1


class Party:
    """A task, and its line of the table, which only this task writes."""

    def __init__(self, table, index):
        self.index = index
        self._table = table
        begin = (index + 1) * _LINE_BYTES
        self._length = slice(begin, begin + 8)
        self._text = slice(begin + 8, begin + 8 + _TEXT_BYTES)

    def waits_for(self, what):
        """Says that the party waits for `what`, which is bytes. To be called when it is certain, or likely, that it must
        wait."""
        what = what[:_TEXT_BYTES]
        lines = self._table.lines
        # The reader looks at the length first.
        lines[self._text] = what.ljust(_TEXT_BYTES, b"\0")
        lines[self._length] = struct.pack("<Q", len(what))

    def goes_on(self):
        """Says that the party no longer waits. One that fails does not say it."""
        self._table.lines[self._length] = _NOTHING

    def look(self):
        """Fails if the run has failed."""
        if self._table.lines[0]:
            raise Halted("the run has failed while this party waited")
