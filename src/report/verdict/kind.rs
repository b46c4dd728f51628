//! The outcome of a case.

use anstyle::{AnsiColor, Style};

use crate::compare::{Side, Verdict};

/// The outcome of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum LineKind {
    Failed,
    /// Only one side has the case.
    OneSided {
        /// The side that lacks it.
        lacks: Side,
        /// Whether that makes the comparison fail.
        fails: bool,
    },
    Verdict(Verdict),
}

impl LineKind {
    /// The outcome as one word.
    pub(in crate::report) fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::OneSided { lacks, .. } => match lacks {
                Side::Head => "missing",
                Side::Base => "new",
            },
            Self::Verdict(verdict) => verdict.name(),
        }
    }

    /// Whether it makes the comparison fail, whatever the verdicts are.
    pub(in crate::report) fn fails(self) -> bool {
        matches!(self, Self::Failed | Self::OneSided { fails: true, .. })
    }

    /// Whether it is no more than reported: a case of one side that does not make the comparison fail.
    pub(in crate::report) fn is_reported_only(self) -> bool {
        matches!(self, Self::OneSided { fails: false, .. })
    }

    /// The place in the order of all outcomes, the worst first.
    pub(super) fn rank(self) -> usize {
        let of_side = |side| usize::from(side == Side::Base);
        match self {
            Self::Failed => 0,
            Self::OneSided { lacks, fails: true } => 1 + of_side(lacks),
            Self::Verdict(verdict) => {
                let all = Verdict::ALL.iter();
                3 + all.take_while(|other| **other != verdict).count()
            }
            Self::OneSided { lacks, .. } => 3 + Verdict::ALL.len() + of_side(lacks),
        }
    }

    /// Its style in a terminal.
    pub(super) fn style(self) -> Style {
        match self {
            kind if kind.fails() => AnsiColor::Red.on_default(),
            Self::Verdict(Verdict::Regressed) => AnsiColor::Red.on_default(),
            Self::Verdict(Verdict::Improved) => AnsiColor::Green.on_default(),
            Self::Verdict(Verdict::Inconclusive) => AnsiColor::Yellow.on_default(),
            _ => Style::new(),
        }
    }
}
