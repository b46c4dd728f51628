/// A program that must be there, beside the one that is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NeededProgram {
    /// A name in `PATH`, or a path that begins at the folder of the files.
    pub(super) program: String,
    /// What to do if it is not there.
    pub(super) remedy: String,
}
