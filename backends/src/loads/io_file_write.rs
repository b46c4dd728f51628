use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::support::{AwaitedOn, PAGE_BYTES, file_system, temporary_file, with_pages};
use crate::graph::TaskId;
use crate::kernel::{Awaited, Findings, Kernel, KernelKind, Setting, Venue};
use crate::latency::{Histogram, Recorder};
use crate::memory::SharedSlice;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::{fill, first_wrong_byte, mix};

/// A task that writes to a file of its own, and waits until each write is on the device.
pub const IO_FILE_WRITE: IoFileWriteKind = IoFileWriteKind;

/// See [`IO_FILE_WRITE`].
#[derive(Debug)]
pub struct IoFileWriteKind;

/// The most tasks: each has an open file, and a process can usually have 1024.
const MOST_TASKS: u64 = 512;

/// The latency of one `fsync`.
const FSYNC: &str = "fsync";

impl KernelKind for IoFileWriteKind {
    fn name(&self) -> &'static str {
        "io-file-write"
    }

    fn why(&self) -> &'static str {
        "does IO: writes to a file of its own, with an fsync after each write"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "writes",
                why: "how many times a task writes and syncs",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 20,
                },
                default: Some(DefaultValue::Count(4)),
            },
            Parameter {
                name: "write_pages",
                why: "how much it writes at once, in pages of 4096 bytes",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 12,
                },
                default: Some(DefaultValue::Count(4)),
            },
        ]
    }

    fn fits(&self, _: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        AwaitedOn::check(venue)?;
        match venue.task_count <= MOST_TASKS {
            true => Ok(()),
            false => Err(format!(
                "each task has an open file, and {} are too many: use at most {MOST_TASKS} tasks",
                venue.task_count
            )),
        }
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("writes")
    }

    fn latencies(&self) -> &'static [&'static str] {
        &[FSYNC]
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let task_count = setting.graph.task_count();
        let files = (0..task_count).map(|_| temporary_file());
        let files = files.collect::<io::Result<Vec<_>>>()?;
        Ok(Box::new(FileWrites {
            runtime: AwaitedOn::of(setting),
            file_system: match files.first() {
                Some(file) => file_system(file)?,
                None => String::new(),
            },
            shared: Arc::new(WrittenFiles {
                files,
                writes: parameters.count("writes"),
                page_count: parameters.count("write_pages") as usize,
                seeds: SharedSlice::new(task_count)?,
                fsyncs: Recorder::new()?,
            }),
        }))
    }
}

/// The files of all tasks.
struct WrittenFiles {
    files: Vec<File>,
    writes: u64,
    page_count: usize,
    /// The seed of each task in its last run, from which the content of its file is derived.
    seeds: SharedSlice<AtomicU64>,
    fsyncs: Recorder,
}

impl WrittenFiles {
    /// The word from which the content of write `at` is derived.
    fn word(seed: u64, at: u64) -> u64 {
        mix(seed ^ at)
    }

    fn byte_len(&self) -> u64 {
        (self.page_count * PAGE_BYTES) as u64
    }

    /// Write `at` of `task`, without waiting for the device.
    fn write(&self, task: TaskId, seed: u64, at: u64) {
        let written = with_pages(self.page_count, |bytes| {
            fill(bytes, Self::word(seed, at));
            self.files[task.index()].write_all_at(bytes, at * self.byte_len())
        });
        written.unwrap_or_else(|error| panic!("cannot write to a file of task {task}: {error}"));
    }

    /// Waits until all that `task` wrote is on the device.
    fn sync(&self, task: TaskId) {
        let start = self.fsyncs.is_on().then(Instant::now);
        let synced = self.files[task.index()].sync_all();
        synced.unwrap_or_else(|error| panic!("cannot sync the file of task {task}: {error}"));
        if let Some(start) = start {
            self.fsyncs.record(start.elapsed().as_nanos() as u64);
        }
    }

    fn end(&self, task: TaskId, seed: u64) -> u64 {
        // Relaxed: it is read when nothing runs.
        self.seeds[task.index()].store(seed, Ordering::Relaxed);
        seed
    }

    /// Whether the file of the task at `index` has what its last run wrote, and nothing else.
    fn check(&self, index: usize) -> Result<(), String> {
        let file = &self.files[index];
        // Relaxed: nothing is running.
        let seed = self.seeds[index].load(Ordering::Relaxed);
        for at in 0..self.writes {
            let read = with_pages(self.page_count, |bytes| {
                file.read_exact_at(bytes, at * self.byte_len())?;
                Ok::<_, io::Error>(first_wrong_byte(bytes, Self::word(seed, at)))
            });
            let wrong = match read {
                Ok(None) => continue,
                Ok(Some(byte)) => format!("has a wrong byte, byte {byte} of write {at}"),
                Err(error) => format!("cannot be read at write {at}: {error}"),
            };
            return Err(format!("the file of task {index} {wrong}"));
        }
        match file.metadata().map(|metadata| metadata.len()) {
            Ok(found) if found == self.writes * self.byte_len() => Ok(()),
            found => Err(format!(
                "the file of task {index} has the wrong length: {found:?}"
            )),
        }
    }
}

struct FileWrites {
    shared: Arc<WrittenFiles>,
    file_system: String,
    runtime: AwaitedOn,
}

impl FileWrites {
    /// Whether its files are only in memory, so that `fsync` does nothing.
    fn is_in_memory(&self) -> bool {
        matches!(self.file_system.as_str(), "tmpfs" | "ramfs")
    }
}

impl Kernel for FileWrites {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        for at in 0..self.shared.writes {
            self.shared.write(task, seed, at);
            self.shared.sync(task);
        }
        self.shared.end(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn is_awaited(&self) -> bool {
        self.runtime.is_async()
    }

    fn awaited(&self, task: TaskId, seed: u64) -> Awaited<'_> {
        let runtime = self.runtime;
        Box::pin(async move {
            for at in 0..self.shared.writes {
                let shared = Arc::clone(&self.shared);
                runtime
                    .elsewhere(move || shared.write(task, seed, at))
                    .await;
                let shared = Arc::clone(&self.shared);
                runtime.elsewhere(move || shared.sync(task)).await;
            }
            self.shared.end(task, seed)
        })
    }

    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        if task_run_count == 0 {
            return Ok(Findings::new());
        }
        (0..self.shared.files.len()).try_for_each(|index| self.shared.check(index))?;
        let key = match self.is_in_memory() {
            true => "written_to_memory_only_bytes",
            false => "synced_bytes",
        };
        let byte_count = task_run_count * self.shared.writes * self.shared.byte_len();
        Ok(Findings::from([(key.into(), byte_count)]))
    }

    fn file_system(&self) -> Option<&str> {
        (!self.file_system.is_empty()).then_some(&self.file_system)
    }

    fn record_latencies(&self, on: bool) {
        self.shared.fsyncs.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([(FSYNC.into(), self.shared.fsyncs.take())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Root;

    fn kernel(file: File, file_system: &str) -> FileWrites {
        FileWrites {
            runtime: AwaitedOn::Thread,
            file_system: file_system.into(),
            shared: Arc::new(WrittenFiles {
                files: vec![file],
                writes: 3,
                page_count: 2,
                seeds: SharedSlice::new(1).unwrap(),
                fsyncs: Recorder::new().unwrap(),
            }),
        }
    }

    #[test]
    fn what_was_written_is_checked_and_the_file_system_is_named() {
        for (name, key) in [
            ("xfs", "synced_bytes"),
            ("tmpfs", "written_to_memory_only_bytes"),
        ] {
            let kernel = kernel(temporary_file().unwrap(), name);
            assert_eq!(kernel.run(TaskId(0), 7), 7);
            let findings = Findings::from([(key.to_owned(), 3 * 2 * 4096)]);
            assert_eq!(kernel.verify(1), Ok(findings));
            assert_eq!(kernel.file_system(), Some(name));
        }
    }

    #[test]
    fn a_byte_that_the_file_lost_is_found() {
        let kernel = kernel(temporary_file().unwrap(), "any");
        kernel.run(TaskId(0), 7);
        let file = &kernel.shared.files[0];
        let mut byte = [0];
        file.read_exact_at(&mut byte, 10_000).unwrap();
        file.write_all_at(&[!byte[0]], 10_000).unwrap();
        let expected = "the file of task 0 has a wrong byte, byte 1808 of write 1";
        assert_eq!(kernel.verify(1), Err(expected.into()));
    }

    #[test]
    fn bytes_that_were_not_written_and_those_of_another_run_are_found() {
        let kernel = kernel(temporary_file().unwrap(), "any");
        assert!(kernel.verify(1).is_err(), "nothing was written");
        kernel.run(TaskId(0), 7);
        kernel.shared.end(TaskId(0), 8);
        assert!(
            kernel.verify(1).is_err(),
            "it has the content of another run"
        );
    }

    #[test]
    #[should_panic(expected = "cannot write to a file of task 0")]
    fn a_device_without_space_fails_the_task() {
        let full = File::options()
            .write(true)
            .open(Root::default().path("/dev/full"));
        kernel(full.unwrap(), "any").run(TaskId(0), 7);
    }

    #[test]
    fn fsyncs_are_recorded_only_when_they_should_be() {
        let kernel = kernel(temporary_file().unwrap(), "any");
        kernel.run(TaskId(0), 7);
        assert_eq!(kernel.take_latencies()[FSYNC].count(), 0);
        kernel.record_latencies(true);
        kernel.run(TaskId(0), 7);
        assert_eq!(kernel.take_latencies()[FSYNC].count(), 3);
    }
}
