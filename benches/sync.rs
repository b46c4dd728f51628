//! Measures the overhead of the primitives by which tasks wait for each other: each kernel that uses them beside a loop
//! that uses the bare primitive. `cargo bench --bench sync [FILTER]` prints one table, which is made as that of `overhead`.

use crate::table::Section;

#[path = "overhead/arguments.rs"]
mod arguments;
#[path = "sync/channels.rs"]
mod channels;
#[path = "sync/locks.rs"]
mod locks;
#[path = "overhead/table.rs"]
#[allow(dead_code, reason = "the other bench uses the rest")]
mod table;

const SECTIONS: &[Section] = &[
    ("channels", channels::one_thread),
    ("ping-pong", channels::two_threads),
    ("locks", locks::one_thread),
    ("contended-locks", locks::two_threads),
];

fn main() {
    table::main(SECTIONS);
}
