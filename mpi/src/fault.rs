//! A faulty transport, for tests: it loses, repeats or delays one message.

use std::ops::Deref;

/// What happens to one message with values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    Lose,
    /// It arrives twice.
    Duplicate,
    /// It arrives after the next message to the same rank.
    Reorder,
    /// One bit of its last word changes.
    Garble,
}

impl Fault {
    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "lose" => Some(Self::Lose),
            "duplicate" => Some(Self::Duplicate),
            "reorder" => Some(Self::Reorder),
            "garble" => Some(Self::Garble),
            _ => None,
        }
    }
}

/// The first messages with values arrive as they should.
const SPARED: u32 = 5;

/// Mangles one message.
pub struct Mangler {
    fault: Fault,
    count: u32,
    /// A delayed message, and to whom it goes.
    delayed: Option<(usize, Vec<u64>)>,
}

/// The messages to send instead of one.
pub struct Passes([Vec<u64>; 2], usize);

impl Deref for Passes {
    type Target = [Vec<u64>];

    fn deref(&self) -> &[Vec<u64>] {
        &self.0[..self.1]
    }
}

impl Mangler {
    /// Has not mangled any.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            count: 0,
            delayed: None,
        }
    }

    /// What to send instead of this message.
    pub fn pass(&mut self, to: usize, is_values: bool, message: &[u64]) -> Passes {
        let one = || Passes([message.to_vec(), Vec::new()], 1);
        if let Some((_, late)) = self.delayed.take_if(|(delayed_to, _)| *delayed_to == to) {
            return Passes([message.to_vec(), late], 2);
        }
        self.count += u32::from(is_values);
        if !is_values || self.count != SPARED + 1 {
            return one();
        }
        match self.fault {
            Fault::Lose => Passes(Default::default(), 0),
            Fault::Duplicate => Passes([message.to_vec(), message.to_vec()], 2),
            Fault::Reorder => {
                self.delayed = Some((to, message.to_vec()));
                Passes(Default::default(), 0)
            }
            Fault::Garble => {
                let mut garbled = message.to_vec();
                if let Some(last) = garbled.last_mut() {
                    *last ^= 1;
                }
                Passes([garbled, Vec::new()], 1)
            }
        }
    }
}
