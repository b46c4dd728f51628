"""Runs the graphs of taskdyno on the modules of Python's standard library. The parent starts it and speaks first.

    python3 child.py [PREFIX]

The names of all backends begin with PREFIX (`python-` if it is not given), so that a second interpreter can be
measured beside the first one.
"""

import contextlib
import os
import platform
import sys
import threading
from time import perf_counter_ns

import backends
import registry
import work
from graph import read_graph
from measure import Meter
from parties import WaitTable
from protocol import CaseFailed, Parent, text_of

VERSION = 2
# The kinds of work. In the second one, all tasks must be in progress at once.
KINDS = ["graph", "coordination"]
# How long everything may take to end after a failure.
_END_TIMEOUT_S = 10


def main():
    """Serves one case. Returns the exit code."""
    prefix = sys.argv[1] if len(sys.argv) > 1 else "python-"
    parent = Parent()
    ending = contextlib.ExitStack()
    try:
        serve(parent, {prefix + backend.name: backend for backend in backends.BACKENDS}, ending)
    except BaseException as error:  # Even KeyboardInterrupt: without a reply, nobody knows why the case ended.
        parent.reply(failure_of(error).reply())
        end_in_any_case()
        ending.close()
        return 1
    return 0


def failure_of(error):
    """What an exception tells the parent."""
    return error if isinstance(error, CaseFailed) else CaseFailed("backend", text_of(error))


def end_in_any_case():
    """Lets this process end soon. `multiprocessing` may wait for ever for a lock that a process held when it was
    terminated."""
    last_resort = threading.Timer(_END_TIMEOUT_S, os._exit, [1])
    last_resort.daemon = True
    last_resort.start()


def serve(parent, known, ending):
    """Answers `hello`, `prepare` and slices until the parent has enough. `known` has the backends by name. `ending` gets
    what must be done after a failure."""
    fields = parent.expect("hello")
    if fields is None:
        return
    if VERSION not in fields.get("versions", []):
        raise CaseFailed("protocol", f"this child speaks only version {VERSION} of the protocol")
    parent.reply({"greeting": greeting(known)})

    fields = parent.expect("prepare")
    if fields is None:
        return
    plan, new_backend = prepare(fields, known)
    ending.callback(plan.kernel.close)
    begin = perf_counter_ns()
    backend = new_backend(plan)
    ending.callback(backend.abort)
    backend.start()
    start_ns = perf_counter_ns() - begin
    is_finished = measure(parent, Meter(backend, plan), fields, start_ns)
    ending.pop_all()
    backend.stop()
    plan.kernel.close()
    if is_finished:
        parent.reply({"finished": {}})


def greeting(known):
    """What this child can do. The parent compares it with backends.toml."""
    # Interpreters before 3.13 cannot run without the lock, and do not have this function.
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    return {
        "version": VERSION,
        "language": "python",
        "runtime": platform.python_implementation(),
        "runtime_version": platform.python_version(),
        "details": {"interpreter": sys.executable, "global_lock": "on" if has_lock else "off"},
        "backends": [{**backend.describe(name), "kernels": list(kernels_of(backend))} for name, backend in known.items()],
        "kernels": list({kernel: None for backend in known.values() for kernel in kernels_of(backend)}),
        "kinds": KINDS,
        "has_payload": False,
        "has_latencies": True,
    }


def kernels_of(backend):
    """The kernels of a backend."""
    return registry.known_kernels(backend.family == "async", backend.family in ("processes", "mixed"))


def prepare(fields, known):
    """Reads the graph and builds the kernel. Returns the plan, and the class of the backend."""
    case = fields["case"]
    parameters = case["parameters"]
    if fields["kind"] not in KINDS:
        raise CaseFailed("set-up", f"this child cannot do work of the kind {fields['kind']}")
    if parameters.get("output_bytes", 0) != 0:
        raise CaseFailed("set-up", "this child cannot hand on bytes beside the outputs (`output_bytes`)")
    if case["backend"] not in known:
        raise CaseFailed("set-up", f"this child has no backend {case['backend']}; it has {', '.join(known)}")
    backend = known[case["backend"]]
    options = backend.check_options(case.get("options") or {})
    graph = read_graph(fields["graph"]["path"], fields["graph"]["crc32"])
    backend.before_kernel()
    setting = registry.Setting(
        context=backend.context(options),
        is_async=backend.family == "async",
        party_count=graph.task_count,
        waits=WaitTable(fields.get("waits"), graph.task_count) if fields["kind"] == "coordination" else None,
    )
    kernel = registry.build(parameters["kernel"], setting)
    timeout_ns = fields.get("task_timeout_ns")
    plan = backends.Plan(
        graph=graph,
        kernel=kernel,
        worker_count=case["workers"],
        options=options,
        task_timeout_s=None if timeout_ns is None else timeout_ns / 1e9,
    )
    work.use(kernel)
    return plan, backend


def measure(parent, meter, fields, start_ns):
    """Warms up and serves slices. Returns whether the parent asked to finish, rather than closing the input."""
    meter.warm_up(
        nonce=int(fields["nonce"], 16),
        duration_ns=fields["warmup_ns"],
        run_count=fields.get("warmup_run_count", 0),
        min_sample_ns=fields.get("min_sample_ns", 0),
    )
    parent.reply({"prepared": {"start_ns": start_ns, "run_count": meter.run_count}})
    while True:
        name, fields = parent.next_request()
        if name is None:
            return False
        if name == "finish":
            return True
        if name != "slice":
            raise CaseFailed("protocol", f"expected `slice` or `finish`, not `{name}`")
        samples, done = meter.slice(fields)
        parent.reply(*({"sample": sample} for sample in samples), {"slice_done": done})


if __name__ == "__main__":
    sys.exit(main())
