//! Selects cases by their ids, as the command line does.

/// The cases that are selected by their ids, such as `empty/pattern=chain/rayon/2`.
///
/// A pattern with `*` or `?` is a glob: it must match the whole id or the whole name of a workload, `*` matches any text,
/// and `?` any character. Any other pattern matches every id that contains it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Select only cases that match at least one of these patterns; all cases if there are none.
    pub included: Vec<String>,
    /// Do not select cases that match one of these patterns.
    pub excluded: Vec<String>,
    /// Whether patterns are texts that must equal the whole id or the whole name of a workload.
    pub exact: bool,
    /// Whether workloads that run only if they are named count as named.
    pub every_workload: bool,
}

impl CaseFilter {
    /// Selects the case of this id, or all cases of the workload of this name.
    pub fn exactly(name: impl Into<String>) -> Self {
        Self {
            included: vec![name.into()],
            exact: true,
            ..Self::default()
        }
    }

    /// Selects the cases that match this pattern.
    pub fn of(pattern: impl Into<String>) -> Self {
        Self {
            included: vec![pattern.into()],
            ..Self::default()
        }
    }

    /// Whether it selects the case `id` of `workload`. If the workload runs only if it is named, a match must begin within
    /// its name.
    pub(crate) fn selects(&self, id: &str, workload: &str, only_if_named: bool) -> bool {
        let matches = |pattern: &String| self.matched_at(pattern, id, workload);
        if self.excluded.iter().any(|one| matches(one).is_some()) {
            return false;
        }
        let is_named = |start: usize| start < workload.len();
        let mut found = self.included.iter().filter_map(matches);
        match (
            only_if_named && !self.every_workload,
            self.included.is_empty(),
        ) {
            (true, _) => found.any(is_named),
            (false, true) => true,
            (false, false) => found.next().is_some(),
        }
    }

    /// Where the match of a pattern begins in the id; `None` if it does not match. What begins with any text names nothing,
    /// so it begins at the end.
    fn matched_at(&self, pattern: &str, id: &str, workload: &str) -> Option<usize> {
        if self.exact {
            return (pattern == id || pattern == workload).then_some(0);
        }
        let named_by_nothing = pattern.is_empty() || pattern.starts_with('*');
        let start = match is_glob(pattern) {
            true => (glob_matches(pattern, id) || glob_matches(pattern, workload)).then_some(0),
            false => id.find(pattern),
        };
        start.map(|start| if named_by_nothing { id.len() } else { start })
    }
}

/// Whether a pattern is a glob.
pub(crate) fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// Whether a glob matches the whole text.
fn glob_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Where to go on if the text after the last `*` does not match: `*` then takes one character more.
    let mut last_star: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                last_star = Some((p, t));
                p += 1;
            }
            Some(&one) if one == '?' || one == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star, taken)) = last_star else {
                    return false;
                };
                last_star = Some((star, taken + 1));
                (p, t) = (star + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|one| *one == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "hash-cpu/pattern=trivial/rayon/2";

    fn selects(filter: &CaseFilter, only_if_named: bool) -> bool {
        filter.selects(ID, "hash-cpu", only_if_named)
    }

    #[test]
    fn globs_match_whole_texts() {
        let matching = [
            "*",
            "hash-*",
            "*/rayon/?",
            "h*-c*u/*2",
            "hash-cpu/pattern=trivial/rayon/2**",
        ];
        let others = ["", "?", "rayon*", "*/rayon", "hash-cpu?", "*x*"];
        for pattern in matching {
            assert!(glob_matches(pattern, ID), "{pattern}");
        }
        for pattern in others {
            assert!(!glob_matches(pattern, ID), "{pattern}");
        }
        assert!(glob_matches("", "") && glob_matches("*", "") && glob_matches("µ?s", "µµs"));
    }

    #[test]
    fn one_of_several_patterns_is_enough_and_one_excludes() {
        let mut filter = CaseFilter {
            included: vec!["empty".into(), "hash".into()],
            ..CaseFilter::default()
        };
        assert!(selects(&filter, false));
        filter.excluded = vec!["*/rayon/*".into()];
        assert!(!selects(&filter, false));
        filter.excluded = vec!["tokio".into()];
        assert!(selects(&filter, false));
        filter.included = vec!["empty".into()];
        assert!(!selects(&filter, false));
    }

    #[test]
    fn a_workload_that_runs_only_if_it_is_named_is_named_by_the_beginning_of_a_match() {
        for pattern in ["hash", "cpu/pattern", "hash-cpu", "hash-*", "?ash-*"] {
            assert!(selects(&CaseFilter::of(pattern), true), "{pattern}");
        }
        for pattern in ["rayon", "", "*", "*rayon*"] {
            assert!(!selects(&CaseFilter::of(pattern), true), "{pattern}");
            assert!(selects(&CaseFilter::of(pattern), false), "{pattern}");
        }
        assert!(selects(&CaseFilter::exactly("hash-cpu"), true));
        assert!(selects(&CaseFilter::exactly(ID), true));
        assert!(!selects(&CaseFilter::exactly("hash"), false));
        let every = CaseFilter {
            every_workload: true,
            ..CaseFilter::of("rayon")
        };
        assert!(selects(&every, true));
        assert!(!selects(&CaseFilter::default(), true));
    }
}
