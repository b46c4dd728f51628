//! The parent's side of the protocol: starts a child, requests slices, and judges every sample.

use std::rc::Rc;
use std::time::Duration;

use super::agreement::disagreement;
use super::child_end::ChildEnd;
use super::child_meter::ChildMeter;
use super::child_program::ChildProgram;
use super::failed::{failed, set_up_error};
use super::judge::{Judge, check_sample};
use super::latencies::{LatencyTime, known_latencies};
use super::process::{ChildProcess, Idle};
use super::protocol::{
    Expected, Finished, Greeting, Hello, Hex, Prepare, Prepared, Reply, Request, SliceRequest,
};
use super::wait_file::WaitFile;
use super::work::{Work, Works};
use crate::backend::Backend;
use crate::external::External;
use crate::measure::{Slice, SlicePlan, expect, refuse_too_fast};
use crate::record::{Bound, CaseError, ErrorKind, GraphSize};

/// The child to start, and how its results are judged.
#[derive(Clone)]
pub struct ChildPlan<'a> {
    /// The child.
    pub program: ChildProgram,
    /// What its work must compute. Without it, the child is driven in version 1 of the protocol: it must then be a build
    /// of taskdyno, and compares digests itself.
    pub works: Option<&'a Works>,
    /// The backend, if this program knows it: a bound on the time of a run follows from it.
    pub backend: Option<&'static dyn Backend>,
}

/// A child that is ready, and what is known of its case.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// The size of its graph.
    pub graph: GraphSize,
    /// The digest of every run with nonce 0.
    pub digest: Hex,
    /// The bound on its run time; `None` if the durations of its tasks or its backend are not known.
    pub bound: Option<Bound>,
    /// What determines its times, see [`crate::record::Record::pace`].
    pub pace: Option<String>,
    /// See [`crate::record::Record::is_ranked_by_cpu`].
    pub is_ranked_by_cpu: bool,
    /// How long the backend took to start its workers.
    pub start_ns: u64,
    /// The number of runs per sample that the warm-up determined; at least 1.
    pub run_count: u64,
    /// See [`crate::record::Record::file_system`].
    pub file_system: Option<String>,
    /// When its tasks record latencies.
    pub latencies: LatencyTime,
    /// What the child said of itself; `None` in version 1.
    pub greeting: Option<Greeting>,
}

/// A child process with a case. Dropping it kills the child.
pub struct Session {
    process: ChildProcess,
    judge: Judge,
    /// The number of runs per sample that the warm-up determined; 0 if the child did not say.
    run_count: u64,
    /// When its tasks record latencies.
    latencies: LatencyTime,
    /// Reads what the processes of an external child use; `None` for a build of taskdyno, which reads it itself.
    meter: Option<ChildMeter>,
    /// Where its tasks say what they wait for; `None` if they do not wait for each other.
    waits: Option<WaitFile>,
}

impl Session {
    /// Starts a child and lets it prepare a case. It is killed if it has not finished after `timeout`.
    ///
    /// # Errors
    ///
    /// Why the case could not be prepared.
    pub fn start(
        child_plan: &ChildPlan<'_>,
        prepare: Prepare,
        timeout: Duration,
        idle: &mut dyn Idle,
    ) -> Result<(Self, Ready), CaseError> {
        if let Some(works) = child_plan.works {
            let mut process = child_plan.program.spawn(&prepare.case, timeout)?;
            if let Some(greeting) = greet(&mut process, idle)? {
                let external = child_plan.program.external();
                if let Some(message) = external.and_then(|one| disagreement(one, &greeting)) {
                    return Err(CaseError::new(ErrorKind::Protocol, message));
                }
                let work = works.of(&prepare.case.parameters, timeout, idle)?;
                if let (Some(_), Some(why)) = (external, &work.expected.no_file) {
                    return Err(set_up_error(format!(
                        "cannot write the graph for the child: {why}"
                    )));
                }
                process.renew();
                return Self::start_judged(child_plan, process, greeting, work, prepare, idle);
            }
        }
        if let Some(external) = child_plan.program.external() {
            // In version 1 a child judges itself.
            return Err(CaseError::new(
                ErrorKind::Protocol,
                external.speaks_no_version_2(),
            ));
        }
        Self::start_version_1(&child_plan.program, prepare, timeout, idle)
    }

    /// Continues in version 2 after the greeting.
    fn start_judged(
        child_plan: &ChildPlan<'_>,
        mut process: ChildProcess,
        greeting: Greeting,
        work: Rc<Work>,
        prepare: Prepare,
        idle: &mut dyn Idle,
    ) -> Result<(Self, Ready), CaseError> {
        let case = &prepare.case;
        let durations = work.expected.durations.zip(child_plan.backend);
        let bound = durations.map(|(known, backend)| {
            known.bound(backend, case.workers as usize, prepare.certified_optimum_ns)
        });
        let is_kept = work.expected.durations.is_some_and(|known| known.is_kept);
        let least_wall_ns = bound.filter(|_| is_kept).map_or(0, |bound| bound.best_ns());
        let mut judge = Judge::of(Rc::clone(&work), least_wall_ns);
        let (nonce, digest) = judge.next_nonce();
        let prepare_case = prepare.case.clone();
        let external = child_plan.program.external();
        let least_warmup = external.map_or(0, External::warmup_run_count);
        let waits = Self::waits(&work)?;
        let prepare = Prepare {
            kind: work.expected.kind.clone(),
            warmup_run_count: prepare.warmup_run_count.max(least_warmup),
            nonce,
            graph: work.expected.file.clone(),
            waits: waits.as_ref().map(WaitFile::path),
            ..prepare
        };
        let prepared = prepared(&mut process, prepare, idle);
        let prepared = prepared.map_err(|error| explain(waits.as_ref(), error))?;
        if let (Some(found), Some(expected)) = (prepared.digest, digest) {
            expect(expected.0, found.0).map_err(failed)?;
        }
        let ready = Ready {
            graph: work.expected.graph,
            digest: work.digest(),
            bound,
            pace: Some(work.expected.pace.clone()),
            is_ranked_by_cpu: work.expected.is_ranked_by_cpu,
            start_ns: prepared.start_ns,
            run_count: prepared.run_count.max(1),
            file_system: prepared.file_system,
            latencies: LatencyTime::of(&work.expected, &greeting),
            greeting: Some(greeting),
        };
        let latencies = ready.latencies;
        let meter = external.map(|external| ChildMeter::new(external, &prepare_case));
        let session = Self {
            process,
            judge,
            run_count: prepared.run_count,
            latencies,
            meter,
            waits,
        };
        Ok((session, ready))
    }

    /// Where the tasks of `work` say what they wait for, if they wait for each other.
    fn waits(work: &Work) -> Result<Option<WaitFile>, CaseError> {
        let Expected {
            has_parties, graph, ..
        } = &work.expected;
        let waits = has_parties.then(|| WaitFile::new(graph.task_count as usize));
        waits.transpose().map_err(set_up_error)
    }

    /// Starts a child that speaks version 1, or that judges itself.
    fn start_version_1(
        program: &ChildProgram,
        prepare: Prepare,
        timeout: Duration,
        idle: &mut dyn Idle,
    ) -> Result<(Self, Ready), CaseError> {
        let mut process = program.spawn(&prepare.case, timeout)?;
        let prepared = prepared(&mut process, prepare, idle)?;
        let (Some(graph), Some(digest)) = (prepared.graph, prepared.digest) else {
            let message =
                "the reply to `prepare` has no `graph` or no `digest`, as version 1 needs";
            return Err(CaseError::new(ErrorKind::Protocol, message));
        };
        let ready = Ready {
            graph,
            digest,
            bound: prepared.bound,
            pace: prepared.pace,
            is_ranked_by_cpu: false,
            start_ns: prepared.start_ns,
            run_count: prepared.run_count.max(1),
            file_system: prepared.file_system,
            latencies: LatencyTime::Never,
            greeting: None,
        };
        let session = Self {
            process,
            judge: Judge::default(),
            run_count: prepared.run_count,
            latencies: LatencyTime::Never,
            meter: None,
            waits: None,
        };
        Ok((session, ready))
    }

    /// The id of the child process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Restarts the time limit of the child.
    pub fn renew(&mut self) {
        self.process.renew();
    }

    /// Requests one slice of samples, and judges each of them. The tasks record latencies in it only if timing is their
    /// work, so that every command that takes samples measures the same work.
    ///
    /// # Errors
    ///
    /// The error that stopped the case.
    pub fn slice(&mut self, plan: SlicePlan, idle: &mut dyn Idle) -> Result<Slice, CaseError> {
        let has_latencies = self.latencies == LatencyTime::InSamples;
        self.requested(plan, has_latencies, idle)
    }

    /// Like [`slice`](Self::slice), with the latencies that the tasks record meanwhile, whether timing is their work or
    /// not.
    ///
    /// # Errors
    ///
    /// The error that stopped the case.
    pub(crate) fn slice_with_latencies(
        &mut self,
        plan: SlicePlan,
        idle: &mut dyn Idle,
    ) -> Result<Slice, CaseError> {
        self.requested(plan, true, idle)
    }

    fn requested(
        &mut self,
        plan: SlicePlan,
        has_latencies: bool,
        idle: &mut dyn Idle,
    ) -> Result<Slice, CaseError> {
        let before = self.meter.is_some().then(|| self.process.usage());
        let slice = self.samples(plan, has_latencies, idle);
        let mut slice = slice.map_err(|error| explain(self.waits.as_ref(), error))?;
        if let Some((meter, before)) = self.meter.as_ref().zip(before) {
            let used = self.process.usage().since(&before);
            slice.usage = Some(meter.check(&used, &slice.samples)?);
        }
        Ok(slice)
    }

    /// Requests one slice of samples, and compares their digests and times with what is known.
    fn samples(
        &mut self,
        plan: SlicePlan,
        has_latencies: bool,
        idle: &mut dyn Idle,
    ) -> Result<Slice, CaseError> {
        let (nonce, digest) = self.judge.next_nonce();
        self.process.send(&Request::Slice(SliceRequest {
            plan,
            nonce,
            chained: false,
            latencies: has_latencies,
        }))?;
        let most = plan.max_sample_count.max(1);
        let mut slice = Slice::default();
        loop {
            match self.process.reply(idle)? {
                Reply::Sample(_) if slice.samples.len() as u64 >= most => {
                    let message = format!("more samples than the {most} that were requested");
                    return Err(CaseError::new(ErrorKind::Protocol, message));
                }
                Reply::Sample(reply) => {
                    let sample = reply.sample;
                    check_sample(&sample, plan.run_count.unwrap_or(self.run_count))?;
                    let found = self.judge.check_digest(digest, reply.digest)?;
                    let least = self.judge.least_wall_ns;
                    refuse_too_fast(sample.wall_ns, sample.run_count, least).map_err(failed)?;
                    slice.samples.push(sample);
                    slice.digests.push(found.0);
                }
                Reply::SliceDone(_) if slice.samples.is_empty() => {
                    let message = "the slice has no sample";
                    return Err(CaseError::new(ErrorKind::Protocol, message));
                }
                Reply::SliceDone(done) => {
                    slice.findings = done.findings;
                    slice.deaths = done.deaths;
                    if let Some(work) = self.judge.work.as_ref().filter(|_| has_latencies) {
                        slice.latencies = known_latencies(done.latencies, &work.expected)?;
                    }
                    return Ok(slice);
                }
                other => return Err(self.process.unexpected(&other)),
            }
        }
    }

    /// Lets the child stop its workers and exit, and ends what is left of it.
    ///
    /// # Errors
    ///
    /// Why its workers did not stop in an orderly way.
    pub fn finish(mut self, idle: &mut dyn Idle) -> Result<(Finished, ChildEnd), CaseError> {
        let finished = self.ask_to_finish(idle)?;
        Ok((finished, self.end()))
    }

    /// Lets the child stop its workers, as [`finish`](Self::finish) does, without ending it yet.
    ///
    /// # Errors
    ///
    /// Why it did not stop in an orderly way.
    pub(crate) fn ask_to_finish(&mut self, idle: &mut dyn Idle) -> Result<Finished, CaseError> {
        let peak = self
            .meter
            .is_some()
            .then(|| self.process.usage().peak_memory_bytes);
        match self.process.ask(&Request::Finish {}, idle)? {
            Reply::Finished(finished) => {
                self.process.has_finished = true;
                Ok(Finished {
                    peak_memory_bytes: finished.peak_memory_bytes.or(peak),
                    ..finished
                })
            }
            other => Err(self.process.unexpected(&other)),
        }
    }

    /// Ends the child, and returns how that went.
    pub(crate) fn end(mut self) -> ChildEnd {
        self.process.end()
    }
}

/// Adds to an error what the tasks of the child wait for, if this is known and explains it.
fn explain(waits: Option<&WaitFile>, error: CaseError) -> CaseError {
    match waits {
        Some(waits) => waits.explain(error),
        None => error,
    }
}

/// Asks a child what it is. `None` if it does not know the question, which is how version 1 answers.
fn greet(process: &mut ChildProcess, idle: &mut dyn Idle) -> Result<Option<Greeting>, CaseError> {
    process.send(&Request::Hello(Hello::of_this_build()))?;
    match process.reply(idle) {
        Ok(Reply::Greeting(greeting)) if greeting.version == 2 => Ok(Some(greeting)),
        Ok(Reply::Greeting(Greeting { version, .. })) => {
            let message = format!(
                "the child speaks version {version} of the protocol, but `hello` is answered in version 2"
            );
            Err(CaseError::new(ErrorKind::Protocol, message))
        }
        Ok(other) => Err(process.unexpected(&other)),
        Err(error) if process.has_replied_error && error.kind == ErrorKind::Protocol => Ok(None),
        Err(error) => Err(error),
    }
}

fn prepared(
    process: &mut ChildProcess,
    prepare: Prepare,
    idle: &mut dyn Idle,
) -> Result<Prepared, CaseError> {
    match process.ask(&Request::Prepare(Box::new(prepare)), idle)? {
        Reply::Prepared(prepared) => Ok(prepared),
        other => Err(process.unexpected(&other)),
    }
}
