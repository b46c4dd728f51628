//! The two sides of a gate: two builds of this program, or two versions of a foreign runtime.

use std::path::Path;

use super::arguments::GateArguments;
use crate::backend::Backend;
use crate::cmd::complaint::Complaint;
use crate::cmd::externals::with_files;
use crate::cmd::progress::is_interrupted;
use crate::cmd::{Exit, complaint, tell};
use crate::compare::Side;
use crate::foreign::git::Git;
use crate::gate::build::{Found, Meanwhile, Resolved, find, merge_base, sha256, working_tree};
use crate::gate::{Both, ListedCase, Matched, list, match_up};
use crate::machine::host;
use crate::registry::Registry;
use crate::system::OWN_PROGRAM;

/// What the command line names.
pub(super) enum NamedSides<'a> {
    /// Programs or revisions; `None` for the default.
    Builds(Option<&'a str>, Option<&'a str>),
    /// Files of external backends.
    Versions(&'a Path, &'a Path),
}

/// The two sides that the command line names; `None` for a self-test.
pub(super) fn named(arguments: &GateArguments) -> Option<NamedSides<'_>> {
    match (&arguments.base_external, &arguments.head_external) {
        _ if arguments.self_test => None,
        (Some(base), Some(head)) => Some(NamedSides::Versions(base, head)),
        _ => Some(NamedSides::Builds(
            arguments.base.as_deref(),
            arguments.head.as_deref(),
        )),
    }
}

/// Finds both sides.
pub(super) fn find_both(
    named: &NamedSides<'_>,
    registry: &Registry,
    arguments: &GateArguments,
) -> Result<Both<Resolved>, Exit> {
    match named {
        NamedSides::Builds(base, head) => builds(*base, *head, arguments),
        NamedSides::Versions(base, head) => Ok(Both {
            base: version(base, registry)?,
            head: version(head, registry)?,
        }),
    }
}

/// Finds or builds both programs. If the base is missing or does not build, there is nothing to compare with. A head
/// that is missing is a usage error, and one that does not build is a failure.
fn builds(
    base: Option<&str>,
    head: Option<&str>,
    arguments: &GateArguments,
) -> Result<Both<Resolved>, Exit> {
    let mut meanwhile = Meanwhile {
        tell: &mut |line| tell(line),
        is_cancelled: &is_interrupted,
    };
    let found = found(base, head, arguments, &mut meanwhile)?;
    let base_target = arguments.building.target(Side::Base);
    let head_target = arguments.building.target(Side::Head);
    if base_target == head_target && found.base.is_equal(&found.head, &is_interrupted) {
        return Err(Exit::usage(complaint!(
            help = "name another --base, or change something; `taskdyno gate --self-test` shows what a gate says about \
                    equal builds",
            "there is nothing to compare: `{}` and `{}` have the same files",
            found.base.name(),
            found.head.name()
        )));
    }
    let base = found.base.program(&base_target, &mut meanwhile);
    let base = base.map_err(Exit::not_comparable)?;
    let head = found.head.program(&head_target, &mut meanwhile);
    let head = head.map_err(Exit::failed)?;
    Ok(Both { base, head })
}

/// Checks that named sides exist, without building them.
pub(super) fn check(base: Option<&str>, head: Option<&str>) -> Result<(), Exit> {
    if let Some(name) = base {
        find(name, &is_interrupted).map_err(Exit::not_comparable)?;
    }
    if let Some(name) = head {
        find(name, &is_interrupted).map_err(Exit::usage)?;
    }
    Ok(())
}

/// Finds what to compare, and copies the working tree before anything is built. The default of the base depends on the
/// head.
fn found(
    base: Option<&str>,
    head: Option<&str>,
    arguments: &GateArguments,
    meanwhile: &mut Meanwhile<'_>,
) -> Result<Both<Found>, Exit> {
    let base = base.map(|name| find(name, &is_interrupted));
    let base = base.transpose().map_err(Exit::not_comparable)?;
    let head = match head {
        Some(name) => find(name, &is_interrupted),
        None => working_tree(&arguments.out, meanwhile),
    };
    let head = head.map_err(Exit::usage)?;
    let base = match base {
        Some(base) => base,
        None => merge_base(&head, &is_interrupted).map_err(Exit::not_comparable)?,
    };
    Ok(Both { base, head })
}

/// The version of a foreign runtime in this file of backends. It is known by the commit of the folder of the file.
fn version(file: &Path, registry: &Registry) -> Result<Resolved, Exit> {
    let externals = with_files(registry, &[file.into()], None)?.externals;
    let folder = Path::new(".").join(file.parent().unwrap_or(file));
    let commit = host::commit(&Git::at(&folder, &is_interrupted));
    let commit = commit.unwrap_or_else(|error| {
        tell(&format!(
            "the commit of `{}` is not recorded: {error}",
            file.display()
        ));
        None
    });
    let program = Path::new(OWN_PROGRAM);
    let name = file.display().to_string();
    Ok(Resolved::version(program, name, commit, externals))
}

/// Matches the cases of both sides.
pub(super) fn matched(
    named: &NamedSides<'_>,
    builds: &Both<Resolved>,
    registry: &Registry,
    arguments: &GateArguments,
) -> Result<Matched, Exit> {
    let (base, head) = match named {
        NamedSides::Builds(..) => (
            listed(&builds.base, arguments).map_err(Exit::not_comparable)?,
            listed(&builds.head, arguments).map_err(Exit::usage)?,
        ),
        NamedSides::Versions(..) => (
            selected(&builds.base, registry, arguments)?,
            selected(&builds.head, registry, arguments)?,
        ),
    };
    let matched = match_up(&base, head);
    if matched.both.is_empty() && matched.missing.is_empty() && matched.different.is_empty() {
        return Err(Exit::usage(complaint!(
            help = "`taskdyno run --dry-run` prints the ids of all cases",
            "no case of either side matches"
        )));
    }
    Ok(matched)
}

/// The selected cases of a build, which lists them itself.
fn listed(one: &Resolved, arguments: &GateArguments) -> Result<Vec<ListedCase>, Complaint> {
    let asked = arguments.selected.to_arguments();
    let listed = list(&one.program, &asked, arguments.timeout, &is_interrupted);
    listed.map_err(|said| {
        complaint!(
            help = "a gate needs two builds of taskdyno, or of a program that uses its `Harness`, both of a version \
                    with the `gate` command",
            "cannot list the cases of `{}`: {said}",
            one.build.name
        )
    })
}

/// The selected cases of a version of a foreign runtime. Those that it cannot run are left out.
fn selected(
    one: &Resolved,
    registry: &Registry,
    arguments: &GateArguments,
) -> Result<Vec<ListedCase>, Exit> {
    let mut registry = registry.clone();
    let externals = one.externals.iter().copied();
    externals.for_each(|external| registry.add_external(external));
    let backends: Vec<&'static dyn Backend> = registry
        .externals
        .iter()
        .map(|one| *one as &'static dyn Backend)
        .collect();
    let cases = arguments.selected.cases_if_any(&registry, &backends)?;
    Ok(cases.into_iter().map(ListedCase::from).collect())
}

/// Checks that neither program file has changed since it listed its cases.
pub(super) fn unchanged_on_disk(builds: &Both<Resolved>) -> Result<(), Exit> {
    for one in [&builds.base, &builds.head] {
        let Some(before) = &one.build.sha256 else {
            // A version of a foreign runtime has no program file.
            continue;
        };
        let now = sha256(&one.program).map_err(Exit::failed)?;
        if *before != now {
            return Err(Exit::failed(complaint!(
                help = "run the gate again, and do not build into the same folder while it runs",
                "{} was replaced while the gate ran, so its times come from two programs",
                one.program.display()
            )));
        }
    }
    Ok(())
}
