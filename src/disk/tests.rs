use std::cell::RefCell;

use super::*;

thread_local! {
    static STEPS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Called for each step, on the thread that takes it.
pub(crate) fn note(step: &str, path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Replaces the process id, which is part of the names of temporary files.
    let name = name.replace(&std::process::id().to_string(), "PID");
    STEPS.with_borrow_mut(|steps| steps.push(format!("{step} {name}")));
}

/// The steps that this thread takes in `body`, each as a verb and a file name.
pub(crate) fn steps_of<T>(body: impl FnOnce() -> T) -> Vec<String> {
    STEPS.with_borrow_mut(Vec::clear);
    body();
    STEPS.take()
}

#[test]
fn a_new_file_or_folder_is_followed_by_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    let steps = steps_of(|| create_folder(&below).unwrap());
    assert_eq!(steps, ["sync folder of a", "sync folder of b"]);
    assert_eq!(steps_of(|| create_folder(&below).unwrap()), [""; 0]);
    let file = below.join("c");
    let steps = steps_of(|| open_to_append(&file).unwrap());
    assert_eq!(steps, ["create c", "sync folder of c"]);
    assert_eq!(steps_of(|| open_to_append(&file).unwrap()), [""; 0]);
    let steps = steps_of(|| remove(&file).unwrap());
    assert_eq!(steps, ["remove c", "sync folder of c"]);
}
