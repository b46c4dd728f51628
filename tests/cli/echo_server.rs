//! The helper of the kernel `io-tcp`, as its own process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use taskdyno_core::random::mix;

/// A helper that answers after this time, and its port.
fn start(delay: Duration) -> (Child, u16) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["echo-server", &delay.as_nanos().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    (child, line.trim().parse().unwrap())
}

fn message(words: [u64; 2]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&words[0].to_le_bytes());
    bytes[8..].copy_from_slice(&words[1].to_le_bytes());
    bytes
}

fn received(stream: &mut TcpStream) -> [u8; 16] {
    let mut answer = [0; 16];
    stream.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn the_helper_answers_all_requests_after_the_delay_counts_them_and_ends_with_its_input() {
    const DELAY: Duration = Duration::from_millis(20);
    let (mut child, port) = start(DELAY);
    let connect = || TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut streams = [(); 3].map(|()| connect());
    let start = Instant::now();
    for (number, stream) in (0..).zip(&mut streams) {
        // Split, as a network may split it.
        let request = message([number, 7]);
        stream.write_all(&request[..5]).unwrap();
        stream.write_all(&request[5..]).unwrap();
    }
    for (number, stream) in (0..).zip(&mut streams) {
        assert_eq!(received(stream), message([number, mix(number ^ 7)]));
        assert!(start.elapsed() >= DELAY);
    }
    let mut questions = connect();
    questions.write_all(&message([u64::MAX, 0])).unwrap();
    assert_eq!(received(&mut questions), message([u64::MAX, 3]));

    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

/// As a child that is killed leaves it behind.
#[test]
fn the_helper_is_killed_when_whoever_started_it_ends() {
    let starter = thread::spawn(|| start(Duration::ZERO));
    let (mut child, _) = starter.join().unwrap();
    // Kept open, as a worker process that has inherited it does.
    let _input = child.stdin.take();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

/// Other programs may connect to the port too.
#[test]
fn the_helper_survives_clients_that_leave_in_the_middle_of_a_request() {
    let (mut child, port) = start(Duration::from_millis(1));
    let connect = || TcpStream::connect(("127.0.0.1", port)).unwrap();
    connect().write_all(&[1, 2, 3]).unwrap();
    connect().write_all(&message([1, 2])).unwrap();
    let mut stream = connect();
    stream.write_all(&message([5, 9])).unwrap();
    assert_eq!(received(&mut stream), message([5, mix(5 ^ 9)]));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
