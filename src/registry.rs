//! The backends, kernels, patterns and workloads that can be selected: built-in ones, and those that another program
//! adds.

use std::collections::BTreeSet;

use crate::backend::{BACKENDS, Backend};
use crate::coordinated::COORDINATED;
use crate::diagnostic::Diagnostic;
use crate::external::External;
use crate::kernel::{KERNELS, KernelKind};
use crate::loads::LOADS;
use crate::parameter::{Parameter, is_well_formed_name};
use crate::pattern::{PATTERNS, Pattern};

/// Backends, kernels and patterns, each with a unique name, and the workload files that a program adds.
#[derive(Clone)]
pub struct Registry {
    /// The backends, built-in ones first, external ones last.
    pub backends: Vec<&'static dyn Backend>,
    /// Those of the backends that other programs drive.
    pub externals: Vec<&'static External>,
    /// The kernels, built-in ones first.
    pub kernels: Vec<&'static dyn KernelKind>,
    /// The patterns, built-in ones first.
    pub patterns: Vec<&'static dyn Pattern>,
    /// The workload files that a program adds to the built-in ones: their names for messages, and their texts.
    pub workloads: Vec<(&'static str, &'static str)>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            backends: BACKENDS.to_vec(),
            externals: Vec::new(),
            kernels: [KERNELS, COORDINATED, LOADS].concat(),
            patterns: PATTERNS.to_vec(),
            workloads: Vec::new(),
        }
    }
}

impl Registry {
    /// The backend with this name; `None` if there is none.
    pub fn backend(&self, name: &str) -> Option<&'static dyn Backend> {
        let mut all = self.backends.iter().copied();
        all.find(|backend| backend.name() == name)
    }

    /// The external backend with this name; `None` if there is none.
    pub fn external(&self, name: &str) -> Option<&'static External> {
        let mut all = self.externals.iter().copied();
        all.find(|external| external.name() == name)
    }

    /// Adds an external backend to the backends.
    pub(crate) fn add_external(&mut self, external: &'static External) {
        self.backends.push(external);
        self.externals.push(external);
    }

    /// The kernel with this name; `None` if there is none.
    pub fn kernel(&self, name: &str) -> Option<&'static dyn KernelKind> {
        let mut all = self.kernels.iter().copied();
        all.find(|kernel| kernel.name() == name)
    }

    /// The pattern with this name; `None` if there is none.
    pub fn pattern(&self, name: &str) -> Option<&'static dyn Pattern> {
        let mut all = self.patterns.iter().copied();
        all.find(|pattern| pattern.name() == name)
    }
}

/// A name that is not unique, or not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Another item already has this name.
    #[error("the name `{name}` is already taken, so a second {what} cannot have it")]
    Taken {
        /// The kind of item with this name.
        what: String,
        /// The name.
        name: String,
    },
    /// The name is not valid on the command line, in the id of a case, or in a list.
    #[error("a {what} cannot be named {name:?}")]
    IllFormed {
        /// The kind of item with this name.
        what: String,
        /// The name.
        name: String,
    },
}

impl Diagnostic for NameError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Taken { .. } => {
                "records and case ids need unique names: give the one that your program adds another name"
            }
            Self::IllFormed { .. } => {
                "case ids look like `workload/variant/backend/workers`: use a name of ASCII letters, digits, `-`, `_` \
                 and `.` that begins with a letter"
            }
        };
        Some(help.into())
    }
}

impl Registry {
    /// Checks that every name is valid and unique.
    ///
    /// # Errors
    ///
    /// The first name that is already taken or not valid.
    pub fn check(&self) -> Result<(), NameError> {
        let names = |parameters: &[Parameter]| -> Vec<&str> {
            parameters.iter().map(|parameter| parameter.name).collect()
        };
        check_names("backend", self.backends.iter().map(|one| one.name()))?;
        check_names("kernel", self.kernels.iter().map(|one| one.name()))?;
        check_names("pattern", self.patterns.iter().map(|one| one.name()))?;
        for backend in &self.backends {
            let what = format!("option of the backend `{}`", backend.name());
            check_names(&what, names(backend.options()))?;
        }
        let kernels = self
            .kernels
            .iter()
            .map(|one| (one.name(), one.parameters()));
        let patterns = self
            .patterns
            .iter()
            .map(|one| (one.name(), one.parameters()));
        for (name, parameters) in kernels.chain(patterns) {
            let what = format!("parameter of `{name}`");
            // `kind` is the key that holds the name itself.
            check_names(&what, ["kind"].into_iter().chain(names(parameters)))?;
        }
        Ok(())
    }
}

fn check_names<'a>(what: &str, names: impl IntoIterator<Item = &'a str>) -> Result<(), NameError> {
    let mut seen = BTreeSet::new();
    for name in names {
        let (what, name) = (what.to_owned(), name.to_owned());
        if !is_well_formed_name(&name) {
            return Err(NameError::IllFormed { what, name });
        }
        if !seen.insert(name.clone()) {
            return Err(NameError::Taken { what, name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::SERIAL;
    use crate::kernel::EMPTY;
    use crate::pattern::CHAIN;

    #[test]
    fn what_is_built_in_has_good_names() {
        assert_eq!(Registry::default().check(), Ok(()));
    }

    #[test]
    fn a_second_of_the_same_name_is_refused() {
        let taken = |add: fn(&mut Registry)| {
            let mut registry = Registry::default();
            add(&mut registry);
            registry.check().unwrap_err().to_string()
        };
        assert_eq!(
            taken(|registry| registry.backends.push(&SERIAL)),
            "the name `serial` is already taken, so a second backend cannot have it"
        );
        assert_eq!(
            taken(|registry| registry.kernels.push(&EMPTY)),
            "the name `empty` is already taken, so a second kernel cannot have it"
        );
        assert_eq!(
            taken(|registry| registry.patterns.push(&CHAIN)),
            "the name `chain` is already taken, so a second pattern cannot have it"
        );
        let repeated = check_names("parameter of `x`", ["kind", "width", "kind"]);
        assert!(
            matches!(repeated, Err(NameError::Taken { .. })),
            "{repeated:?}"
        );
    }

    #[test]
    fn names_that_ids_cannot_hold_are_refused() {
        for good in ["rayon", "My_Pool-2.0", "b"] {
            assert_eq!(check_names("backend", [good]), Ok(()));
        }
        let bad = [
            "",
            " ",
            "a b",
            "a/b",
            "a,b",
            "a=b",
            "a+pin",
            "-a",
            "2",
            "a\n",
            "\u{1b}[31m",
            "é",
        ];
        for bad in bad {
            let refused = check_names("backend", [bad]);
            assert!(
                matches!(refused, Err(NameError::IllFormed { .. })),
                "{bad:?}"
            );
        }
    }
}
