//! How a rank waits for a message: it looks, lets others run, or sleeps until its bell rings.

use std::time::{Duration, Instant};

use super::{PING, Post};
use crate::patience::Patience;
use crate::ringer::Ringer;
use crate::trouble::Trouble;

/// After this time without a message, a rank that waits sends one to each other rank. It shows them whether an earlier
/// one was lost.
const PING_AFTER: Duration = Duration::from_secs(1);

/// How often a rank that shares its core looks before it sleeps, and yields the core after each look. A rank that answers
/// at once is met awake.
const LOOKS: u32 = 20;

/// How long a rank has waited for a message.
#[derive(Default)]
pub struct Waiting {
    polls: u32,
    since: Option<Instant>,
    /// How often the bell of this rank had rung before the last look.
    rings: Option<u32>,
}

impl Waiting {
    /// Nothing has arrived: lets others run, and in long waits shows other ranks whether a message of this one was lost.
    pub fn once_more(&mut self, post: &mut Post) -> Result<(), Trouble> {
        self.polls += 1;
        if post.patience.is_crowded || post.patience.sleeps {
            // Otherwise a message that left long ago would keep this rank awake.
            post.is_sending = !post.wire.reap()?;
        }
        let bell = post.bell();
        let has_waited = match (bell, self.rings) {
            (Some(bell), Some(seen)) if post.patience.sleeps => {
                bell.sleep(seen, Some(Patience::woken_sleep(self.polls)));
                if bell.rings() != seen {
                    self.polls = 0;
                }
                true
            }
            (Some(bell), Some(seen)) if self.polls > LOOKS => {
                bell.sleep(seen, None);
                true
            }
            _ => post.patience.pause(self.polls),
        };
        // Before the next look, so that a message that it misses rings.
        self.rings = bell.map(Ringer::rings);
        if !has_waited {
            return Ok(());
        }
        // The clock is read only now and then.
        let since = self.since.get_or_insert_with(Instant::now);
        if !post.patience.sleeps && since.elapsed() >= PING_AFTER {
            self.since = None;
            let (rank, size) = (post.rank(), post.size());
            for to in (0..size).filter(|to| *to != rank) {
                post.send(to, PING, &[])?;
            }
        }
        Ok(())
    }
}
