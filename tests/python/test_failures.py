"""What the child says when something is wrong, and that nothing of it is left afterwards."""

import multiprocessing
import os
import tempfile
import unittest

import local
import oracle
from local import ALONE, PROCESSES, THREADS
from parent import FAULTY, NONCE, ROOT, Child
from protocol import CaseFailed

EMPTY = {"kind": "empty"}


class Failures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def assert_fails(self, child, reply, kind, text):
        self.assertEqual(reply["error"]["kind"], kind)
        self.assertIn(text, reply["error"]["message"])
        self.assertEqual(child.process.wait(), 1)

    def failure(self, backend, kernel, workers=2, task_count=8, **fields):
        """The error of a case with a kernel that fails."""
        with Child(FAULTY, is_quiet=False) as child:
            child.greet()
            parameters = {"kind": kernel, "folder": self.folder, **fields}
            reply = child.prepare(oracle.trivial(task_count), parameters, backend, workers)
        self.assertEqual(child.process.returncode, 1)
        return reply["error"]

    def wait_for(self, name):
        while not os.path.exists(os.path.join(self.folder, name)):
            os.sched_yield()

    def empty_folder(self):
        for name in os.listdir(self.folder):
            os.remove(os.path.join(self.folder, name))

    def assert_raised(self, error, text="ValueError: out of cheese"):
        self.assertEqual(error, {"kind": "panic", "task": 0, "message": f"task 0 raised {text}"})

    def test_whatever_a_task_raises_is_told_by_every_backend(self):
        for backend, options in local.set_ups():
            # With options, those that Python itself uses to end a process or an iterator.
            for text in ["SystemExit: 3", "StopIteration: no more"] if options else local.faulty.RAISED:
                with self.subTest(backend=backend, options=options, text=text):
                    kernel = {"kind": "Raising", "folder": self.folder, "text": text, "seconds": 0}
                    failed = local.failure(oracle.trivial(3), kernel, backend, 2, options)
                    self.assert_raised(failed.reply()["error"], text)
                    self.empty_folder()

    def test_an_exit_in_a_task_is_the_last_line_of_every_backend(self):
        for backend in [*ALONE, *THREADS, *PROCESSES]:
            with self.subTest(backend=backend):
                self.assert_raised(self.failure(backend, "Raising", text="SystemExit: 3", seconds=0), "SystemExit: 3")
                self.empty_folder()

    def test_tasks_that_have_not_begun_are_dropped(self):
        # If they were not, all of them would run, one or two at a time. `Pool.map` returns only when all have run, and the
        # tasks of asyncio that need not wait all begin before any of them can be collected.
        kernel = {"kind": "Raising", "folder": self.folder, "text": "SystemExit: 3", "seconds": 0.005}
        for backend, options in local.set_ups():
            is_map = options.get("call", "").startswith("map")
            if not is_map and "start_method" not in options and backend != "python-asyncio":
                with self.subTest(backend=backend, options=options):
                    failed = local.failure(oracle.trivial(1000), kernel, backend, 2, options)
                    self.assert_raised(failed.reply()["error"], "SystemExit: 3")
                    self.assertLess(len(os.listdir(self.folder)), 999)
                    self.empty_folder()

    def test_tasks_that_await_are_cancelled(self):
        # If they were not, this test would never end.
        failed = local.failure(oracle.trivial(3), {"kind": "Waiting"}, "python-asyncio", 1)
        self.assert_raised(failed.reply()["error"], "SystemExit: no patience")

    def test_threads_that_run_are_waited_for(self):
        for backend in THREADS:
            with self.subTest(backend=backend):
                self.assert_raised(self.failure(backend, "RaisingLater", seconds=0.1))
                self.assertEqual(sorted(os.listdir(self.folder)), ["begun", "ended"])
                self.empty_folder()

    def test_processes_that_run_are_terminated(self):
        for backend in PROCESSES:
            with self.subTest(backend=backend):
                # If they were not, this test would never end.
                self.assert_raised(self.failure(backend, "RaisingLater", seconds=10**6))
                self.assertEqual(os.listdir(self.folder), ["begun"])
                self.empty_folder()

    def test_a_failure_is_told_and_the_child_ends_if_something_never_ends(self):
        # If it did not, this test would never end.
        self.assert_raised(self.failure("python-serial", "Stuck", text="SystemExit: 3", seconds=0), "SystemExit: 3")

    def test_a_worker_that_dies_is_noticed(self):
        # multiprocessing.Pool does not notice it.
        for backend, options in local.set_ups():
            if backend in PROCESSES and backend != "python-process-pool":
                with self.subTest(backend=backend, options=options):
                    failed = local.failure(oracle.trivial(8), {"kind": "Dying"}, backend, 2, options)
                    self.assertEqual(failed.kind, "worker-died")

    def test_a_worker_that_dies_while_it_reports_is_noticed(self):
        # An executor waits for the other half for ever.
        for backend in ["python-process", "python-mixed"]:
            with self.subTest(backend=backend):
                failed = local.failure(oracle.trivial(8), {"kind": "DyingHalfway"}, backend)
                self.assertEqual(failed.kind, "worker-died")
                self.assertIn("exit code 3", failed.message)

    def test_a_process_that_dies_after_its_report_is_noticed(self):
        failed = local.failure(oracle.trivial(8), {"kind": "DyingAfterwards"}, "python-process")
        self.assertEqual(failed.kind, "worker-died")
        message = "the process of task 0, which has sent its value, ended with the exit code 3"
        self.assertEqual(failed.message, message)

    def test_a_worker_that_died_before_it_got_a_task_is_noticed(self):
        # So many tasks that the executor breaks while it still gets them.
        for backend, options in local.set_ups():
            if backend in ["python-process-executor", "python-mixed"]:
                with self.subTest(backend=backend, options=options):
                    with self.assertRaises(CaseFailed) as failed, local.running(
                        oracle.trivial(20_000), EMPTY, backend, 2, options
                    ) as (_, run):
                        for worker in multiprocessing.active_children():
                            worker.kill()
                            worker.join()
                        run.run(NONCE)
                    self.assertEqual(failed.exception.kind, "worker-died")

    def test_a_process_that_is_late_is_terminated(self):
        with Child() as child:
            child.greet()
            kernel = {"kind": "sleep", "duration_ms": 10**9}
            reply = child.prepare(oracle.trivial(3), kernel, "python-process", task_timeout_ns=10**7)
            self.assert_fails(child, reply, "worker-died", "still running")

    def test_what_a_task_prints_is_no_reply(self):
        for backend in ["python-serial", *THREADS, *PROCESSES]:
            with self.subTest(backend=backend):
                with Child(FAULTY, is_quiet=False) as child:
                    child.greet()
                    child.prepare(oracle.trivial(2), {"kind": "Printing"}, backend)
                    child.finish()
                self.assertIn("a task says something", child.errors)

    def test_an_interpreter_without_a_global_lock_says_so(self):
        # A stand-in: the child asks a function of the interpreter, which faulty.py replaces.
        with Child(FAULTY) as child:
            self.assertEqual(child.greet()["details"]["global_lock"], "off")

    def test_another_prefix_names_a_second_interpreter(self):
        with Child(os.path.join(ROOT, "peers", "python", "child.py"), "other-") as child:
            names = [backend["name"] for backend in child.greet()["backends"]]
            self.assertIn("other-thread-pool", names)
            child.prepare(oracle.trivial(2), EMPTY, "other-thread-pool")
            child.finish()

    def test_the_end_of_the_input_ends_the_child(self):
        # A backend exists only after two steps.
        set_ups = [(ALONE[0], 0), (ALONE[0], 1)]
        set_ups += [(backend, count) for backend in [*ALONE, *THREADS, *PROCESSES] for count in (2, 3)]
        for backend, step_count in set_ups:
            with self.subTest(backend=backend, step_count=step_count), Child() as child:
                if step_count > 0:
                    child.greet()
                if step_count > 1:
                    child.prepare(oracle.trivial(3), EMPTY, backend)
                if step_count > 2:
                    child.slice(1)
            self.assertEqual(child.process.returncode, 0)

    def test_no_process_survives_a_child_that_is_killed(self):
        set_ups = [(backend, {}) for backend in [*ALONE, *THREADS, *PROCESSES]]
        # A server of forks lives as long as one of its workers has something to do: what starts the child must end it.
        set_ups.append(("python-process-pool", {"start_method": "spawn"}))
        for backend, options in set_ups:
            # If one did, this test would never end.
            with self.subTest(backend=backend, options=options, state="waiting"), Child(is_quiet=False) as child:
                child.greet()
                child.prepare(oracle.trivial(3), EMPTY, backend, 2, options)
                child.process.kill()
            with self.subTest(backend=backend, options=options, state="running"), Child(FAULTY, is_quiet=False) as child:
                child.greet()
                kernel = {"kind": "Endless", "folder": self.folder}
                child.request_prepare(oracle.trivial(3), kernel, backend, 2, options)
                self.wait_for("begun")
                child.process.kill()
                os.remove(os.path.join(self.folder, "begun"))

    def test_requests_that_make_no_sense(self):
        lines = ["no JSON", "[]", "{}", '{"hello": 1}', '{"prepare": {}}', '{"hello": {"versions": [1]}}']
        for line in lines:
            with self.subTest(line=line), Child() as child:
                child.send(line)
                self.assert_fails(child, child.reply(), "protocol", "")
        with Child() as child:
            child.greet()
            self.assert_fails(child, child.ask("slice"), "protocol", "expected `prepare`")
        with Child() as child:
            child.greet()
            child.prepare(oracle.trivial(3), EMPTY, "python-serial")
            reply = child.prepare(oracle.trivial(3), EMPTY, "python-serial")
            self.assert_fails(child, reply, "protocol", "expected `slice` or `finish`")

    def test_cases_that_cannot_be_prepared(self):
        mistakes = {
            "checksum": {"graph": {"path": FAULTY, "crc32": "00000000"}},
            "cannot read the graph": {"graph": {"path": "missing", "crc32": "00000000"}},
            "of the kind": {"kind": "recursion"},
        }
        for text, fields in mistakes.items():
            with self.subTest(text=text), Child() as child:
                child.greet()
                reply = child.prepare(oracle.trivial(3), EMPTY, "python-serial", **fields)
                self.assert_fails(child, reply, "set-up", text)
        set_ups = {
            "no backend": (EMPTY, "rayon", {}),
            "no kernel": ({"kind": "replay"}, "python-serial", {}),
            "no option": (EMPTY, "python-threads", {"daemon": "perhaps"}),
        }
        for text, (kernel, backend, options) in set_ups.items():
            with self.subTest(text=text), Child() as child:
                child.greet()
                reply = child.prepare(oracle.trivial(3), kernel, backend, 2, options)
                self.assert_fails(child, reply, "set-up", text)


if __name__ == "__main__":
    unittest.main()
