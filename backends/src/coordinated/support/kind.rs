use std::io;

use crate::kernel::{Kernel, KernelKind, Pace, Setting, Venue};
use crate::parameter::{Parameter, Parameters};

/// A kind of kernel whose tasks coordinate, declared as data. Each field is what the method of [`KernelKind`] with the same
/// name returns or does.
#[derive(Debug)]
pub struct CoordinatedKind {
    pub(in crate::coordinated) name: &'static str,
    pub(in crate::coordinated) why: &'static str,
    pub(in crate::coordinated) parameters: &'static [Parameter],
    pub(in crate::coordinated) size_parameter: Option<&'static str>,
    pub(in crate::coordinated) pace: Pace,
    pub(in crate::coordinated) latencies: &'static [&'static str],
    pub(in crate::coordinated) is_timing_the_work: bool,
    pub(in crate::coordinated) fits: fn(&Parameters, &Venue<'_>) -> Result<(), String>,
    pub(in crate::coordinated) build: fn(&Parameters, &Setting<'_>) -> io::Result<Box<dyn Kernel>>,
}

impl KernelKind for CoordinatedKind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn why(&self) -> &'static str {
        self.why
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        (self.fits)(parameters, venue)
    }

    fn coordinates(&self) -> bool {
        true
    }

    fn is_idempotent(&self) -> bool {
        // What an interrupted task has done to what it shares is not undone: its increments stay counted, its messages stay
        // sent, and the items that it took are gone.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        self.size_parameter
    }

    fn pace(&self, _: &Parameters) -> Pace {
        self.pace
    }

    fn latencies(&self) -> &'static [&'static str] {
        self.latencies
    }

    fn is_timing_the_work(&self) -> bool {
        self.is_timing_the_work
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        (self.build)(parameters, setting)
    }
}
