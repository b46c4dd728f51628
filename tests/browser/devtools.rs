//! The DevTools protocol over a pipe: messages are JSON, and each ends with a zero byte.

use std::io::{BufRead, BufReader, Write};
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chromium::Chromium;

/// A browser that does not answer for so long hangs.
const PATIENCE: Duration = Duration::from_secs(100);

/// A connection with a browser of its own.
pub(crate) struct DevTools {
    input: ChildStdin,
    messages: Receiver<Value>,
    next_id: u64,
    /// Events that came while an answer was awaited, in their order.
    events: Vec<Value>,
    _browser: Chromium,
}

impl DevTools {
    /// Starts a browser.
    pub(crate) fn start() -> Self {
        let mut browser = Chromium::start();
        let input = browser.process.stdin.take().unwrap();
        let output = browser.process.stdout.take().unwrap();
        let (sender, messages) = channel();
        // Ends with the browser.
        thread::spawn(move || {
            for message in BufReader::new(output).split(0) {
                let Ok(message) = message else { return };
                let message = serde_json::from_slice(&message).unwrap();
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            input,
            messages,
            next_id: 1,
            events: Vec::new(),
            _browser: browser,
        }
    }

    /// Calls a method and waits for its result. `session` is the page that it is about; empty for the browser.
    pub(crate) fn call(&mut self, session: &str, method: &str, parameters: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).unwrap();
        loop {
            let message = self.receive(method);
            if message["id"] == id {
                assert_eq!(message["error"], Value::Null, "{method} failed");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// Waits until this event has come, also if it came before.
    pub(crate) fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|one| one["method"] == event) {
            let message = self.receive(event);
            self.events.push(message);
        }
    }

    /// All events so far, in their order.
    pub(crate) fn events(&self) -> &[Value] {
        &self.events
    }

    /// Forgets all events so far.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
    }

    fn receive(&mut self, awaited: &str) -> Value {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("the browser hangs in {awaited}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the browser ended in {awaited}"),
        }
    }
}
