//! The command-line arguments that say how `gate` builds revisions.

use crate::compare::Side;
use crate::gate::build::Target;

/// How to build revisions.
#[derive(clap::Args)]
pub(super) struct Building {
    /// Build this package of a revision, if its workspace has several.
    #[arg(long, value_name = "NAME", env = "TASKDYNO_PACKAGE")]
    package: Option<String>,
    /// Build this binary of a revision, if its package has several: taskdyno, or your own program that uses its
    /// `Harness`.
    #[arg(long, value_name = "NAME", env = "TASKDYNO_BIN")]
    bin: Option<String>,
    /// Build revisions with these features, separated by commas.
    #[arg(long, value_name = "NAMES", env = "TASKDYNO_FEATURES")]
    features: Option<String>,
    /// Build revisions in this profile of cargo (default: release).
    #[arg(long, value_name = "NAME", env = "TASKDYNO_PROFILE")]
    profile: Option<String>,
    /// Build the base with these features, in place of `--features`.
    #[arg(long, value_name = "NAMES", env = "TASKDYNO_BASE_FEATURES")]
    base_features: Option<String>,
    /// Build the head with these features, in place of `--features`.
    #[arg(long, value_name = "NAMES", env = "TASKDYNO_HEAD_FEATURES")]
    head_features: Option<String>,
    /// Build the base in this profile, in place of `--profile`.
    #[arg(long, value_name = "NAME", env = "TASKDYNO_BASE_PROFILE")]
    base_profile: Option<String>,
    /// Build the head in this profile, in place of `--profile`.
    #[arg(long, value_name = "NAME", env = "TASKDYNO_HEAD_PROFILE")]
    head_profile: Option<String>,
    /// Build the base with these flags of the compiler, in place of `RUSTFLAGS` and of those in cargo's configuration.
    #[arg(
        long,
        value_name = "FLAGS",
        allow_hyphen_values = true,
        env = "TASKDYNO_BASE_RUSTFLAGS"
    )]
    base_rustflags: Option<String>,
    /// Build the head with these flags of the compiler, in place of `RUSTFLAGS` and of those in cargo's configuration.
    #[arg(
        long,
        value_name = "FLAGS",
        allow_hyphen_values = true,
        env = "TASKDYNO_HEAD_RUSTFLAGS"
    )]
    head_rustflags: Option<String>,
}

impl Building {
    /// What to build on this side, and how.
    pub(super) fn target(&self, side: Side) -> Target {
        let (features, profile, rustflags) = match side {
            Side::Base => (
                &self.base_features,
                &self.base_profile,
                &self.base_rustflags,
            ),
            Side::Head => (
                &self.head_features,
                &self.head_profile,
                &self.head_rustflags,
            ),
        };
        Target {
            package: self.package.clone(),
            bin: self.bin.clone(),
            features: features.as_ref().or(self.features.as_ref()).cloned(),
            profile: profile.as_ref().or(self.profile.as_ref()).cloned(),
            rustflags: rustflags.clone(),
        }
    }
}
