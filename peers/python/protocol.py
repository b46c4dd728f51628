"""The conversation with the parent: one JSON object per line. docs/external.md in the repository describes it."""

import json
import os
import sys


class CaseFailed(Exception):
    """Ends the case. The parent records the kind, the message and, if it is known, the task."""

    def __init__(self, kind, message, task=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.task = task

    def reply(self):
        """The last line of a case that failed."""
        error = {"kind": self.kind, "message": self.message}
        if self.task is not None:
            error["task"] = self.task
        return {"error": error}


def text_of(exception):
    """What an exception says, with its type: some say nothing by themselves."""
    try:
        # A name of a file may have bytes that are no text.
        text = str(exception).encode(errors="replace").decode()
    except BaseException:  # What it says is code of the task too.
        text = "(its text could not be read)"
    name = type(exception).__name__
    return f"{name}: {text}" if text else name


class Parent:
    """The program that started this one."""

    def __init__(self):
        # From here on, whatever a task prints goes to standard error, and cannot be taken for a reply. The same holds
        # for processes that are started later.
        sys.stdout.flush()
        self._replies = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        self._requests = sys.stdin.buffer

    def next_request(self):
        """The name of the next request and its fields; `None` and no fields at the end of the input."""
        line = self._requests.readline()
        if not line:
            return None, {}
        try:
            request = json.loads(line)
        except ValueError as error:
            raise CaseFailed("protocol", f"a request is no JSON: {error}") from None
        if not isinstance(request, dict) or len(request) != 1:
            raise CaseFailed("protocol", "a request must be an object with one key, its name")
        [(name, fields)] = request.items()
        if not isinstance(fields, dict):
            raise CaseFailed("protocol", f"the fields of `{name}` must be an object")
        return name, fields

    def expect(self, expected):
        """The fields of the next request, which must have this name; `None` at the end of the input."""
        name, fields = self.next_request()
        if name is None:
            return None
        if name != expected:
            raise CaseFailed("protocol", f"expected `{expected}`, not `{name}`")
        return fields

    def reply(self, *replies):
        """Sends all replies in one write, unless they are too long for one."""
        lines = "".join(json.dumps(reply) + "\n" for reply in replies)
        left = memoryview(lines.encode())
        while left:
            left = left[self._replies.write(left) :]
