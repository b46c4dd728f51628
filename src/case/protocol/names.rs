//! What messages call requests and replies.

use super::{Reply, Request};

impl Request {
    /// The reply to it.
    pub(crate) fn awaited(&self) -> &'static str {
        match self {
            Self::Hello(_) => "`greeting`, the reply to `hello`",
            Self::Prepare(_) => "`prepared`, the reply to `prepare`",
            Self::Slice(_) => "`sample` or `slice_done`, the replies to `slice`",
            Self::Finish {} => "`finished`, the reply to `finish`",
            Self::Expect(_) => "`expected`, the reply to `expect`",
        }
    }
}

impl Reply {
    /// Its key in the line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Greeting(_) => "greeting",
            Self::Prepared(_) => "prepared",
            Self::Sample(_) => "sample",
            Self::SliceDone(_) => "slice_done",
            Self::Finished(_) => "finished",
            Self::Expected(_) => "expected",
            Self::Error(_) => "error",
        }
    }
}
