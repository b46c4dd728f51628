/// How a check ends that finds no fault.
#[derive(Debug)]
pub(super) enum Passed {
    Yes,
    /// The child does not claim what it is about.
    NotApplicable(String),
    /// What was seen shows neither that the child is right nor that it is wrong.
    CannotTell(String),
}
