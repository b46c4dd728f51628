//! What went wrong, as an error line says it.

use serde_json::{Value, json};

/// Why a case or a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The kind of error in records, such as `panic`.
    pub kind: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// The task that it is about; `None` if it is about no single task.
    pub task: Option<u32>,
}

impl Trouble {
    /// An error of this kind that is about no single task.
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
            task: None,
        }
    }

    /// A case that cannot be prepared.
    pub fn set_up(message: impl Into<String>) -> Self {
        Self::new("set-up", message)
    }

    /// A request that cannot be understood.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new("protocol", message)
    }

    /// Ranks that could not continue.
    pub fn backend(message: impl Into<String>) -> Self {
        Self::new("backend", message)
    }

    /// The same error, about `task`.
    pub fn of_task(mut self, task: u32) -> Self {
        self.task = Some(task);
        self
    }

    /// The error line.
    pub fn to_json(&self) -> Value {
        let mut error = json!({"kind": self.kind, "message": self.message});
        if let Some(task) = self.task {
            error["task"] = task.into();
        }
        json!({ "error": error })
    }

    /// The error of an error line; one that quotes the text if it is none.
    pub fn from_text(text: &str) -> Self {
        let line: Value = serde_json::from_str(text).unwrap_or_default();
        let word = |name: &str| line["error"][name].as_str().map(String::from);
        match (word("kind"), word("message")) {
            (Some(kind), Some(message)) => Self {
                kind,
                message,
                task: line["error"]["task"].as_u64().map(|task| task as u32),
            },
            _ => Self::backend(format!("a rank failed and said {text:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_line_is_read_as_it_was_written() {
        for trouble in [
            Trouble::set_up("no"),
            Trouble::new("panic", "task 3").of_task(3),
        ] {
            let text = trouble.to_json().to_string();
            assert_eq!(Trouble::from_text(&text), trouble);
        }
        assert_eq!(Trouble::from_text("oops").kind, "backend");
    }
}
