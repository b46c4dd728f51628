use std::io;

use super::support::{CoordinatedKind, Form, ROUNDS, two_at_least};
use crate::coordination::{BarrierWork, BrokenBarrierWork, Coordinated};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{Barrier, BreakableBarrier, SharedBarrier, ThreadBarrier};

/// Parties that meet at a barrier, phase after phase.
pub const BARRIER: CoordinatedKind = CoordinatedKind {
    name: "barrier",
    why: "coordinates: all tasks meet at a barrier, phase after phase",
    parameters: &[
        Parameter {
            name: "phases",
            why: "how often the tasks meet",
            kind: ROUNDS,
            default: Some(DefaultValue::Count(100)),
        },
        Parameter {
            name: "variant",
            why: "whether all tasks come, or one of them leaves or is late, and the others are told",
            kind: ParameterKind::Choice(&["plain", BROKEN]),
            default: Some(DefaultValue::Text("plain")),
        },
    ],
    size_parameter: Some("phases"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    let form = Form::at(venue)?;
    if parameters.text("variant") == BROKEN {
        two_at_least(venue, "stays away from")?;
        if form.is_async() && !venue.is_external {
            return Err(
                "the barrier of an async runtime cannot be broken: use a backend of threads or processes"
                    .into(),
            );
        }
    }
    venue.holds(venue.task_count)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    let phase_count = parameters.count("phases");
    let party_count = setting.graph.task_count() as u32;
    let is_broken = parameters.text("variant") == BROKEN;
    match Form::of(setting) {
        Form::Threads if is_broken => {
            broken(|| Ok(ThreadBarrier::new(party_count)), phase_count, setting)
        }
        Form::Processes if is_broken => {
            broken(|| SharedBarrier::new(party_count), phase_count, setting)
        }
        Form::Threads => work(ThreadBarrier::new(party_count), phase_count, setting),
        Form::Processes => work(SharedBarrier::new(party_count)?, phase_count, setting),
        #[cfg(feature = "tokio")]
        Form::TokioTasks => work(TokioBarrier::new(party_count), phase_count, setting),
        #[cfg(feature = "smol")]
        Form::SmolTasks => work(of_smol::SmolBarrier::new(party_count), phase_count, setting),
        form => form.is_lacking(),
    }
}

/// The variant in which one party does not come.
const BROKEN: &str = "broken";

fn work(
    barrier: impl Barrier,
    phase_count: u64,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let party_count = setting.graph.task_count() as u64;
    Coordinated::boxed(
        BarrierWork::new(barrier, party_count, phase_count)?,
        setting,
    )
}

fn broken<B: BreakableBarrier>(
    barrier: impl Fn() -> io::Result<B>,
    phase_count: u64,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let party_count = setting.graph.task_count() as u64;
    let work = BrokenBarrierWork::new(barrier()?, barrier()?, party_count, phase_count)?;
    Coordinated::boxed(work, setting)
}

#[cfg(feature = "tokio")]
use of_tokio::TokioBarrier;

#[cfg(feature = "tokio")]
mod of_tokio {
    use crate::sync::{Barrier, Halted, Party};

    /// The barrier of tokio.
    pub(super) struct TokioBarrier(tokio::sync::Barrier);

    impl TokioBarrier {
        pub(super) fn new(party_count: u32) -> Self {
            Self(tokio::sync::Barrier::new(party_count as usize))
        }
    }

    impl Barrier for TokioBarrier {
        async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
            let _waiting = party.waits_for("the barrier");
            self.0.wait().await;
            Ok(())
        }
    }
}

#[cfg(feature = "smol")]
mod of_smol {
    use smol::lock;

    use crate::sync::{Barrier, Halted, Party};

    /// The barrier of smol.
    pub(super) struct SmolBarrier(lock::Barrier);

    impl SmolBarrier {
        pub(super) fn new(party_count: u32) -> Self {
            Self(lock::Barrier::new(party_count as usize))
        }
    }

    impl Barrier for SmolBarrier {
        async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
            let _waiting = party.waits_for("the barrier");
            self.0.wait().await;
            Ok(())
        }
    }
}
