//! Tests the command line from outside: its output, its files and its exit codes.

mod broken;
mod claims;
mod deadlock;
mod echo_server;
mod ending;
mod environment;
mod external;
mod gate;
mod help;
mod hostile;
mod latencies;
mod metg;
mod mock;
mod program;
mod recursion;
mod refused;
mod resume;
mod run;
mod select;
mod show;
mod stored;
mod trace;
