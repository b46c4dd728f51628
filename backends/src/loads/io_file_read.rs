use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::support::{
    AwaitedOn, PAGE_BYTES, bytes_from_device, file_system, temporary_file, with_pages,
};
use crate::graph::TaskId;
use crate::kernel::{Awaited, Findings, Kernel, KernelKind, Setting, Venue};
use crate::memory::{Padded, SharedSlice};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::{fill, first_wrong_byte, mix};

/// A task that reads a file at places that follow from what it has read.
pub const IO_FILE_READ: IoFileReadKind = IoFileReadKind;

/// See [`IO_FILE_READ`].
#[derive(Debug)]
pub struct IoFileReadKind;

impl KernelKind for IoFileReadKind {
    fn name(&self) -> &'static str {
        "io-file-read"
    }

    fn why(&self) -> &'static str {
        "does IO: reads a file at places that follow from what was read before, and checks every byte"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "cache",
                why: "whether the bytes come from the cache of the system, or from the device",
                kind: ParameterKind::Choice(&["cached", "uncached"]),
                default: Some(DefaultValue::Text("cached")),
            },
            Parameter {
                name: "reads",
                why: "how many times a task reads",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 30,
                },
                default: Some(DefaultValue::Count(16)),
            },
            Parameter {
                name: "read_pages",
                why: "how much it reads at once, in pages of 4096 bytes",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 12,
                },
                default: Some(DefaultValue::Count(16)),
            },
            Parameter {
                name: "places",
                why: "how many such pieces the file has",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 16,
                },
                default: Some(DefaultValue::Count(256)),
            },
        ]
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("reads")
    }

    fn fits(&self, _: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        AwaitedOn::check(venue)
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let pieces = Pieces {
            page_count: parameters.count("read_pages") as usize,
            place_count: parameters.count("places"),
        };
        let file = written(&pieces)?;
        let is_uncached = parameters.text("cache") == "uncached";
        Ok(Box::new(FileReads {
            runtime: AwaitedOn::of(setting),
            reads: parameters.count("reads"),
            shared: Arc::new(ReadFile {
                file_system: file_system(&file)?,
                file: match is_uncached {
                    true => direct(file)?,
                    false => file,
                },
                pieces,
                device_bytes: match is_uncached {
                    true => Some(SharedSlice::new(1)?),
                    false => None,
                },
            }),
        }))
    }
}

/// A file with the content of `pieces`, on its device.
fn written(pieces: &Pieces) -> io::Result<File> {
    let file = temporary_file()?;
    for place in 0..pieces.place_count {
        with_pages(pieces.page_count, |bytes| {
            fill(bytes, Pieces::word(place));
            file.write_all_at(bytes, place * pieces.byte_len())
        })?;
    }
    file.sync_all()?;
    Ok(file)
}

/// `file` without the cache, if its file system can do this. Otherwise the findings will say that nothing was read from
/// the device.
fn direct(file: File) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(libc::O_DIRECT);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(file),
        opened => opened,
    }
}

/// The pieces of the file.
struct Pieces {
    page_count: usize,
    place_count: u64,
}

impl Pieces {
    fn byte_len(&self) -> u64 {
        (self.page_count * PAGE_BYTES) as u64
    }

    /// The word from which the content of the piece at `place` is derived.
    fn word(place: u64) -> u64 {
        mix(!place)
    }

    /// Where to read next, with `word` from what was read before.
    fn place(&self, word: u64) -> u64 {
        word % self.place_count
    }
}

/// The file that all tasks read.
struct ReadFile {
    file: File,
    file_system: String,
    pieces: Pieces,
    /// How many bytes the system read from the device for the tasks, if they should come from there.
    device_bytes: Option<SharedSlice<Padded<AtomicU64>>>,
}

impl ReadFile {
    /// Reads the piece at the place that `word` says, checks it, and returns the word for the next one.
    fn next(&self, word: u64) -> u64 {
        let place = self.pieces.place(word);
        let content = Pieces::word(place);
        let wrong = with_pages(self.pieces.page_count, |bytes| {
            let read = self
                .file
                .read_exact_at(bytes, place * self.pieces.byte_len());
            read.unwrap_or_else(|error| panic!("cannot read piece {place} of the file: {error}"));
            first_wrong_byte(bytes, content)
        });
        if let Some(at) = wrong {
            panic!("byte {at} of piece {place} of the file is not the byte that was written");
        }
        mix(word ^ content)
    }

    /// Does `reading`, and counts the bytes that came from the device meanwhile.
    fn counted(&self, reading: impl FnOnce() -> u64) -> u64 {
        let Some(device_bytes) = &self.device_bytes else {
            return reading();
        };
        let before = bytes_from_device();
        let word = reading();
        if let (Some(before), Some(after)) = (before, bytes_from_device()) {
            // Relaxed: a sum, which is read when nothing runs.
            device_bytes[0].fetch_add(after - before, Ordering::Relaxed);
        }
        word
    }
}

struct FileReads {
    shared: Arc<ReadFile>,
    reads: u64,
    runtime: AwaitedOn,
}

impl Kernel for FileReads {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        let reading = || (0..self.reads).fold(seed, |word, _| self.shared.next(word));
        self.shared.counted(reading)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        let pieces = &self.shared.pieces;
        let next = |word, _| mix(word ^ Pieces::word(pieces.place(word)));
        (0..self.reads).fold(seed, next)
    }

    fn is_awaited(&self) -> bool {
        self.runtime.is_async()
    }

    fn awaited(&self, _: TaskId, seed: u64) -> Awaited<'_> {
        let runtime = self.runtime;
        Box::pin(async move {
            let mut word = seed;
            for _ in 0..self.reads {
                let shared = Arc::clone(&self.shared);
                word = runtime
                    .elsewhere(move || shared.counted(|| shared.next(word)))
                    .await;
            }
            word
        })
    }

    fn reset(&self) {
        if let Some(device_bytes) = &self.shared.device_bytes {
            // Relaxed: nothing is running.
            device_bytes[0].store(0, Ordering::Relaxed);
        }
    }

    fn verify(&self, task_run_count: u64) -> Result<Findings, String> {
        let Some(device_bytes) = &self.shared.device_bytes else {
            return Ok(Findings::new());
        };
        let asked = task_run_count * self.reads * self.shared.pieces.byte_len();
        // Relaxed: nothing is running.
        let from_device = device_bytes[0].load(Ordering::Relaxed);
        Ok(match asked.saturating_sub(from_device) {
            0 => Findings::new(),
            others => Findings::from([("not_from_the_device_bytes".into(), others)]),
        })
    }

    fn file_system(&self) -> Option<&str> {
        Some(&self.shared.file_system)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraph;
    use crate::kernel::Sharing;
    use crate::parameter::Value;

    fn read(cache: &str) -> Box<dyn Kernel> {
        let graph = TaskGraph::default();
        let setting = Setting::new(&graph, Sharing::Threads, 1);
        let given = [
            ("cache".to_owned(), Value::Text(cache.into())),
            ("places".to_owned(), Value::Count(5)),
            ("read_pages".to_owned(), Value::Count(2)),
        ];
        let parameters = Parameters::check(IO_FILE_READ.parameters(), &given.into()).unwrap();
        IO_FILE_READ.build(&parameters, &setting).unwrap()
    }

    #[test]
    fn what_is_read_decides_the_output() {
        for cache in ["cached", "uncached"] {
            let kernel = read(cache);
            for seed in [0, 7, u64::MAX] {
                assert_eq!(
                    kernel.run(TaskId(0), seed),
                    kernel.expected(TaskId(0), seed)
                );
            }
            assert_ne!(kernel.expected(TaskId(0), 1), kernel.expected(TaskId(0), 2));
        }
    }

    #[test]
    fn bytes_that_no_device_gave_are_a_finding_only_if_they_should_come_from_there() {
        assert_eq!(read("cached").verify(1), Ok(Findings::new()));
        // Nothing was read at all, so nothing came from the device.
        let findings = read("uncached").verify(1).unwrap();
        let [(key, bytes)] = &Vec::from_iter(findings)[..] else {
            panic!("one finding");
        };
        assert_eq!(key, "not_from_the_device_bytes");
        assert_eq!(*bytes, 16 * 2 * 4096);
    }

    #[test]
    #[should_panic(expected = "byte 4097 of piece 0 of the file is not the byte that was written")]
    fn a_byte_that_the_file_lost_is_found() {
        let pieces = Pieces {
            page_count: 2,
            place_count: 1,
        };
        let file = written(&pieces).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, 4097).unwrap();
        file.write_all_at(&[!byte[0]], 4097).unwrap();
        let shared = ReadFile {
            file,
            file_system: "any".into(),
            pieces,
            device_bytes: None,
        };
        shared.next(7);
    }
}
