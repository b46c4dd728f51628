//! Lists of examples in messages.

/// Lists the first two of `examples` and the number of the others, because a list of thousands is unreadable.
pub(crate) fn few(examples: &[String]) -> String {
    match examples {
        [first, second, others @ ..] if !others.is_empty() => {
            format!("{first}, {second} and {} more", others.len())
        }
        all => all.join(" and "),
    }
}
