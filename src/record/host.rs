//! The machine that a record was measured on, and its class.

use serde::{Deserialize, Deserializer, Serialize};

/// The machine that a record was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Host {
    /// Model name of the processor, with one space between words.
    #[serde(deserialize_with = "with_single_blanks")]
    pub processor: String,
    /// Cores that the process may run on.
    pub core_count: u32,
    /// The container's limit on CPU time, in thousandths of a core: 500 for half a core. Null if there is no limit
    /// below the number of cores.
    #[serde(default)]
    pub cpu_limit_millicores: Option<u64>,
    /// Operating system and kernel release.
    pub kernel: String,
    /// Physical memory.
    pub memory_bytes: u64,
    /// The container's limit on memory; null if there is no limit below the physical memory.
    #[serde(default)]
    pub memory_limit_bytes: Option<u64>,
    /// Frequency governor of core 0; null if the machine does not show one.
    pub governor: Option<String>,
    /// Load average over one minute when `run` began, in processes.
    pub load_average: f64,
    /// The compiler that built the program.
    pub toolchain: String,
    /// The version of taskdyno.
    pub taskdyno: String,
    /// What `doctor` found when `run` began, one line each; empty if nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

impl Host {
    /// The class of machines whose figures may be compared: the processor model and the number of cores, as a folder
    /// name such as `amd-epyc-9r14-2-cores`. A machine with a CPU limit has a separate class such as
    /// `amd-epyc-9r14-0-5-of-2-cores`. Memory is not part of the class, because a graph that fits into memory does not
    /// run slower with less memory.
    pub fn class(&self) -> String {
        slug(&format!("{} {}", self.processor, self.cores()))
    }

    /// Returns `2 cores`, or `0.5 of 2 cores` with a CPU limit.
    pub fn cores(&self) -> String {
        let noun = if self.core_count == 1 {
            "core"
        } else {
            "cores"
        };
        let all = format!("{} {noun}", self.core_count);
        match self.cpu_limit_millicores {
            None => all,
            Some(limit) => format!("{} of {all}", limit as f64 / 1000.0),
        }
    }

    /// The part that does not change from one moment to the next, nor by starting the machine again.
    pub fn lasting(&self) -> Self {
        Self {
            load_average: 0.0,
            memory_bytes: 0,
            findings: Vec::new(),
            ..self.clone()
        }
    }

    /// How many workers can be busy all the time, at least 1: the number of cores, or the CPU limit rounded down. A
    /// worker on a fraction of a core would be stopped for the rest of each period.
    pub fn usable_core_count(&self) -> u32 {
        let limit = self.cpu_limit_millicores.map(|limit| limit / 1000);
        let limit = limit.map_or(u32::MAX, |cores| u32::try_from(cores).unwrap_or(u32::MAX));
        self.core_count.min(limit).max(1)
    }

    /// The memory that the process can use.
    pub fn usable_memory_bytes(&self) -> u64 {
        self.memory_limit_bytes.unwrap_or(self.memory_bytes)
    }
}

/// Reads a name and normalises its white space.
fn with_single_blanks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|name| single_blanks(&name))
}

/// The same words with one space between them.
pub(crate) fn single_blanks(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns lower-case letters and digits of `name` as words joined by hyphens, at most 100 bytes. It is safe as a file
/// name for any `name`, and empty if `name` has neither letters nor digits.
pub(crate) fn slug(name: &str) -> String {
    // File systems allow 255 bytes; this leaves room for a number and an ending.
    const MAX_LEN: usize = 100;
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut slug = words.join("-");
    slug.truncate(MAX_LEN);
    slug
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn host(processor: &str, cpu_limit_millicores: Option<u64>) -> Host {
        let host = json!({
            "processor": processor, "core_count": 2, "cpu_limit_millicores": cpu_limit_millicores,
            "kernel": "Linux 6.18", "memory_bytes": 0, "governor": null, "load_average": 0.0,
            "toolchain": "", "taskdyno": "",
        });
        serde_json::from_value(host).unwrap()
    }

    #[test]
    fn a_cpu_limit_makes_a_separate_class() {
        assert_eq!(host("Example CPU", None).class(), "example-cpu-2-cores");
        let half = host("Example CPU", Some(500));
        assert_eq!(half.class(), "example-cpu-0-5-of-2-cores");
        assert_eq!(half.cores(), "0.5 of 2 cores");
    }

    #[test]
    fn the_number_of_workers_respects_the_cpu_limit() {
        let usable = |limit| host("Example CPU", limit).usable_core_count();
        let limits = [
            None,
            Some(500),
            Some(1000),
            Some(1999),
            Some(2000),
            Some(u64::MAX),
        ];
        assert_eq!(limits.map(usable), [2, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn white_space_in_the_name_of_a_processor_is_ignored() {
        let name = "Intel(R)  Xeon(R)\tCPU ";
        assert_eq!(host(name, None).processor, "Intel(R) Xeon(R) CPU");
    }

    #[test]
    fn what_changes_from_one_moment_to_the_next_is_not_lasting() {
        let before = host("CPU", None);
        let now = Host {
            load_average: 2.5,
            memory_bytes: before.memory_bytes + 4096,
            findings: vec!["warning: the load average is 2.50 on 2 cores".into()],
            ..before.clone()
        };
        assert_eq!(before.lasting(), now.lasting());
    }
}
