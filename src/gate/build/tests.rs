use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;

const NEVER: &dyn Fn() -> bool = &|| false;

/// The store in `cache` of a folder that need not be a repository.
fn store(cache: &Path, top: &Path) -> BuildStore {
    let mut meanwhile = Meanwhile {
        tell: &mut |_| {},
        is_cancelled: NEVER,
    };
    BuildStore::within(cache, top, &mut meanwhile).unwrap()
}

fn used_days_ago(file: &Path, days: u64) {
    let time = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
    File::open(file).unwrap().set_modified(time).unwrap();
}

#[test]
fn the_least_recently_used_commits_are_removed_unless_they_are_in_use() {
    let cache = TempDir::new().unwrap();
    let top = Path::new("/no/such/repository");
    let store = store(cache.path(), top);
    let keep = |number: u64| {
        let kept = store.keep(&format!("commit-{number}")).unwrap();
        used_days_ago(&kept.folder().join("hold"), number);
        kept
    };
    let folders: Vec<PathBuf> = (0..11).map(|number| keep(number).folder().into()).collect();
    let in_use = keep(10);
    store.prune(top, NEVER);
    let is_there = |folder: &PathBuf| folder.exists();
    assert_eq!(folders.iter().filter(|folder| is_there(folder)).count(), 5);
    assert!(folders[..4].iter().all(is_there) && in_use.folder().exists());
}

#[test]
fn old_entries_of_other_repositories_are_removed() {
    let cache = TempDir::new().unwrap();
    let folder = |name: &str, days| {
        let folder = cache.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("lock"), "").unwrap();
        used_days_ago(&folder.join("lock"), days);
        folder
    };
    let (old, recent) = (folder("old", 31), folder("recent", 29));
    let in_use = folder("in-use", 31);
    let lock = File::open(in_use.join("lock")).unwrap();
    lock.lock().unwrap();
    store(cache.path(), Path::new("/no/such/repository"));
    assert!(!old.exists() && recent.exists() && in_use.exists());
}

#[test]
fn a_checkout_gets_only_what_is_above_its_repository() {
    let place = |top: &str, tree: &str| Outside::of(Path::new(top), Path::new(tree)).place;
    let tree = "/a/cache/tree";
    assert_eq!(place("/a/b/c", tree), Path::new("/a/cache/tree/b/c"));
    assert_eq!(place("/d/c", tree), Path::new("/a/cache/tree/d/c"));
}

#[test]
fn a_program_is_copied_as_a_whole_to_the_name_of_its_content() {
    let cache = TempDir::new().unwrap();
    let store = store(cache.path(), Path::new("/no/such/repository"));
    let kept = store.keep("commit").unwrap();
    let built = cache.path().join("built");
    fs::write(&built, "program").unwrap();
    let hash = sha256(&built).unwrap();
    let program = kept.program(&built, &hash).unwrap();
    // As after a loss of power.
    fs::write(&program, "").unwrap();
    assert_eq!(kept.program(&built, &hash).unwrap(), program);
    assert_eq!(fs::read(&program).unwrap(), b"program");
    fs::write(&built, "other").unwrap();
    let other = kept.program(&built, &sha256(&built).unwrap()).unwrap();
    assert_ne!(other, program);
}
