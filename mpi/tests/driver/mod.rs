//! Starts ranks and speaks the child protocol with them.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use taskdyno_core::execute::expected_digest;
use taskdyno_core::graph::{Rows, TaskGraph};
use taskdyno_core::kernel::{EMPTY, KernelKind, Setting, Sharing};
use taskdyno_core::parameter::Parameters;
use taskdyno_mpi::wire::Wire;

/// Nothing here takes as long; a test that waits longer has found a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The MPI that this test is linked to, with the names that its launcher may have. On a system with several, `mpirun` is the
/// launcher of one of them, and the ranks of another would each believe that they are alone.
fn own_mpi() -> (&'static str, [&'static str; 2]) {
    match Wire::library().contains("Open MPI") {
        true => ("Open MPI", ["mpirun.openmpi", "mpirun"]),
        false => ("HYDRA", ["mpirun.mpich", "mpirun"]),
    }
}

/// The launcher of the MPI that this test is linked to.
fn launcher() -> Option<&'static str> {
    let (name, launchers) = own_mpi();
    launchers.into_iter().find(|launcher| {
        let output = Command::new(launcher).arg("--version").output();
        output.is_ok_and(|output| {
            let text = String::from_utf8_lossy(&output.stdout);
            // Open MPI 4 says "mpirun (Open MPI)", or OpenRTE for its other name.
            text.contains(name) || name == "Open MPI" && text.contains("OpenRTE")
        })
    })
}

/// Whether there is a launcher. If not, the test passes, and says what it skipped.
pub(crate) fn has_mpi(test: &str) -> bool {
    let is_there = launcher().is_some();
    if !is_there {
        let (name, launchers) = own_mpi();
        eprintln!(
            "SKIPPED {test}: there is no launcher of {name}, which would be one of {launchers:?}"
        );
    }
    is_there
}

/// Whether the ranks run on Open MPI.
pub(crate) fn is_open_mpi() -> bool {
    own_mpi().0 == "Open MPI"
}

/// A case on ranks.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) ranks: u32,
    pub(crate) threads: u32,
    pub(crate) engine: &'static str,
    pub(crate) partition: &'static str,
    pub(crate) bind: &'static str,
    pub(crate) output_bytes: u32,
    pub(crate) kernel: Json,
    pub(crate) fault: Option<&'static str>,
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            ranks: 2,
            threads: 1,
            engine: "dataflow",
            partition: "columns",
            bind: "no",
            output_bytes: 0,
            kernel: json!({"kind": "empty"}),
            fault: None,
            variables: &[],
        }
    }
}

/// Started ranks. Dropping them kills the launcher.
pub(crate) struct Ranks {
    pub(crate) launcher: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    file: PathBuf,
}

fn file_bytes(graph: &TaskGraph, output_bytes: u32) -> Vec<u8> {
    let mut words = vec![
        1,
        0,
        graph.task_count() as u32,
        graph.edge_count() as u32,
        output_bytes,
        0,
    ];
    let mut rows = |rows: &Rows| {
        words.extend(rows.offsets());
        words.extend(rows.ids().iter().map(|id| id.0));
    };
    rows(graph.predecessor_rows());
    rows(graph.successor_rows());
    let mut bytes = b"taskdyno".to_vec();
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

impl Ranks {
    /// Starts ranks and receives their greeting.
    pub(crate) fn start(setup: &Setup) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut command = Command::new(launcher().expect("a launcher"));
        if is_open_mpi() {
            command.args(["--allow-run-as-root", "--oversubscribe"]);
            // Otherwise it binds the only rank, or two, to one core each, and ranks stay within that.
            if setup.bind != "no" {
                command.args(["--bind-to", "none"]);
            }
        }
        command.args(["-n", &setup.ranks.to_string()]);
        command.args([env!("CARGO_BIN_EXE_taskdyno-mpi"), "child"]);
        command.args(setup.fault.map(|fault| format!("--fault={fault}")));
        command
            .envs(setup.variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut launcher = command.spawn().expect("mpirun starts");
        let input = launcher.stdin.take();
        let output = BufReader::new(launcher.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        // Relaxed: only distinct numbers are needed.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("taskdyno-mpi-{}-{number}", std::process::id());
        let mut ranks = Self {
            launcher,
            input,
            lines,
            file: std::env::temp_dir().join(name),
        };
        ranks.send(&json!({"hello": {"versions": [1, 2]}}));
        ranks.expect("greeting");
        ranks
    }

    /// Starts ranks and lets them prepare a case.
    pub(crate) fn prepared(setup: &Setup, graph: &TaskGraph) -> Self {
        let mut ranks = Self::start(setup);
        let request = ranks.request(setup, graph);
        ranks.send(&request);
        ranks.expect("prepared");
        ranks
    }

    /// The request to prepare this case, with a file that exists.
    pub(crate) fn request(&self, setup: &Setup, graph: &TaskGraph) -> Json {
        let bytes = file_bytes(graph, setup.output_bytes);
        fs::write(&self.file, &bytes).expect("a file");
        let mut case = json!({
            "backend": "mpi",
            "workers": setup.ranks * setup.threads,
            "options": {"engine": setup.engine, "partition": setup.partition, "bind": setup.bind},
            "parameters": {"kernel": setup.kernel},
        });
        if setup.threads > 1 {
            case["process_threads"] = setup.threads.into();
        }
        json!({"prepare": {
            "kind": "graph",
            "case": case,
            "graph": {"path": self.file, "crc32": format!("{:08x}", crc32fast::hash(&bytes))},
            "nonce": format!("{:016x}", 3),
            "warmup_ns": 0,
            "warmup_run_count": 2,
        }})
    }

    pub(crate) fn send(&mut self, request: &Json) {
        self.send_line(&request.to_string());
    }

    pub(crate) fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an open input");
        // If the ranks are gone, the next line says why.
        let _ = input.write_all(format!("{line}\n").as_bytes());
    }

    /// The next line; `None` at the end.
    pub(crate) fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no reply within {PATIENCE:?}"),
        }
    }

    /// The next reply, of this name or an error.
    pub(crate) fn reply(&mut self, name: &str) -> Result<Json, Json> {
        let line = self.line().expect("a reply");
        let reply: Json = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        match (reply.get(name), reply.get("error")) {
            (Some(reply), _) => Ok(reply.clone()),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => panic!("{line}"),
        }
    }

    pub(crate) fn expect(&mut self, name: &str) -> Json {
        self.reply(name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// One slice of `count` samples with `runs` runs each: the digests, and the findings.
    pub(crate) fn slice(
        &mut self,
        nonce: u64,
        count: u32,
        runs: u32,
        chained: bool,
    ) -> Result<(Vec<String>, Json), Json> {
        self.send(&json!({"slice": {
            "nonce": format!("{nonce:016x}"), "chained": chained, "run_count": runs,
            "min_time_ns": 0, "max_time_ns": 60_000_000_000_u64,
            "min_sample_count": count, "max_sample_count": count,
        }}));
        let mut digests = Vec::new();
        for _ in 0..count {
            let sample = self.reply("sample")?;
            assert_eq!(sample["run_count"], runs);
            digests.push(sample["digest"].as_str().expect("a digest").to_owned());
        }
        let done = self.reply("slice_done")?;
        Ok((digests, done["findings"].clone()))
    }

    /// Ends in order.
    pub(crate) fn finish(mut self) {
        self.send(&json!({"finish": {}}));
        self.expect("finished");
        assert_eq!(self.line(), None);
        assert!(self.end().success());
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the launcher.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.launcher.try_wait().expect("a launcher") {
                return status;
            }
            assert!(Instant::now() < deadline, "the launcher does not end");
            std::thread::yield_now();
        }
    }

    /// All processes below the launcher, with their names and parents.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let all: Vec<Process> = fs::read_dir("/proc")
            .expect("proc")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Process::read)
            .collect();
        let mut found = vec![self.launcher.id()];
        let mut index = 0;
        while index < found.len() {
            let children = all.iter().filter(|one| one.parent == found[index]);
            let children: Vec<u32> = children.map(|one| one.id).collect();
            found.extend(children);
            index += 1;
        }
        found.remove(0);
        all.into_iter()
            .filter(|one| found.contains(&one.id))
            .collect()
    }

    /// The processes in which MPI runs, by rank.
    pub(crate) fn rank_processes(&self) -> Vec<(u32, Process)> {
        let all = self.processes();
        let name = |id: u32| all.iter().find(|one| one.id == id).map(|one| &one.name[..]);
        let mut ranks: Vec<(u32, Process)> = all
            .iter()
            .filter(|one| one.name == "taskdyno-mpi" && name(one.parent) == Some("taskdyno-mpi"))
            .filter_map(|one| Some((one.rank()?, one.clone())))
            .collect();
        ranks.sort_by_key(|(rank, _)| *rank);
        ranks
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        // It may have ended, and the file may not have been written.
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
        let _ = fs::remove_file(&self.file);
    }
}

/// A process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    pub(crate) name: String,
    start: String,
    state: String,
}

impl Process {
    fn read(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (_, rest) = text.split_once('(')?;
        let (name, rest) = rest.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        Some(Self {
            id,
            parent: fields.get(1)?.parse().ok()?,
            name: name.into(),
            start: (*fields.get(19)?).into(),
            state: (*fields.first()?).into(),
        })
    }

    /// The rank, from the environment that the launcher gave it.
    fn rank(&self) -> Option<u32> {
        let environment = fs::read(format!("/proc/{}/environ", self.id)).ok()?;
        let names = ["PMI_RANK=", "OMPI_COMM_WORLD_RANK="];
        environment
            .split(|byte| *byte == 0)
            .filter_map(|entry| std::str::from_utf8(entry).ok())
            .find_map(|entry| names.iter().find_map(|name| entry.strip_prefix(name)))
            .and_then(|rank| rank.parse().ok())
    }

    /// Whether it still runs. A process that has ended does not, even if its parent has not yet asked for its exit code.
    pub(crate) fn is_alive(&self) -> bool {
        Self::read(self.id).is_some_and(|now| now.start == self.start && now.state != "Z")
    }

    pub(crate) fn kill(&self, signal: i32) {
        // SAFETY: sends a signal to a process that this test has started; takes no pointers.
        unsafe { libc::kill(self.id as i32, signal) };
    }
}

/// Fails if one of these processes does not end.
pub(crate) fn assert_gone(processes: &[Process]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Some(left) = processes.iter().find(|one| one.is_alive()) {
        assert!(Instant::now() < deadline, "{left:?} was left behind");
        std::thread::yield_now();
    }
}

/// The digest of a serial run with the kernel `empty`.
pub(crate) fn oracle(graph: &TaskGraph, nonce: u64) -> u64 {
    let setting = Setting::new(graph, Sharing::Threads, 1);
    let kernel = EMPTY
        .build(&Parameters::default(), &setting)
        .expect("empty");
    expected_digest(graph, &*kernel, nonce)
}

/// The signal of an end, for messages.
pub(crate) fn describe(status: ExitStatus) -> String {
    format!("code {:?}, signal {:?}", status.code(), status.signal())
}
