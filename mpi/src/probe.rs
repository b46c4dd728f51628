//! What MPI itself takes, without tasks: the figures that the engines are compared with. All ranks take part: the first two
//! exchange messages for the round trips, and all exchange with both neighbours for the step.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::time::Instant;

use mpi::ffi;
use serde_json::{Value as Json, json};

use crate::session::core_count;
use crate::trouble::Trouble;
use crate::wire::Wire;

/// The sizes of the messages, in words.
const SIZES: [usize; 5] = [1, 8, 512, 8192, 131_072];

/// Each figure is the least of this many rounds.
const ROUNDS: usize = 7;

/// The time of one of `count` exchanges, in nanoseconds: the least of all rounds.
fn least(count: usize, mut exchange: impl FnMut() -> Result<(), Trouble>) -> Result<f64, Trouble> {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        barrier()?;
        let begin = Instant::now();
        for _ in 0..count {
            exchange()?;
        }
        least = least.min(begin.elapsed().as_nanos() as f64 / count as f64);
    }
    Ok(least)
}

fn done(code: c_int) -> Result<(), Trouble> {
    match code {
        0 => Ok(()),
        code => Err(Trouble::backend(format!(
            "MPI failed with the error code {code}"
        ))),
    }
}

fn barrier() -> Result<(), Trouble> {
    // SAFETY: all ranks call it equally often.
    done(unsafe { ffi::MPI_Barrier(ffi::RSMPI_COMM_WORLD) })
}

fn send(words: &[u64], to: usize) -> Result<(), Trouble> {
    // SAFETY: the words are there until the call returns.
    done(unsafe {
        ffi::MPI_Send(
            words.as_ptr().cast::<c_void>(),
            words.len() as c_int,
            ffi::RSMPI_UINT64_T,
            to as c_int,
            1,
            ffi::RSMPI_COMM_WORLD,
        )
    })
}

fn receive(words: &mut [u64], from: usize) -> Result<(), Trouble> {
    // SAFETY: the place has as many words as are stated, and no status is wanted.
    done(unsafe {
        ffi::MPI_Recv(
            words.as_mut_ptr().cast::<c_void>(),
            words.len() as c_int,
            ffi::RSMPI_UINT64_T,
            from as c_int,
            1,
            ffi::RSMPI_COMM_WORLD,
            ffi::RSMPI_STATUS_IGNORE,
        )
    })
}

/// One step of a stencil: sends a word to each neighbour, and waits for one from each.
fn step(neighbours: &[usize], out: &[u64], into: &mut [u64]) -> Result<(), Trouble> {
    let mut requests = Vec::with_capacity(4);
    for (neighbour, place) in neighbours.iter().zip(into) {
        let mut request = MaybeUninit::uninit();
        // SAFETY: the place outlives the wait below. MPI writes the request.
        done(unsafe {
            ffi::MPI_Irecv(
                std::ptr::from_mut(place).cast::<c_void>(),
                1,
                ffi::RSMPI_UINT64_T,
                *neighbour as c_int,
                1,
                ffi::RSMPI_COMM_WORLD,
                request.as_mut_ptr(),
            )
        })?;
        // SAFETY: the call succeeded, so it has written the request.
        requests.push(unsafe { request.assume_init() });
        let mut request = MaybeUninit::uninit();
        // SAFETY: the word outlives the wait below. MPI writes the request.
        done(unsafe {
            ffi::MPI_Isend(
                out.as_ptr().cast::<c_void>(),
                1,
                ffi::RSMPI_UINT64_T,
                *neighbour as c_int,
                1,
                ffi::RSMPI_COMM_WORLD,
                request.as_mut_ptr(),
            )
        })?;
        // SAFETY: the call succeeded, so it has written the request.
        requests.push(unsafe { request.assume_init() });
    }
    let mut statuses: Vec<MaybeUninit<ffi::MPI_Status>> =
        (0..requests.len()).map(|_| MaybeUninit::uninit()).collect();
    // SAFETY: all requests are started, and there is a place for the status of each.
    done(unsafe {
        ffi::MPI_Waitall(
            requests.len() as c_int,
            requests.as_mut_ptr(),
            statuses.as_mut_ptr().cast(),
        )
    })
}

/// Measures, on all ranks. The first rank's result has the figures.
///
/// # Errors
///
/// If there are fewer than two ranks, or MPI fails.
pub fn run(wire: &Wire) -> Result<Json, Trouble> {
    if wire.size < 2 {
        return Err(Trouble::set_up(
            "a probe needs at least two ranks: mpirun -n 2 taskdyno-mpi probe",
        ));
    }
    // Its calls spin, and would wait for ranks that have no core.
    let here = std::env::var("MPI_LOCALNRANKS").map_or(Ok(1), |text| text.parse::<usize>());
    if here.is_ok_and(|here| here > core_count()) {
        return Err(Trouble::set_up("a probe needs a core for each rank"));
    }
    let mut trips = Vec::new();
    for size in SIZES {
        let mut words = vec![0u64; size];
        let count = (200_000 / (size + 20)).clamp(20, 5000);
        let ns = least(count, || match wire.rank {
            0 => send(&words, 1).and_then(|()| receive(&mut words, 1)),
            1 => receive(&mut words, 0).and_then(|()| send(&words, 0)),
            _ => Ok(()),
        })?;
        trips.push(json!({"bytes": 8 * size, "round_trip_ns": ns}));
    }
    let (before, after) = (wire.rank.checked_sub(1), Some(wire.rank + 1));
    let neighbours: Vec<usize> = [before, after.filter(|after| *after < wire.size)]
        .into_iter()
        .flatten()
        .collect();
    let (out, mut into) = ([7u64], [0u64; 2]);
    let step_ns = least(5000, || step(&neighbours, &out, &mut into))?;
    barrier()?;
    // LogGP: a message of k bytes takes L + 2 o + (k - 1) G one way. The smallest and the largest give both.
    let half = |index: usize| trips[index]["round_trip_ns"].as_f64().unwrap_or(0.0) / 2.0;
    let last = SIZES.len() - 1;
    let ns_per_byte = (half(last) - half(0)) / (8 * (SIZES[last] - SIZES[0])) as f64;
    Ok(json!({
        "ranks": wire.size,
        "round_trips": trips,
        "stencil_step_ns": step_ns,
        "loggp": {"latency_and_overhead_ns": half(0), "gap_ns_per_byte": ns_per_byte},
    }))
}
