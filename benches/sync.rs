//! Measures the overhead of the primitives by which tasks wait for each other: each kernel that uses them beside a loop
//! that uses the bare primitive. `cargo bench --bench sync [FILTER]` prints one table, which is made as that of `overhead`.

use crate::table::Section;

#[path = "overhead/arguments.rs"]
mod arguments;
#[path = "sync/bare.rs"]
mod bare;
#[path = "sync/channels.rs"]
mod channels;
#[path = "sync/contest.rs"]
mod contest;
#[path = "sync/locks.rs"]
mod locks;
#[path = "sync/semaphores.rs"]
mod semaphores;
#[path = "overhead/table.rs"]
#[allow(dead_code, reason = "the other bench uses the rest")]
mod table;

const SECTIONS: &[Section] = &[
    ("channels", channels::one_thread),
    ("ping-pong", channels::two_threads),
    ("pipes", channels::two_pipes),
    ("locks", locks::alone),
    ("contended-locks", locks::contended),
    ("semaphores", semaphores::alone),
    ("contended-semaphores", semaphores::contended),
];

fn main() {
    table::main(SECTIONS);
}
