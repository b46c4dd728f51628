//! Two tasks that take two locks in opposite order, so that each of them waits for the other. The time limit ends the case,
//! and its error row says who waits for what.
//!
//! ```text
//! cargo run --example deadlock -- run --workloads examples/deadlock.toml deadlock --workers 2 --timeout 1
//! ```

use std::io;
use std::process::ExitCode;

use taskdyno::prelude::*;
use taskdyno_core::coordination::{Coordinated, Coordination, PartyError};
use taskdyno_core::kernel::{Findings, Pace, Sharing, Venue};
use taskdyno_core::sync::{
    Barrier, Lock, Party, PosixMutex, SharedBarrier, ThreadBarrier, ThreadLock, at_once,
};

fn main() -> ExitCode {
    Harness::new().kernel(DeadlockKind).main()
}

const NAMES: [&str; 2] = ["lock 0", "lock 1"];

/// A kernel for two tasks, whose work never ends.
struct DeadlockKind;

impl KernelKind for DeadlockKind {
    fn name(&self) -> &'static str {
        "deadlock"
    }

    fn why(&self) -> &'static str {
        "takes two locks in opposite order"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn fits(&self, _: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        venue.holds(venue.task_count)
    }

    fn coordinates(&self) -> bool {
        true
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn build(&self, _: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        match (setting.is_async, setting.sharing) {
            (true, _) => Coordinated::boxed(Awaiting::new(), setting),
            (false, Sharing::Threads) => {
                let locks = NAMES.map(ThreadLock::new);
                let both = ThreadBarrier::new(2);
                Coordinated::boxed(Blocking { locks, both }, setting)
            }
            (false, Sharing::Processes) => {
                let locks = [PosixMutex::new(NAMES[0])?, PosixMutex::new(NAMES[1])?];
                let both = SharedBarrier::new(2)?;
                Coordinated::boxed(Blocking { locks, both }, setting)
            }
        }
    }
}

/// Two locks that block, and a barrier at which both parties meet when each of them has one.
struct Blocking<L, B> {
    locks: [L; 2],
    both: B,
}

impl<L: Lock, B: Barrier> Coordination for Blocking<L, B> {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let _first = at_once(self.locks[party.index].lock(party))?;
        at_once(self.both.wait(party))?;
        let _second = at_once(self.locks[1 - party.index].lock(party))?;
        Ok(seed)
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        Ok(Findings::new())
    }
}

/// The same with what tokio has.
struct Awaiting {
    locks: [tokio::sync::Mutex<()>; 2],
    both: tokio::sync::Barrier,
}

impl Awaiting {
    fn new() -> Self {
        Self {
            locks: Default::default(),
            both: tokio::sync::Barrier::new(2),
        }
    }
}

impl Coordination for Awaiting {
    async fn take_part(&self, party: Party<'_>, seed: u64) -> Result<u64, PartyError> {
        let _first = self.locks[party.index].lock().await;
        self.both.wait().await;
        let other = 1 - party.index;
        let _second = party.awaits(NAMES[other], self.locks[other].lock()).await;
        Ok(seed)
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        Ok(Findings::new())
    }
}
