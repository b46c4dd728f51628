//! Selects cases from the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::pin::Pin;
use super::workers::{self, Workers};
use super::{Exit, complaint, tell, tell_notes};
use crate::backend::{Backend, Continuation, FEATURES};
use crate::diagnostic::{did_you_mean, nearest};
use crate::filter::CaseFilter;
use crate::matrix::{self, Binding, Cases, PlannedCase, Selection};
use crate::parameter::Value;
use crate::record::Case;
use crate::registry::Registry;
use crate::workload::{self, Workload};

mod refusal;

use refusal::no_case;
pub(super) use refusal::{none_applicable, reasons};

/// The part of the matrix that the command line selects.
#[derive(clap::Args, Clone)]
pub(super) struct Selected {
    /// Run only cases whose id contains one of these texts, or matches one of these globs (default: all cases).
    ///
    /// Ids look like `empty/pattern=chain/rayon/2`; `--dry-run` prints them. A text with `*` or `?` is a glob for the whole
    /// id, such as 'hash-*' or '*/rayon/2'. Some workloads run only if they are named (see `taskdyno list`). They run only if
    /// the match starts within their name, so `rayon` does not select them on that backend.
    #[arg(value_name = "FILTER", env = "TASKDYNO_FILTER")]
    filters: Vec<String>,
    /// Leave out cases whose id contains this text or matches this glob.
    ///
    /// Can be given more than once.
    #[arg(long, value_name = "PATTERN", env = "TASKDYNO_EXCLUDE")]
    exclude: Vec<String>,
    /// Match filters against whole case ids and whole workload names only.
    #[arg(long, env = "TASKDYNO_EXACT")]
    exact: bool,
    /// Run everything, also what runs only if it is named.
    ///
    /// Some workloads and some backends run only if they are named (see `taskdyno list`).
    #[arg(long, env = "TASKDYNO_ALL")]
    all: bool,
    /// Add workload files, or all workload files in a folder.
    ///
    /// Can be given more than once.
    #[arg(long, value_name = "PATH", env = "TASKDYNO_WORKLOADS")]
    pub(super) workloads: Vec<PathBuf>,
    /// Run only these backends, separated by commas; `all` is every backend.
    ///
    /// The default is all but those that run only if they are named (see `taskdyno list`).
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        env = "TASKDYNO_BACKENDS"
    )]
    backends: Vec<String>,
    /// Run with these numbers of workers, separated by commas.
    ///
    /// The default is those in the file of the workload, if any; otherwise 1 and the number of usable cores, and for `metg`
    /// only the latter. `2x3` means 2 processes with 3 threads each, for backends that support it.
    #[arg(
        long,
        value_name = "COUNTS",
        value_delimiter = ',',
        env = "TASKDYNO_WORKERS"
    )]
    workers: Vec<Workers>,
    /// Whether workloads whose files have no numbers of workers run only with the number of usable cores.
    #[arg(skip)]
    only_cores: bool,
    /// Run the first newly ready task inline, or queue it (backends that support both).
    #[arg(
        long,
        value_name = "WHAT",
        value_parser = continuation(),
        env = "TASKDYNO_CONTINUATION"
    )]
    continuation: Option<Continuation>,
    /// Set an option on all backends that have it, such as `threads=4`. Can be given more than once.
    #[arg(long = "option", value_name = "NAME=VALUE", env = "TASKDYNO_OPTION")]
    options: Vec<String>,
    /// Bind worker i to core i.
    ///
    /// The default is `auto` for `gate`, and `never` for all other commands.
    #[arg(
        long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        env = "TASKDYNO_PIN"
    )]
    pub(super) pin: Option<Pin>,
}

/// The workloads with their variants, and the backends, that a program has.
pub(super) struct Known {
    variants: BTreeSet<(String, String)>,
    backends: BTreeSet<&'static str>,
}

impl Known {
    /// Whether the program has the workload, the variant and the backend of this case, with any number of workers.
    pub(super) fn has(&self, case: &Case) -> bool {
        let variant = (case.workload.clone(), case.variant.clone());
        self.variants.contains(&variant) && self.backends.contains(case.backend.as_str())
    }
}

/// Parses the name of a continuation. The help lists all names with their meaning.
fn continuation() -> impl TypedValueParser<Value = Continuation> {
    let values = Continuation::ALL.map(|one| {
        PossibleValue::new(one.name()).help(match one {
            Continuation::Queue => "Put it into the queue, like every other ready task",
            Continuation::Inline => "Run it at once on the same worker, without the queue",
        })
    });
    PossibleValuesParser::new(values)
        .map(|name| Continuation::named(&name).expect("the parser refuses other names"))
}

impl Selected {
    /// The selected cases, at least one, and why others cannot run. If the command line names no backend, they run on
    /// `backends`.
    pub(super) fn cases(
        &self,
        registry: &Registry,
        backends: &[&'static dyn Backend],
    ) -> Result<Cases, Exit> {
        let workloads = workload::builtin_and(&self.workloads, registry).map_err(Exit::usage)?;
        tell_notes(&workloads);
        let (plain, shaped) = self.selections(registry, backends)?;
        let cases = shaped_and_plain(&workloads, &shaped, &plain);
        let reasons = reasons(&cases.not_applicable);
        if cases.planned.is_empty() {
            return Err(match reasons.is_empty() {
                true => no_case(&workloads, &plain),
                false => none_applicable(&reasons),
            });
        }
        reasons.iter().for_each(|reason| tell(reason));
        Ok(cases)
    }

    /// The selected cases; empty if none match. If the command line names no backend, they run on `backends`.
    pub(super) fn cases_if_any(
        &self,
        registry: &Registry,
        backends: &[&'static dyn Backend],
    ) -> Result<Vec<PlannedCase>, Exit> {
        let workloads = workload::builtin_and(&self.workloads, registry).map_err(Exit::usage)?;
        let (plain, shaped) = self.selections(registry, backends)?;
        Ok(shaped_and_plain(&workloads, &shaped, &plain).planned)
    }

    /// All that can be selected, regardless of the filter.
    pub(super) fn known(&self, registry: &Registry) -> Result<Known, Exit> {
        let workloads = workload::builtin_and(&self.workloads, registry).map_err(Exit::usage)?;
        let variants = workloads.iter().flat_map(|workload| {
            let labels = workload.variants.iter().map(|variant| &variant.label);
            labels.map(|label| (workload.name.clone(), label.clone()))
        });
        Ok(Known {
            variants: variants.collect(),
            backends: registry.backends.iter().map(|one| one.name()).collect(),
        })
    }

    /// The same selection. If it has no filter, the result selects exactly the case `id` with this number of workers.
    pub(super) fn or_exactly(&self, id: &str, workers: u32) -> Self {
        match self.has_filter() {
            true => self.clone(),
            false => Self {
                filters: vec![id.into()],
                exact: true,
                workers: vec![Workers::Count(workers)],
                ..self.clone()
            },
        }
    }

    /// The same selection. Workloads run only with the number of usable cores, unless the command line or their files
    /// have other numbers.
    pub(super) fn or_only_cores(&self) -> Self {
        Self {
            only_cores: true,
            ..self.clone()
        }
    }

    /// The same selection without pinning, for a caller that binds the workers itself.
    pub(super) fn unbound(&self) -> Self {
        Self {
            pin: None,
            ..self.clone()
        }
    }

    /// Whether a filter was given.
    pub(super) fn has_filter(&self) -> bool {
        !self.filters.is_empty()
    }

    /// The arguments with which another program makes the same selection, without pinning.
    pub(super) fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut flag = |name: &str, value: OsString| {
            let mut argument = OsString::from(format!("--{name}="));
            argument.push(value);
            arguments.push(argument);
        };
        for path in &self.workloads {
            flag("workloads", path.into());
        }
        if !self.backends.is_empty() {
            flag("backends", self.backends.join(",").into());
        }
        if !self.workers.is_empty() {
            let counts: Vec<String> = self.workers.iter().map(Workers::to_string).collect();
            flag("workers", counts.join(",").into());
        }
        if let Some(continuation) = self.continuation {
            flag("continuation", continuation.name().into());
        }
        for option in &self.options {
            flag("option", option.into());
        }
        for pattern in &self.exclude {
            flag("exclude", pattern.into());
        }
        for (name, is_given) in [("--exact", self.exact), ("--all", self.all)] {
            if is_given {
                arguments.push(name.into());
            }
        }
        if self.has_filter() {
            // `--` comes first, because a filter may begin with a hyphen.
            arguments.push("--".into());
            arguments.extend(self.filters.iter().map(OsString::from));
        }
        arguments
    }

    /// The selection for plain numbers of workers, and one selection per shape.
    fn selections(
        &self,
        registry: &Registry,
        backends: &[&'static dyn Backend],
    ) -> Result<(Selection, Vec<Selection>), Exit> {
        let named = named(registry, &self.backends)?;
        let is_meant = |one: &&'static dyn Backend| self.all || one.is_default();
        let defaults = backends.iter().copied().filter(is_meant);
        let backends: Vec<_> = match named.is_empty() {
            true => defaults.collect(),
            false => named.clone(),
        };
        let (counts, shapes) = workers::split(&self.workers);
        let options = options(registry, &self.options)?;
        workers::check(&shapes, &counts, &named, &registry.externals, &options)?;
        let only_shapes = counts.is_empty() && !shapes.is_empty();
        let of_plain = match only_shapes {
            true => Vec::new(),
            false => backends.clone(),
        };
        let plain = Selection {
            filter: CaseFilter {
                included: self.filters.clone(),
                excluded: self.exclude.clone(),
                exact: self.exact,
                every_workload: self.all,
            },
            backends: of_plain,
            externals: registry.externals.clone(),
            is_named: self.all || !named.is_empty(),
            worker_counts: workers::choice(counts, self.only_cores),
            continuation: self.continuation,
            pin: self.pin.map_or(Binding::Nobody, Pin::binding),
            options,
        };
        let shaped = shapes.iter().map(|one| one.selection(&plain, &backends));
        let shaped = shaped.collect();
        Ok((plain, shaped))
    }
}

/// The cases of all these selections. A case with a shape replaces the same case with a plain number of as many workers,
/// except on a backend that another program drives: there a plain number means processes with one thread.
fn shaped_and_plain(workloads: &[Workload], shaped: &[Selection], plain: &Selection) -> Cases {
    let mut cases = matrix::cases(workloads, plain);
    let plain_id = |planned: &PlannedCase| {
        let process_threads = None;
        let case = Case {
            process_threads,
            ..planned.case.clone()
        };
        case.id()
    };
    for selection in shaped {
        let mut shaped = matrix::cases(workloads, selection);
        let is_external = |name: &str| plain.externals.iter().any(|one| one.name() == name);
        let own = shaped.planned.iter();
        let own = own.filter(|planned| !is_external(&planned.case.backend));
        let ids: BTreeSet<String> = own.map(plain_id).collect();
        let is_new =
            |one: &PlannedCase| one.case.process_threads.is_some() || !ids.contains(&one.case.id());
        cases.planned.retain(is_new);
        cases.planned.append(&mut shaped.planned);
        for (reason, count) in shaped.not_applicable {
            *cases.not_applicable.entry(reason).or_default() += count;
        }
    }
    cases
}

/// The name that means every backend.
const EVERY: &str = "all";

/// The backends of these names, each once.
fn named(registry: &Registry, names: &[String]) -> Result<Vec<&'static dyn Backend>, Exit> {
    if names.iter().any(|name| name == EVERY) {
        return Ok(registry.backends.clone());
    }
    let find = |name: &String| {
        registry.backend(name).ok_or_else(|| {
            let known: Vec<_> = registry.backends.iter().map(|one| one.name()).collect();
            let lacking = FEATURES.iter().find(|(lacking, _)| lacking == name);
            let help = match lacking {
                Some((_, feature)) => {
                    format!("this build lacks it: build with `--features {feature}`")
                }
                None => format!(
                    "{}; `--external FILE` of `run` and `metg` adds those of other programs, such as `mpi`",
                    suggestion(name, &known)
                ),
            };
            Exit::usage(complaint!(help = help, "there is no backend `{name}`"))
        })
    };
    let mut found: Vec<&'static dyn Backend> = Vec::new();
    for name in names {
        let backend = find(name)?;
        if !found.iter().any(|other| other.name() == backend.name()) {
            found.push(backend);
        }
    }
    Ok(found)
}

/// Parses options given as `name=value`. At least one backend must have each option.
fn options(registry: &Registry, given: &[String]) -> Result<BTreeMap<String, Value>, Exit> {
    let declared: Vec<_> = registry
        .backends
        .iter()
        .flat_map(|backend| backend.options())
        .collect();
    let mut options = BTreeMap::new();
    for one in given {
        let (name, text) = one.split_once('=').ok_or_else(|| {
            Exit::usage(complaint!(
                help = "write it like `--option threads=4`",
                "expected an option as NAME=VALUE, got `{one}`"
            ))
        })?;
        // Several backends may have an option of the same name.
        let known: BTreeSet<&str> = declared.iter().map(|option| option.name).collect();
        let known: Vec<&str> = known.into_iter().collect();
        let option = declared.iter().find(|option| option.name == name);
        let option = option.ok_or_else(|| {
            Exit::usage(complaint!(
                help = suggestion(name, &known),
                "no backend has an option `{name}`"
            ))
        })?;
        // Backends may have options of the same name with other values.
        let mut same = declared.iter().filter(|option| option.name == name);
        let value = same.find_map(|option| option.accept_text(text));
        let value = value.ok_or_else(|| {
            Exit::usage(complaint!(
                help = format!("expected {}: {}", option.expected(), option.why),
                "invalid value `{text}` for the option `{name}`"
            ))
        })?;
        options.insert(name.to_owned(), value);
    }
    Ok(options)
}

fn suggestion(name: &str, known: &[&str]) -> String {
    let meant = did_you_mean(nearest(name, known.iter().copied()));
    format!("{meant}known: {}", known.join(", "))
}
