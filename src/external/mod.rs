//! External backends: runtimes that another program drives, which the parent starts in place of its own child.
//!
//! A file such as `backends.toml` states them as data, so that they can be listed and selected without starting the
//! program. FORMAT.md defines the file and the protocol.
//!
//! | module | its job |
//! |---|---|
//! | `load` | reads files of backends, and checks that names are unique |
//! | `parse` | parses the text of one file into backends |
//! | `key` | lists the keys of a file |
//! | `given` | the values that a file gives for one backend, or for all of its backends |
//! | `lists` | reads lists: of words, and of tables; and tables of words |
//! | `claim` | decides which cases a backend can run |
//! | `existing` | what the program has already, without the backends of files |
//! | `places` | what stands in a command for the workers of a case |
//! | `need` | a program that must be there |
//! | `path` | finds programs as the system does |
//! | `peers` | the backends that come with the program, and their files |

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::backend::{Backend, Family, Pool, PoolPlan};
use crate::execute::Job;
use crate::kernel::Sharing;
use crate::parameter::Parameter;
use crate::record::Case;

mod claim;
mod existing;
mod given;
mod key;
mod lists;
mod load;
mod need;
mod parse;
mod path;
mod peers;
mod places;

pub(crate) use existing::Existing;
pub(crate) use load::{file_beside, has_name_of_backends, is_file_of_backends, load};
pub(crate) use path::is_in_path;
pub(crate) use peers::peers;
pub(crate) use places::WorkerPlaces;

pub(crate) use claim::{COORDINATION, GRAPH, RECURSION, work_kind};
use claim::{ClaimedKernel, Lack};
use need::NeededProgram;
use peers::Peers;

/// A backend that another program drives. The parent starts this program for each case, and both speak the child
/// protocol.
#[derive(Debug, Clone)]
pub struct External {
    name: &'static str,
    why: &'static str,
    family: Family,
    /// The program and its arguments; at least the program.
    command: Vec<String>,
    files: Files,
    kernels: Vec<ClaimedKernel>,
    /// Why it has no others.
    lacks: Vec<Lack>,
    /// The kinds of work that it does.
    kinds: Vec<String>,
    options: &'static [Parameter],
    worker_count: Option<usize>,
    /// How many tasks that only wait a worker can have at once; `None` for no limit.
    waits_per_worker: Option<usize>,
    has_payload: bool,
    /// Whether its workers can be processes with several threads each.
    has_shapes: bool,
    /// The programs that must be there.
    needs: Vec<NeededProgram>,
    warmup_run_count: u64,
    /// If it is not named, it runs only on these workloads; `None` for all.
    default_workloads: Option<Vec<String>>,
}

/// Where the files of a program are.
#[derive(Debug, Clone)]
enum Files {
    /// In this folder.
    Folder(PathBuf),
    /// In this program.
    Embedded(Peers),
}

impl External {
    /// The program and its arguments; at least the program. A path begins at the folder of the files.
    pub(crate) fn command(&self) -> &[String] {
        &self.command
    }

    /// The command that starts the program for `case` in its folder. Embedded files are written to the cache of this user
    /// first.
    ///
    /// # Errors
    ///
    /// If they cannot be written, or a program that it needs is missing.
    pub(crate) fn to_command(&self, case: &Case) -> io::Result<Command> {
        if self.missing_need().is_some() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let folder = match &self.files {
            Files::Folder(folder) => std::path::absolute(folder)?,
            Files::Embedded(peers) => peers.unpacked()?,
        };
        let program = &self.command[0];
        let mut command = match program.contains('/') {
            // A relative path would be looked up in the folder of the parent or of the child, depending on the system.
            true => Command::new(folder.join(program)),
            false => Command::new(program),
        };
        let places = WorkerPlaces::of(case);
        let arguments = self.command[1..].iter().map(|word| places.fill(word));
        command.args(arguments).current_dir(folder);
        Ok(command)
    }

    /// Why its program cannot be started, and what to do.
    pub(crate) fn cannot_start(&self, error: &io::Error) -> String {
        let program = &self.command[0];
        let name = self.name;
        if let Some(need) = self.missing_need() {
            let (program, remedy) = (&need.program, &need.remedy);
            return format!("cannot find `{program}`, which `{name}` needs: {remedy}");
        }
        match self.missing_program() {
            Some(_) if program.contains('/') => format!(
                "cannot find `{program}`, which drives `{name}`, or it is not executable: correct `command` in the file \
                 of backends"
            ),
            Some(_) => format!(
                "cannot find `{program}`, which drives `{name}`: install it, or add its folder to PATH"
            ),
            None => format!("cannot start `{program}`, which drives `{name}`: {error}"),
        }
    }

    /// That its program does not speak the version of the protocol that external backends need.
    pub(crate) fn speaks_no_version_2(&self) -> String {
        format!(
            "`{}`, which drives `{}`, does not answer `hello` with a greeting: it must speak version 2 of the child \
             protocol, which FORMAT.md defines",
            self.command.join(" "),
            self.name
        )
    }

    /// The program that cannot be found; `None` if it can be started.
    fn missing_program(&self) -> Option<&str> {
        let program = &self.command[0];
        (!self.has_program(program)).then_some(program.as_str())
    }

    /// The first program that it needs and that cannot be found.
    fn missing_need(&self) -> Option<&NeededProgram> {
        let mut needs = self.needs.iter();
        needs.find(|need| !self.has_program(&need.program))
    }

    fn has_program(&self, program: &str) -> bool {
        let folder = match &self.files {
            Files::Folder(folder) => folder,
            // A path in a folder that is not yet written.
            Files::Embedded(_) => Path::new(""),
        };
        path::is_program(program, folder)
    }

    /// Why its program cannot be started, as far as can be known before; `None` if it can.
    pub(crate) fn obstacle(&self) -> Option<String> {
        if let Some(need) = self.missing_need() {
            return Some(format!("cannot find `{}`: {}", need.program, need.remedy));
        }
        if let Some(program) = self.missing_program() {
            return Some(format!("cannot find `{program}`"));
        }
        self.unwritable()
    }

    /// Why its files, which come with this program, cannot be written to where its program can read them; `None` if
    /// they can.
    pub(crate) fn unwritable(&self) -> Option<String> {
        match &self.files {
            Files::Embedded(peers) if self.missing_program().is_none() => {
                peers.unpacked().err().map(|error| error.to_string())
            }
            _ => None,
        }
    }

    /// Whether it comes with this program.
    pub(crate) fn is_peer(&self) -> bool {
        matches!(self.files, Files::Embedded(_))
    }

    /// How many runs the warm-up of a case has at least.
    pub(crate) fn warmup_run_count(&self) -> u64 {
        self.warmup_run_count
    }

    /// The kinds of work that it does.
    pub(crate) fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// The kernels that it has: `NAME`, or `NAME/PARAMETER=VALUE` for one that it has with this value only, or with these.
    pub(crate) fn kernels(&self) -> impl Iterator<Item = String> {
        self.kernels.iter().map(ClaimedKernel::to_string)
    }

    /// How many tasks that only wait a worker can have at once; `None` for no limit.
    pub(crate) fn waits_per_worker(&self) -> Option<usize> {
        self.waits_per_worker
    }

    /// Whether tasks can hand on bytes.
    pub(crate) fn has_payload(&self) -> bool {
        self.has_payload
    }

    /// Whether its program is a launcher that starts as many processes as it is told.
    pub(crate) fn launches_ranks(&self) -> bool {
        let [one, two] = [1, 2].map(WorkerPlaces::processes);
        let mut words = self.command.iter();
        words.any(|word| one.fill(word) != two.fill(word))
    }

    /// Whether its workers can be processes with several threads each.
    pub(crate) fn has_shapes(&self) -> bool {
        self.has_shapes
    }

    /// The workloads that it runs on if it is not named; `None` for all.
    pub(crate) fn default_workloads(&self) -> Option<&[String]> {
        self.default_workloads.as_deref()
    }
}

impl Backend for External {
    fn name(&self) -> &'static str {
        self.name
    }

    fn why(&self) -> &'static str {
        self.why
    }

    fn sharing(&self) -> Sharing {
        self.family.sharing()
    }

    fn family(&self) -> Family {
        self.family
    }

    fn fixed_worker_count(&self) -> Option<usize> {
        self.worker_count
    }

    fn parallelism(&self, worker_count: usize, waits: bool) -> Option<usize> {
        match waits {
            true => Some(worker_count.saturating_mul(self.waits_per_worker?)),
            false => Some(worker_count),
        }
    }

    fn options(&self) -> &'static [Parameter] {
        self.options
    }

    /// Always fails: another program starts its workers.
    fn start(&self, _job: Arc<Job>, _plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let message = format!(
            "the backend `{}` runs in a program of its own, so this program cannot start it",
            self.name
        );
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}

/// Keeps a value until the program ends, because the traits hand out references to it.
fn kept<T: ?Sized>(value: Box<T>) -> &'static T {
    Box::leak(value)
}

#[cfg(test)]
mod tests;
