//! The command line as its users meet it: what it prints, what it leaves on disk, how it ends.

mod broken;
mod ending;
mod environment;
mod gate;
mod help;
mod hostile;
mod metg;
mod mock;
mod program;
mod resume;
mod run;
mod select;
mod stored;
