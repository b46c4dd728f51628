use super::{DEPTH, Pattern, Size, fork_join};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};

/// Each task spawns `fan_out`, `depth` times over, and each sum adds up as many: with the defaults 1,111,111 tasks on
/// the way down and 111,111 on the way up.
///
/// After the benchmark of that name, in which a million leaves carry their numbers and the root finds
/// 499999500000.
pub const SKYNET: Skynet = Skynet;

/// See [`SKYNET`].
#[derive(Debug)]
pub struct Skynet;

impl Pattern for Skynet {
    fn name(&self) -> &'static str {
        "skynet"
    }

    fn why(&self) -> &'static str {
        "every task spawns ten, six times over, and a million results are summed up: what spawning costs"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[DEPTH_OF_SIX, FAN_OUT]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        fork_join::size(parameters.count("depth"), parameters.count("fan_out"))
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        fork_join::build(parameters.count("depth"), parameters.count("fan_out"))
    }
}

const DEPTH_OF_SIX: Parameter = Parameter {
    default: Some(DefaultValue::Count(6)),
    ..DEPTH
};

const FAN_OUT: Parameter = Parameter {
    name: "fan_out",
    why: "how many tasks each task spawns",
    kind: ParameterKind::Count { min: 1, max: 65535 },
    default: Some(DefaultValue::Count(10)),
};
