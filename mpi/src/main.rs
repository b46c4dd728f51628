//! The program: `child` speaks the child protocol, and `probe` measures the network.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::FromRawFd;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use taskdyno_mpi::child::Child;
use taskdyno_mpi::fault::Fault;
use taskdyno_mpi::place::Places;
use taskdyno_mpi::post::Post;
use taskdyno_mpi::probe;
use taskdyno_mpi::session;
use taskdyno_mpi::supervise::supervised;
use taskdyno_mpi::trouble::Trouble;
use taskdyno_mpi::wire::Wire;

const USAGE: &str = "\
usage: mpirun -n RANKS taskdyno-mpi child [--fixed]
       mpirun -n RANKS taskdyno-mpi probe

Executes task graphs of taskdyno on ranks of MPI. taskdyno starts it as mpi/backends.toml says.

child    speaks the child protocol of taskdyno on the first rank
--fixed  say in the greeting that there are always as many workers as ranks
probe    measure messages between the first two ranks and a step of a stencil of all, and write JSON";

/// What the arguments ask for.
#[derive(Default)]
struct Arguments {
    is_fixed: bool,
    /// For tests: the faulty transport of one rank.
    fault: Option<Fault>,
}

fn arguments(words: &[String]) -> Option<Arguments> {
    let mut arguments = Arguments::default();
    for word in words {
        match word.split_once('=') {
            None if word == "--fixed" => arguments.is_fixed = true,
            Some(("--fault", name)) => arguments.fault = Some(Fault::named(name)?),
            _ => return None,
        }
    }
    Some(arguments)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let rest = words.get(1..).unwrap_or_default();
    match (words.first().map(String::as_str), arguments(rest)) {
        (Some("child"), Some(arguments)) => child(&arguments),
        (Some("probe"), _) if rest.is_empty() => measure(),
        (Some("help" | "--help" | "-h"), _) => say(&format!("{USAGE}\n")),
        (Some("--version" | "-V"), _) => {
            say(concat!("taskdyno-mpi ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        (Some("child" | "probe"), _) => refuse(&format!(
            "`{}` does not take `{}`",
            words[0],
            rest.join(" ")
        )),
        (Some(other), _) => refuse(&format!("there is no command `{other}`")),
        (None, _) => refuse("a command is missing"),
    }
}

/// Writes what was asked for. If nobody reads it, nobody needs it.
fn say(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Says what is wrong with the command line.
fn refuse(why: &str) -> ExitCode {
    complain(&format!("{why}\n{USAGE}"));
    ExitCode::from(2)
}

/// Writes to standard error in one piece, because all ranks write there at the same time.
fn complain(text: &str) {
    // If nobody listens any more, nobody needs the text.
    let _ = io::stderr().write_all(format!("taskdyno-mpi: {text}\n").as_bytes());
}

/// A descriptor for replies. Whatever else is printed goes to standard error.
fn replies() -> io::Result<File> {
    // SAFETY: standard output is open, and a copy of it belongs to nobody else.
    let copy = unsafe { libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3) };
    // SAFETY: both descriptors are open.
    if copy < 0 || unsafe { libc::dup2(2, 1) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the copy is open and belongs to nobody else.
    Ok(unsafe { File::from_raw_fd(copy) })
}

fn child(arguments: &Arguments) -> ExitCode {
    let started = supervised().and_then(|()| replies());
    let replies = match started {
        Ok(replies) => replies,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match serve(arguments, replies) {
        Ok(()) => ExitCode::SUCCESS,
        // MPI cannot end in order if not all ranks do, so it does not end at all.
        Err(_) => std::process::exit(1),
    }
}

/// Measures messages, and writes the figures.
fn measure() -> ExitCode {
    let figures = Wire::start().and_then(|wire| {
        let figures = probe::run(&wire)?;
        let is_first = wire.rank == 0;
        wire.finish()?;
        Ok(is_first.then_some(figures))
    });
    match figures {
        Ok(figures) => {
            figures.iter().for_each(|figures| println!("{figures}"));
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            complain(&trouble.message);
            // MPI cannot end in order.
            std::process::exit(1);
        }
    }
}

/// Writes an error as the last line.
fn last_words(replies: &mut File, trouble: &Trouble) {
    // If nobody listens any more, nobody needs the line.
    let _ = replies.write_all(format!("{}\n", trouble.to_json()).as_bytes());
}

fn serve(arguments: &Arguments, mut replies: File) -> Result<(), Trouble> {
    let wire = Wire::start().inspect_err(|trouble| last_words(&mut replies, trouble))?;
    // Only the last rank has the fault, so that it is one fault.
    let fault = arguments.fault.filter(|_| wire.rank + 1 == wire.size);
    let mut post = Post::new(wire, fault);
    let mut places = Places::learn(&mut post);
    // A faulty transport mangles values, and these are none of a task.
    if let (Ok(of_first), None) = (&mut places, arguments.fault) {
        let measured = Places::measure(of_first.as_mut(), &mut post);
        places = measured.and(places);
    }
    let outcome = match places {
        Err(trouble) => Err(trouble),
        Ok(None) => session::obey(&mut post),
        Ok(Some(places)) => match replies.try_clone() {
            Err(error) => Err(Trouble::set_up(format!(
                "cannot copy a descriptor: {error}"
            ))),
            Ok(copy) => Child::new(&mut post, &places, copy, arguments.is_fixed)
                .serve(io::stdin())
                .and_then(|()| session::finish(&mut post)),
        },
    };
    match outcome {
        Ok(()) => post.finish(),
        Err(trouble) if post.rank() == 0 => {
            last_words(&mut replies, &trouble);
            Err(trouble)
        }
        Err(trouble) => {
            post.report(&trouble)?;
            // The first rank ends all of them once it has read the report.
            loop {
                post.poll(&mut |_, _| Ok(()))?;
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
