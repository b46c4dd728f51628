//! What all TOML files that people write have in common: workload files, and files of external backends.
//!
//! | module | its job |
//! |---|---|
//! | `source` | reads the text of a file |
//! | `keys` | reads the values of keys that several kinds of files have |
//! | `value` | converts one value for a parameter, or suggests a correction |
//! | `mistake` | describes mistakes: what, where, and what to do |

mod keys;
mod mistake;
mod source;
mod value;

pub(crate) use keys::{Key, Keys};
pub(crate) use mistake::{LoadError, Mistake, quoted};
pub(crate) use source::{FileKind, SourceFile, not_toml, read_file, source, unreadable};
pub(crate) use value::{Entry, describe, explain, invalid, to_count, to_number, to_value};
