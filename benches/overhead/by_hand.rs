//! Each runtime as an expert would drive it for this one job: the same checked tasks, but no choice of backend, no
//! pinning, no parking within a run, and a panic on failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_deque::{Steal, Stealer, Worker as Deque};
use crossbeam_utils::{Backoff, CachePadded};
use rayon::Scope;
use taskdyno_core::backend::Continuation;
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::Kernel;
use tokio::sync::Notify;

const IN_ORDER: &str = "a task that was made ready can run";

/// Counts down on one thread, with a stack of ready tasks.
pub(crate) fn count_down(job: &Job, stack: &mut Vec<TaskId>) {
    stack.extend(job.graph().sources());
    while let Some(task) = stack.pop() {
        job.execute(task, |ready| stack.push(ready))
            .expect(IN_ORDER);
    }
}

/// One scope of rayon, and one spawn for each task that becomes ready.
pub(crate) fn rayon(pool: &rayon::ThreadPool, job: &Job, continuation: Continuation) {
    let visit = match continuation {
        Continuation::Queue => rayon_queue,
        Continuation::Inline => rayon_inline,
    };
    pool.scope(|scope| {
        for &source in job.graph().sources() {
            scope.spawn(move |scope| visit(job, scope, source));
        }
    });
}

fn rayon_queue<'scope>(job: &'scope Job, scope: &Scope<'scope>, task: TaskId) {
    job.execute(task, |ready| {
        scope.spawn(move |scope| rayon_queue(job, scope, ready));
    })
    .expect(IN_ORDER);
}

fn rayon_inline<'scope>(job: &'scope Job, scope: &Scope<'scope>, first: TaskId) {
    let mut next = Some(first);
    while let Some(task) = next.take() {
        job.execute(task, |ready| match next {
            None => next = Some(ready),
            Some(_) => scope.spawn(move |scope| rayon_inline(job, scope, ready)),
        })
        .expect(IN_ORDER);
    }
}

/// One tokio spawn for each task that becomes ready. The tasks without dependents signal the end.
pub(crate) struct Tokio {
    pub(crate) job: Arc<Job>,
    pub(crate) continuation: Continuation,
    last_remaining: AtomicUsize,
    over: Notify,
}

impl Tokio {
    pub(crate) fn new(job: Arc<Job>, continuation: Continuation) -> Arc<Self> {
        Arc::new(Self {
            job,
            continuation,
            last_remaining: AtomicUsize::new(0),
            over: Notify::new(),
        })
    }

    pub(crate) fn run(self: &Arc<Self>, runtime: &tokio::runtime::Runtime) {
        let graph = self.job.graph();
        let is_last = |task: &TaskId| graph.successors(*task).is_empty();
        let last_count = graph.tasks().rev().take_while(is_last).count();
        // Relaxed: spawning releases it.
        self.last_remaining.store(last_count, Ordering::Relaxed);
        runtime.block_on(async {
            for &source in graph.sources() {
                Arc::clone(self).spawn(source);
            }
            self.over.notified().await;
        });
    }

    fn spawn(self: Arc<Self>, task: TaskId) {
        tokio::spawn(async move { self.visit(task) });
    }

    fn visit(self: &Arc<Self>, first: TaskId) {
        let mut next = Some(first);
        while let Some(task) = next.take() {
            let ready = |ready| {
                if self.continuation == Continuation::Inline && next.is_none() {
                    next = Some(ready);
                } else {
                    Arc::clone(self).spawn(ready);
                }
            };
            self.job.execute(task, ready).expect(IN_ORDER);
            // AcqRel: the last decrement hands on what every task wrote.
            if self.job.graph().successors(task).is_empty()
                && self.last_remaining.fetch_sub(1, Ordering::AcqRel) == 1
            {
                self.over.notify_one();
            }
        }
    }
}

/// One deque per thread, stealing, and spinning and yielding while there is nothing to steal. The caller works too.
pub(crate) struct Crossbeam {
    shared: Arc<CrossbeamShared>,
    deque: Deque<TaskId>,
    helpers: Vec<JoinHandle<()>>,
}

struct CrossbeamShared {
    job: Arc<Job>,
    continuation: Continuation,
    stealers: Vec<Stealer<TaskId>>,
    remaining: CachePadded<AtomicUsize>,
    /// The number of the run, or [`CLOSED`].
    start: CachePadded<AtomicU32>,
}

const CLOSED: u32 = u32::MAX;

impl Crossbeam {
    pub(crate) fn new(job: Arc<Job>, continuation: Continuation, worker_count: usize) -> Self {
        let deques = (0..worker_count).map(|_| Deque::new_lifo());
        let mut deques: Vec<_> = deques.collect();
        let shared = Arc::new(CrossbeamShared {
            stealers: deques.iter().map(Deque::stealer).collect(),
            job,
            continuation,
            remaining: CachePadded::default(),
            start: CachePadded::default(),
        });
        let deque = deques.remove(0);
        let helpers = deques.into_iter().enumerate().map(|(index, deque)| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.help(index + 1, &deque))
        });
        Self {
            helpers: helpers.collect(),
            shared: Arc::clone(&shared),
            deque,
        }
    }

    pub(crate) fn run(&self) {
        let shared = &self.shared;
        let graph = shared.job.graph();
        // Relaxed: the store to `start` releases it.
        shared
            .remaining
            .store(graph.task_count(), Ordering::Relaxed);
        for &source in graph.sources() {
            self.deque.push(source);
        }
        // Release: hands the run over.
        shared.start.fetch_add(1, Ordering::Release);
        for helper in &self.helpers {
            helper.thread().unpark();
        }
        shared.work(0, &self.deque);
    }
}

impl Drop for Crossbeam {
    fn drop(&mut self) {
        // Relaxed: no other data depends on it.
        self.shared.start.store(CLOSED, Ordering::Relaxed);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            let _ = helper.join();
        }
    }
}

impl CrossbeamShared {
    fn help(&self, index: usize, deque: &Deque<TaskId>) {
        let mut last = 0;
        loop {
            // Parked between runs, because the other side of the comparison needs the core.
            thread::park();
            // Acquire: pairs with the Release in `run`.
            let start = self.start.load(Ordering::Acquire);
            if start == CLOSED {
                return;
            }
            if start != last {
                self.work(index, deque);
                last = start;
            }
        }
    }

    fn work(&self, index: usize, deque: &Deque<TaskId>) {
        let backoff = Backoff::new();
        let mut executed = 0;
        loop {
            if let Some(task) = deque.pop().or_else(|| self.steal(index, deque)) {
                executed += self.execute(task, deque);
                backoff.reset();
                continue;
            }
            if executed > 0 {
                // Release: publishes what the tasks wrote.
                self.remaining.fetch_sub(executed, Ordering::Release);
                executed = 0;
            }
            // Acquire: pairs with the Release above.
            if self.remaining.load(Ordering::Acquire) == 0 {
                return;
            }
            backoff.snooze();
        }
    }

    fn execute(&self, first: TaskId, deque: &Deque<TaskId>) -> usize {
        let mut next = Some(first);
        let mut executed = 0;
        while let Some(task) = next.take() {
            let ready = |ready| {
                if self.continuation == Continuation::Inline && next.is_none() {
                    next = Some(ready);
                } else {
                    deque.push(ready);
                }
            };
            self.job.execute(task, ready).expect(IN_ORDER);
            executed += 1;
        }
        executed
    }

    fn steal(&self, index: usize, deque: &Deque<TaskId>) -> Option<TaskId> {
        let others = self.stealers.iter().enumerate();
        let mut others = others.filter(|(other, _)| *other != index);
        others.find_map(|(_, victim)| {
            loop {
                match victim.steal_batch_and_pop(deque) {
                    Steal::Success(task) => return Some(task),
                    Steal::Empty => return None,
                    Steal::Retry => {}
                }
            }
        })
    }
}

/// Two threads that go through the steps of a stencil of width 2, with nothing but the work and the hand-off between
/// two cores: no graph and no checks. The caller is one of them.
pub(crate) struct Pair {
    shared: Arc<PairShared>,
    helper: Option<JoinHandle<()>>,
    run: u32,
}

struct PairShared {
    kernel: Box<dyn Kernel>,
    /// Both outputs of each step: the number of the run, and 32 bits of the value.
    outputs: Vec<[AtomicU64; 2]>,
    /// The number of the run, or [`CLOSED`].
    start: CachePadded<AtomicU32>,
}

impl Pair {
    pub(crate) fn new(kernel: Box<dyn Kernel>, steps: usize) -> Self {
        let shared = Arc::new(PairShared {
            kernel,
            outputs: (0..steps).map(|_| Default::default()).collect(),
            start: CachePadded::default(),
        });
        let helping = Arc::clone(&shared);
        Self {
            helper: Some(thread::spawn(move || helping.help())),
            shared,
            run: 0,
        }
    }

    pub(crate) fn run(&mut self) {
        self.run += 1;
        // Relaxed: the outputs hand over everything else.
        self.shared.start.store(self.run, Ordering::Relaxed);
        if let Some(helper) = &self.helper {
            helper.thread().unpark();
        }
        self.shared.go_through(0, self.run);
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // Relaxed: no other data depends on it.
        self.shared.start.store(CLOSED, Ordering::Relaxed);
        if let Some(helper) = self.helper.take() {
            helper.thread().unpark();
            let _ = helper.join();
        }
    }
}

impl PairShared {
    fn help(&self) {
        let mut last = 0;
        loop {
            thread::park();
            // Relaxed: see `run`.
            let start = self.start.load(Ordering::Relaxed);
            if start == CLOSED {
                return;
            }
            if start != last {
                self.go_through(1, start);
                last = start;
            }
        }
    }

    fn go_through(&self, own: usize, run: u32) {
        let run = u64::from(run) << 32;
        let mut seed = run;
        for outputs in &self.outputs {
            let value = self.kernel.run(TaskId(0), seed) & 0xFFFF_FFFF | run;
            // Release and Acquire: as in a backend.
            outputs[own].store(value, Ordering::Release);
            let mut other = outputs[1 - own].load(Ordering::Acquire);
            while other >> 32 != run >> 32 {
                std::hint::spin_loop();
                other = outputs[1 - own].load(Ordering::Acquire);
            }
            seed = value.rotate_left(5) ^ other;
        }
    }
}
