//! Baselines: named records that later records are compared with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Placed;
use super::stored::NotComparable;
use super::unlike::unlike;
use crate::disk::{self, FileLock};
use crate::record::{Difference, Host, Record, difference, write_whole};

/// The ending of a baseline's file.
const ENDING: &str = "jsonl";

/// A folder of baselines. It has one folder per host class, which has one record file per name.
#[derive(Debug, Clone)]
pub(crate) struct Baselines {
    root: PathBuf,
}

/// The name and place of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Baseline {
    /// The class of the machines that it was measured on; see [`crate::record::Host::class`].
    pub host_class: String,
    /// Its name.
    pub name: String,
    /// Its record file.
    pub path: PathBuf,
}

impl Baselines {
    /// The baselines below `root`, which need not exist.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// The baseline of this name for this class of machines, whether it exists or not.
    pub(crate) fn get(&self, host_class: &str, name: &str) -> Baseline {
        Baseline {
            host_class: host_class.into(),
            name: name.into(),
            path: self.root.join(host_class).join(format!("{name}.{ENDING}")),
        }
    }

    /// Returns all baselines, sorted by class and name. Empty if there is no folder.
    ///
    /// # Errors
    ///
    /// If a folder cannot be read.
    pub(crate) fn list(&self) -> io::Result<Vec<Baseline>> {
        let mut found = Vec::new();
        for class in entries(&self.root)? {
            let Some(host_class) = class.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if !class.is_dir() {
                continue;
            }
            let files = entries(&class)?;
            let names = files.iter().filter_map(|path| baseline_name(path));
            found.extend(names.map(|name| self.get(host_class, name)));
        }
        found.sort();
        Ok(found)
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn baseline_name(path: &Path) -> Option<&str> {
    let is_baseline = path.extension().is_some_and(|ending| ending == ENDING);
    path.file_stem()?.to_str().filter(|_| is_baseline)
}

impl Baseline {
    /// Returns whether it has been saved.
    pub(crate) fn exists(&self) -> bool {
        self.path.is_file()
    }

    /// Locks it. Hold the lock from before it is read until after it is written.
    ///
    /// # Errors
    ///
    /// If another process holds the lock, or its folder cannot be created.
    pub(crate) fn lock(&self) -> io::Result<FileLock> {
        if let Some(folder) = self.path.parent() {
            disk::create_folder(folder)?;
        }
        FileLock::of(&self.path)
    }

    /// Replaces its content with these records. The old content stays until all records are written.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub(crate) fn save(&self, records: &[Placed]) -> io::Result<()> {
        let lines = records
            .iter()
            .map(|(_, record)| serde_json::to_string(record));
        let mut text = lines.collect::<Result<Vec<String>, _>>()?.join("\n");
        text.push('\n');
        write_whole(&self.path, text.as_bytes())
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// If it does not exist or cannot be removed.
    pub(crate) fn remove(&self) -> io::Result<()> {
        disk::remove(&self.path)
    }
}

/// Returns the records to store in a baseline: those that did not fail.
///
/// # Errors
///
/// The reasons why they cannot be one side of a comparison: several machines or commits, or a case that was measured in
/// two ways.
pub(crate) fn one_baseline(records: Vec<Placed>) -> Result<Vec<Placed>, NotComparable> {
    let mut reasons = unlike(&records, &[]);
    reasons.extend(other_build(&records));
    if !reasons.is_empty() {
        return Err(NotComparable(reasons));
    }
    let kept = records.into_iter();
    Ok(kept
        .filter(|(_, record)| record.error.is_none() && !record.samples.is_empty())
        .collect())
}

/// Finds the first record with another compiler, version or frequency governor. Mixing them would be mistaken for the
/// normal difference between sessions.
fn other_build(records: &[Placed]) -> Option<String> {
    let build = |record: &Record| {
        let Host {
            toolchain,
            taskdyno,
            governor,
            ..
        } = &record.host;
        serde_json::json!({ "toolchain": toolchain, "taskdyno": taskdyno, "governor": governor })
    };
    let (first_place, first) = records.first()?;
    records.iter().find_map(|(place, other)| {
        let Difference { name, before, now } = difference(&build(first), &build(other))?;
        Some(format!(
            "{first_place} and {place} were measured differently: their `host.{name}` is {before} and {now}"
        ))
    })
}

/// Whether `name` is valid for a baseline: letters, digits, `.`, `-` and `_`, beginning with a letter or digit.
pub(crate) fn is_baseline_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 100
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;

    fn placed(record: Record) -> Placed {
        ("r.jsonl:1".into(), record)
    }

    #[test]
    fn saved_baselines_are_listed_by_class_and_name_and_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("baselines");
        let baselines = Baselines::new(&root);
        assert_eq!(baselines.list().unwrap(), []);
        let record = case("hash", "rayon", 2).record();
        let class = record.host.class();
        assert_eq!(class, "example-cpu-2-cores");
        for name in ["main", "before"] {
            let baseline = baselines.get(&class, name);
            assert!(!baseline.exists());
            baseline.save(&[placed(record.clone())]).unwrap();
            assert!(baseline.exists());
        }
        // Other files and folders are ignored.
        fs::write(root.join("README.md"), "").unwrap();
        fs::write(root.join(&class).join("notes.txt"), "").unwrap();
        let names: Vec<String> = baselines
            .list()
            .unwrap()
            .into_iter()
            .map(|baseline| format!("{}/{}", baseline.host_class, baseline.name))
            .collect();
        let expected = ["before", "main"].map(|name| format!("{class}/{name}"));
        assert_eq!(names, expected);
        baselines.get(&class, "main").remove().unwrap();
        assert_eq!(baselines.list().unwrap().len(), 1);
        assert!(baselines.get(&class, "main").remove().is_err());
    }

    #[test]
    fn saving_again_replaces_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let baseline = Baselines::new(folder.path()).get("class", "main");
        let record = placed(case("hash", "rayon", 2).record());
        baseline.save(&[record.clone(), record.clone()]).unwrap();
        baseline.save(&[record]).unwrap();
        assert_eq!(
            fs::read_to_string(&baseline.path).unwrap().lines().count(),
            1
        );
        assert_eq!(entries(baseline.path.parent().unwrap()).unwrap().len(), 1);
    }

    #[test]
    fn failed_cases_are_left_out_and_mixed_ones_refused() {
        let good = placed(case("hash", "rayon", 2).record());
        let bad = placed(case("other", "rayon", 2).error("panic", "x").record());
        let kept = one_baseline(vec![good.clone(), bad]).unwrap();
        assert_eq!((kept.len(), &kept[0]), (1, &good));
        let other = case("hash", "rayon", 2).commit("0ff1ce").walls_us(&[7]);
        let other = placed(other.record());
        let NotComparable(reasons) = one_baseline(vec![good, other]).unwrap_err();
        assert_eq!(reasons.len(), 1);
    }

    #[test]
    fn sessions_of_two_compilers_are_refused() {
        let first = placed(case("hash", "rayon", 2).record());
        let mut other = case("hash", "rayon", 2).walls_us(&[7]).record();
        other.host.toolchain = "rustc 9".into();
        let NotComparable(reasons) = one_baseline(vec![first, placed(other)]).unwrap_err();
        assert!(
            reasons[0].contains("their `host.toolchain` is"),
            "{reasons:?}"
        );
    }

    #[test]
    fn names_stay_within_their_folder() {
        for name in ["main", "v1.2", "pr_7-b"] {
            assert!(is_baseline_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "-x", "ü", "a b"] {
            assert!(!is_baseline_name(name), "{name}");
        }
    }
}
