//! Lists of examples in messages.

/// The first two of `examples`, and how many more there are: a list of thousands hides what it says.
pub fn few(examples: &[String]) -> String {
    match examples {
        [first, second, others @ ..] if !others.is_empty() => {
            format!("{first}, {second} and {} more", others.len())
        }
        all => all.join(" and "),
    }
}
