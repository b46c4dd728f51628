//! Where the ranks are, and what carries their messages.

use std::fs;

use serde_json::{Value as Json, json};

use crate::patience::Patience;
use crate::post::Post;
use crate::session::core_count;
use crate::trouble::Trouble;
use crate::wire::Wire;

/// Where the ranks are.
pub struct Places {
    /// The name of the MPI library.
    pub mpi: String,
    /// Its version.
    pub mpi_version: String,
    /// How long the launcher took until all ranks were there.
    pub start_ns: u64,
    transport: String,
    hosts: Vec<String>,
    ranks_per_host: Vec<usize>,
}

/// Programs that start ranks, as `/proc` shortens their names to 15 bytes.
const LAUNCHERS: [&str; 12] = [
    "hydra_pmi_proxy",
    "hydra_bstrap_pr",
    "mpirun",
    "mpiexec",
    "mpiexec.hydra",
    "mpiexec.mpich",
    "mpirun.mpich",
    "orterun",
    "orted",
    "prterun",
    "prted",
    "srun",
];

impl Places {
    /// Tells the first rank where this one is, and how many ranks its host has.
    ///
    /// # Errors
    ///
    /// If a rank failed.
    pub fn learn(post: &mut Post) -> Result<Option<Self>, Trouble> {
        let library = Wire::library();
        let (mpi, mpi_version, device) = named(&library);
        let name = Wire::host();
        let process = std::process::id();
        if post.rank() != 0 {
            let bytes = name.as_bytes().iter().map(|byte| u64::from(*byte));
            let mut mail = vec![u64::from(process), began(process).unwrap_or(0)];
            mail.extend(bytes);
            post.send_mail(0, &mail)?;
            let (_, answer) = post.next_mail(post.patience)?;
            post.patience = patience_on(answer[0] as usize);
            post.patience.is_woken = answer[1] != 0;
            return Ok(None);
        }
        let mut of_ranks = vec![name; post.size()];
        let mut is_woken = vec![false; post.size()];
        for _ in 1..post.size() {
            let (from, mail) = post.next_mail(post.patience)?;
            let [process, beginning, text @ ..] = &mail[..] else {
                return Err(Trouble::backend("a rank did not say where it is"));
            };
            let text = text.iter().map(|byte| *byte as u8).collect();
            of_ranks[from] = String::from_utf8(text).unwrap_or_default();
            // Hosts and containers may share names, and numbers of processes. Nobody else is sent a signal: a process that
            // has the same number began at another time.
            let process = *process as u32;
            is_woken[from] = of_ranks[from] == of_ranks[0] && began(process) == Some(*beginning);
            post.sleepers.extend(is_woken[from].then_some(process));
        }
        let mut hosts: Vec<String> = Vec::new();
        for host in &of_ranks {
            if !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
        let count = |host: &String| of_ranks.iter().filter(|one| *one == host).count();
        for (rank, host) in of_ranks.iter().enumerate().skip(1) {
            post.send_mail(rank, &[count(host) as u64, is_woken[rank].into()])?;
        }
        post.patience = patience_on(count(&of_ranks[0]));
        Ok(Some(Self {
            mpi: mpi.into(),
            mpi_version,
            start_ns: since_launch(),
            transport: transport(device, hosts.len()),
            ranks_per_host: hosts.iter().map(count).collect(),
            hosts,
        }))
    }

    /// What the record says of this runtime.
    pub fn details(&self) -> Json {
        let counts: Vec<String> = self.ranks_per_host.iter().map(usize::to_string).collect();
        let most = self.ranks_per_host.iter().max().copied().unwrap_or(1);
        let waiting = match most > core_count() {
            true => "looks for messages, and yields its core after each look",
            false => "spins, and yields its core after 2000 looks",
        };
        json!({
            "mpi": format!("{} {}", self.mpi, self.mpi_version),
            "transport": self.transport,
            "hosts": self.hosts.join(","),
            "ranks_per_host": counts.join(","),
            "ranks": self.ranks_per_host.iter().sum::<usize>().to_string(),
            "threads": "MPI_THREAD_FUNNELED",
            "waiting": format!("{waiting}; sleeps between slices"),
        })
    }
}

fn patience_on(rank_count: usize) -> Patience {
    Patience {
        is_crowded: rank_count > core_count(),
        sleeps: false,
        rank_count: rank_count as u32,
        is_woken: false,
    }
}

/// The name, the version and the device in the text of a library.
fn named(library: &str) -> (&'static str, String, &str) {
    let after = |word: &str| {
        let rest = library.split_once(word)?.1;
        rest.trim_start_matches([':', ' ', '\t', 'v'])
            .split([',', '\n', ' '])
            .next()
    };
    let device = after("MPICH Device").unwrap_or("");
    match (after("MPICH Version"), after("Open MPI")) {
        (Some(version), _) => ("MPICH", version.into(), device),
        (_, Some(version)) => ("Open MPI", version.into(), device),
        _ => ("MPI", library.chars().take(60).collect(), device),
    }
}

/// What carries messages, as far as it can be known: the device, and the variables that restrict it.
fn transport(device: &str, host_count: usize) -> String {
    let variables = [
        "UCX_TLS",
        "UCX_NET_DEVICES",
        "FI_PROVIDER",
        "OMPI_MCA_btl",
        "OMPI_MCA_pml",
        "MPIR_CVAR_NOLOCAL",
    ];
    let given = variables.iter().filter_map(|name| {
        let value = std::env::var(name).ok()?;
        Some(format!("{name}={value}"))
    });
    let mut parts: Vec<String> = Some(device)
        .filter(|device| !device.is_empty())
        .map(String::from)
        .into_iter()
        .chain(given)
        .collect();
    if parts.len() < 2 {
        parts.push(match host_count {
            0 | 1 => "shared memory of one host".into(),
            _ => "chosen by MPI, which may still be shared memory".into(),
        });
    }
    parts.join(", ")
}

/// The nanoseconds since the outermost launcher above this process began, in steps of 10 ms; 0 if there is none. The launcher
/// hands nothing over, and its beginning is in `/proc`, which no clock of another host can falsify.
fn since_launch() -> u64 {
    let mut start = None;
    let mut process = std::process::id();
    while let Some((name, parent, ticks)) = stat(process) {
        // Slurm's helper starts ranks, but also the script in which another launcher does.
        let is_helper = name == "slurmstepd" && start.is_none();
        if is_helper || LAUNCHERS.contains(&name.as_str()) {
            start = Some(ticks);
        }
        process = parent;
    }
    // SAFETY: asks for a number.
    let ticks_per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let uptime: f64 = uptime
        .split(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    start.map_or(0, |ticks| {
        let started = ticks as f64 / ticks_per_second.max(1) as f64;
        ((uptime - started).max(0.0) * 1e9) as u64
    })
}

/// When a process began, in ticks since the system did.
fn began(process: u32) -> Option<u64> {
    stat(process).map(|(_, _, ticks)| ticks)
}

/// The name of a process, its parent, and when it began, in ticks since the system did.
fn stat(process: u32) -> Option<(String, u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = text.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some((
        name.into(),
        fields.get(1)?.parse().ok()?,
        fields.get(19)?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_named() {
        let mpich = "MPICH Version:\t4.0.2\nMPICH Release date:\tThu\nMPICH Device:\tch4:ucx\n";
        assert_eq!(named(mpich), ("MPICH", "4.0.2".into(), "ch4:ucx"));
        let open = "Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4";
        assert_eq!(named(open), ("Open MPI", "4.1.4".into(), ""));
        assert_eq!(named("Other").0, "MPI");
    }

    #[test]
    fn this_process_began_after_its_parent() {
        let (_, parent, ticks) = stat(std::process::id()).unwrap();
        assert!(ticks >= stat(parent).unwrap().2);
    }
}
