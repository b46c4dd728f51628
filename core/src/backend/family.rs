//! What a backend runs its tasks on.

use serde::{Deserialize, Serialize};

use crate::kernel::Sharing;

/// What a backend runs its tasks on. Reports compare backends of different families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// One thread, which runs one task after the other.
    Serial,
    /// Threads of one process.
    Threads,
    /// An event loop, or several: tasks that wait do not occupy a worker.
    Async,
    /// Processes.
    Processes,
    /// Processes with several threads each.
    Mixed,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 5] = [
        Self::Serial,
        Self::Threads,
        Self::Async,
        Self::Processes,
        Self::Mixed,
    ];

    /// The name in lists, files and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Threads => "threads",
            Self::Async => "async",
            Self::Processes => "processes",
            Self::Mixed => "mixed",
        }
    }

    /// The family of this name; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether its workers share one address space.
    pub fn sharing(self) -> Sharing {
        match self {
            Self::Serial | Self::Threads | Self::Async => Sharing::Threads,
            Self::Processes | Self::Mixed => Sharing::Processes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_found_by_its_name() {
        for family in Family::ALL {
            assert_eq!(Family::named(family.name()), Some(family));
        }
        assert_eq!(Family::named("fibers"), None);
    }
}
