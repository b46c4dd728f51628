//! Items for the tests, benchmarks and fuzz targets of this repository. They are not part of the API and may change at
//! any time.

pub mod backend {
    #[cfg(feature = "async-executor")]
    pub use crate::backend::ASYNC_EXECUTOR;
    #[cfg(feature = "bevy_tasks")]
    pub use crate::backend::BEVY_TASKS;
    #[cfg(feature = "chili")]
    pub use crate::backend::CHILI;
    #[cfg(feature = "crossbeam")]
    pub use crate::backend::CROSSBEAM;
    #[cfg(feature = "glommio")]
    pub use crate::backend::GLOMMIO;
    #[cfg(feature = "may")]
    pub use crate::backend::MAY;
    #[cfg(feature = "monoio")]
    pub use crate::backend::MONOIO;
    #[cfg(feature = "smol")]
    pub use crate::backend::SMOL;
    #[cfg(feature = "threadpool")]
    pub use crate::backend::THREADPOOL;
    pub use crate::backend::{
        BACKENDS, FEATURES, FORK, FORK_DISPATCH, FORK_PER_TASK, FORK_THREADS, SERIAL, STATIC,
        THREAD_POOL, THREADS,
    };
    #[cfg(feature = "rayon")]
    pub use crate::backend::{RAYON, RAYON_LEVELS};
    #[cfg(feature = "tokio")]
    pub use crate::backend::{TOKIO, TOKIO_CURRENT_THREAD};
}

pub mod case {
    pub use crate::case::{ChildPlan, ChildProgram, Idle, Patience, Ready, Session, Works};

    pub mod protocol {
        pub use crate::case::protocol::{
            Finished, GreetedBackend, GreetedOption, Greeting, Hello, Hex, Prepare, Prepared,
            Reply, Request, SampleReply, SliceDone, VERSIONS,
        };
    }
}

pub mod coordinated {
    pub use crate::coordinated::{BARRIER, COORDINATED};
}

pub mod loads {
    pub use crate::loads::LOADS;
}

pub mod diagnostic {
    pub use crate::diagnostic::Diagnostic;
}

pub mod graph_file {
    pub use crate::graph_file::GraphFormat;

    pub mod export {
        pub use crate::graph_file::export::{ExportError, write};
    }

    pub mod import {
        pub use crate::graph_file::import::{ImportError, Imported, Unit, parse, read};
    }
}

pub mod handover {
    pub use crate::handover::{
        FileFault, GraphFile, HandedOver, HandoverError, encode, parse, read,
    };
}

pub mod machine {
    pub mod host {
        pub use crate::machine::host::{core_count, host};
    }
}

pub mod matrix {
    pub use crate::filter::CaseFilter;
    pub use crate::matrix::{Binding, PlannedCase, Selection, WorkerChoice, cases};
}

pub mod measure {
    pub use crate::measure::calibration::calibrate_alone;
    pub use crate::measure::task_clock::own_task_clock;
    pub use crate::measure::{Meter, Slice, SlicePlan};
}

pub mod registry {
    pub use crate::registry::Registry;
}

pub mod report {
    /// The names of the exporters.
    pub fn exporter_names() -> impl Iterator<Item = &'static str> {
        crate::report::EXPORTERS.iter().map(|one| one.name())
    }
}

pub mod stats {
    pub use crate::stats::optional_stopping::{Noise, Simulated};
}

pub mod workload {
    pub use crate::workload::{builtin, builtin_and, load};
}
