//! Who rings whose bell: the ranks of each host find each other.

use std::time::{Duration, SystemTime};

use crate::bells::{Address, Bells};
use crate::post::Post;
use crate::trouble::Trouble;

/// The longest sleep if all ranks can ring: only MPI's own messages come without.
const LONGEST_SLEEP: Duration = Duration::from_millis(1);

/// The longest sleep if there are ranks on other hosts, which cannot ring.
const SHORT_SLEEP: Duration = Duration::from_micros(50);

/// The bells of this host.
pub struct Ringer {
    bells: Bells,
    /// The bell of each rank; `None` for ranks of other hosts.
    bell_of: Vec<Option<usize>>,
    /// That of this rank.
    own: usize,
    longest: Duration,
}

impl Ringer {
    /// Makes or opens the bells of the host of this rank, where `host_of` has a number for the host of each rank. All ranks
    /// call it. Without the memory for it, there are none, on no host.
    ///
    /// # Errors
    ///
    /// If a rank failed.
    pub fn hang(post: &mut Post, host_of: &[u64]) -> Result<Option<Self>, Trouble> {
        let rank = post.rank();
        let here = (0..host_of.len()).filter(|one| host_of[*one] == host_of[rank]);
        let here: Vec<usize> = here.collect();
        let bells = match here[0] == rank {
            true => make(post, &here)?,
            false => open(post, here[0], here.len())?,
        };
        let is_complete = agreed(post, bells.is_some())?;
        let place = |rank| here.iter().position(|one| *one == rank);
        let bell_of: Vec<Option<usize>> = (0..host_of.len()).map(place).collect();
        let longest = match bell_of.contains(&None) {
            true => SHORT_SLEEP,
            false => LONGEST_SLEEP,
        };
        let ringer = bells.zip(bell_of[rank]).map(|(bells, own)| Self {
            bells,
            bell_of,
            own,
            longest,
        });
        Ok(ringer.filter(|_| is_complete))
    }

    /// Whether this rank is on this host.
    pub fn reaches(&self, rank: usize) -> bool {
        self.bell_of[rank].is_some()
    }

    /// Wakes a rank, if it is on this host.
    #[inline]
    pub fn ring(&self, to: usize) {
        if let Some(bell) = self.bell_of[to] {
            self.bells.ring(bell);
        }
    }

    /// How often the bell of this rank has rung.
    #[inline]
    pub fn rings(&self) -> u32 {
        self.bells.rings(self.own)
    }

    /// Sleeps until the bell of this rank has rung more often than `seen`, or for so long; if no time is given, as long as a
    /// rank may in a run.
    pub fn sleep(&self, seen: u32, limit: Option<Duration>) {
        self.bells
            .sleep(self.own, seen, limit.unwrap_or(self.longest));
    }
}

/// Makes bells for the ranks `here`, the first of which is this one, and tells the others where.
fn make(post: &mut Post, here: &[usize]) -> Result<Option<Bells>, Trouble> {
    let time = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    // Not zero, which stands for none.
    let mark = time.as_nanos() as u64 | 1;
    let bells = Bells::new(here.len(), mark).ok();
    let words = bells.as_ref().map_or([0; 3], |bells| {
        let address = bells.address();
        [address.process, address.descriptor, address.mark]
    });
    for other in &here[1..] {
        post.send_mail(*other, &words)?;
    }
    Ok(bells)
}

/// Opens the bells that `first` has made.
fn open(post: &mut Post, first: usize, count: usize) -> Result<Option<Bells>, Trouble> {
    let words = post.long_mail(first, 3)?;
    let address = Address {
        process: words[0],
        descriptor: words[1],
        mark: words[2],
    };
    Ok(Bells::open(address, count)
        .ok()
        .filter(|_| address.mark != 0))
}

/// Whether all ranks say so.
fn agreed(post: &mut Post, own: bool) -> Result<bool, Trouble> {
    if post.rank() != 0 {
        post.send_mail(0, &[own.into()])?;
        return Ok(post.long_mail(0, 1)?[0] != 0);
    }
    let mut all = own;
    for rank in 1..post.size() {
        all &= post.long_mail(rank, 1)?[0] != 0;
    }
    post.tell_all(&[all.into()])?;
    Ok(all)
}
