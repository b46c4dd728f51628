//! Where the ranks are, and what carries their messages.

use std::fs;

use serde_json::{Value as Json, json};

use crate::cores::{CORE_WORDS, affinity, union_count};
use crate::cost::Cost;
use crate::patience::Patience;
use crate::post::Post;
use crate::ringer::Ringer;
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
    cores_per_host: Vec<usize>,
    rings: bool,
    cost: Option<Cost>,
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
        if post.rank() != 0 {
            let bytes = name.as_bytes().iter().map(|byte| u64::from(*byte));
            let words = affinity().into_iter().chain(bytes);
            post.send_mail(0, &words.collect::<Vec<_>>())?;
            // The first rank of this host may be faster with its own mail.
            let words = post.long_mail(0, 2 + post.size())?;
            post.patience = patience_on([words[0] as usize, words[1] as usize]);
            let host_of = &words[2..];
            let before = host_of[..post.rank()].iter();
            post.place_on_host = before.filter(|host| **host == host_of[post.rank()]).count();
            post.ringer = Ringer::hang(post, host_of)?;
            return Ok(None);
        }
        let mut of_ranks = vec![(name, affinity()); post.size()];
        for _ in 1..post.size() {
            let (from, words) = post.next_mail(post.patience)?;
            let (cores, text) = words.split_at(CORE_WORDS.min(words.len()));
            let text = text.iter().map(|byte| *byte as u8).collect();
            let cores = cores.try_into().unwrap_or_default();
            of_ranks[from] = (String::from_utf8(text).unwrap_or_default(), cores);
        }
        let mut hosts: Vec<String> = Vec::new();
        for (host, _) in &of_ranks {
            if !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
        let counts = |host: &String| {
            let here = of_ranks.iter().filter(|(one, _)| one == host);
            let cores = here.clone().map(|(_, cores)| *cores);
            [here.count(), union_count(cores)]
        };
        let number = |host: &String| hosts.iter().position(|one| one == host).unwrap_or(0);
        let host_of = of_ranks.iter().map(|(host, _)| number(host) as u64);
        let host_of: Vec<u64> = host_of.collect();
        for (rank, (host, _)) in of_ranks.iter().enumerate().skip(1) {
            let counts = counts(host).map(|count| count as u64);
            post.send_mail(rank, &[&counts[..], &host_of].concat())?;
        }
        post.patience = patience_on(counts(&of_ranks[0].0));
        post.ringer = Ringer::hang(post, &host_of)?;
        post.others_rest = true;
        Ok(Some(Self {
            mpi: mpi.into(),
            mpi_version,
            start_ns: since_launch(),
            transport: transport(device, hosts.len()),
            ranks_per_host: hosts.iter().map(|host| counts(host)[0]).collect(),
            cores_per_host: hosts.iter().map(|host| counts(host)[1]).collect(),
            hosts,
            rings: post.ringer.is_some(),
            cost: None,
        }))
    }

    /// Measures what messages cost. All ranks call it, with what they have learnt.
    ///
    /// # Errors
    ///
    /// If a rank failed.
    pub fn measure(of_first: Option<&mut Self>, post: &mut Post) -> Result<(), Trouble> {
        let cost = Cost::measure(post)?;
        if let Some(places) = of_first {
            places.cost = cost;
        }
        Ok(())
    }

    /// What the record says of this runtime.
    pub fn details(&self) -> Json {
        let list = |counts: &[usize]| {
            let texts: Vec<String> = counts.iter().map(usize::to_string).collect();
            texts.join(",")
        };
        let mut hosts = self.ranks_per_host.iter().zip(&self.cores_per_host);
        let waiting = match (hosts.any(|(ranks, cores)| ranks > cores), self.rings) {
            (true, true) => {
                "yields its core after each of 20 looks, and then sleeps until it is sent a message"
            }
            (true, false) => "looks for messages, and yields its core after each look",
            (false, _) => "spins, and yields its core after 2000 looks",
        };
        let mut details = json!({
            "mpi": format!("{} {}", self.mpi, self.mpi_version),
            "transport": self.transport,
            "hosts": self.hosts.join(","),
            "ranks_per_host": list(&self.ranks_per_host),
            "cores_per_host": list(&self.cores_per_host),
            "ranks": self.ranks_per_host.iter().sum::<usize>().to_string(),
            "threads": "MPI_THREAD_FUNNELED",
            "waiting": format!("{waiting}; sleeps between slices"),
        });
        if let (Some(cost), Json::Object(details)) = (&self.cost, &mut details) {
            details.extend(cost.details());
        }
        details
    }
}

fn patience_on([rank_count, core_count]: [usize; 2]) -> Patience {
    let patience = Patience {
        rank_count: rank_count as u32,
        core_count: core_count as u32,
        ..Patience::default()
    };
    patience.with_threads(1)
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
        if LAUNCHERS.contains(&name.as_str()) {
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
