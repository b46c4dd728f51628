use std::fmt;
use std::path::Path;

/// A file format that can be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    /// WfFormat of WfCommons: scientific workflows as JSON. Schema versions 1.0 to 1.6 can be read, and version 1.5 is
    /// written. Durations without a unit are written as seconds.
    WfFormat,
    /// The Standard Task Graph Set of the Kasahara laboratory.
    ///
    /// Costs are written as whole numbers of a part of the unit: 1, 0.001, 0.000001 or 0.000000001. This is the largest
    /// part in which all durations are whole. If a cost would then exceed 2^31 - 1, it is the smallest part in which
    /// none does, and durations are rounded to the nearest whole number. A comment in the file states the part. Two
    /// dummy tasks are added unless the first and the last task already are dummies. Names are not written, and tasks
    /// without durations cost 1.
    Stg,
    /// The DOT language of Graphviz, with durations as attributes of nodes. Their unit is not written.
    Dot,
}

impl GraphFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::WfFormat, Self::Stg, Self::Dot];

    /// The file extensions of this format.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::WfFormat => &["json"],
            Self::Stg => &["stg"],
            Self::Dot => &["dot", "gv"],
        }
    }

    /// The format of the file at `path`, by its extension, ignoring case; `None` if no format has this extension.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| {
            let mut all = format.extensions().iter();
            all.any(|one| one.eq_ignore_ascii_case(extension))
        })
    }
}

impl fmt::Display for GraphFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WfFormat => "WfFormat",
            Self::Stg => "STG",
            Self::Dot => "DOT",
        })
    }
}
