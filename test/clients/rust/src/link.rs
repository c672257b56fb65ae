//! Lines of JSON that the program and the test say to each other (see ../../scripts/link.py).
use serde_json::{Value, json};
use std::io::{Write, stdin, stdout};
use std::time::Duration;

/// Far beyond what a switch takes; the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Options {
    pub address: String,
    pub device_id: u64,
    /// Binary P4Info.
    pub p4info: String,
    pub program: String,
    /// What the client announces as the largest list of headers that it takes.
    pub max_header_bytes: Option<u32>,
}

impl Options {
    pub fn parse(text: &str) -> Self {
        let given: Value = serde_json::from_str(text).unwrap();
        let text = |name: &str| given[name].as_str().unwrap().to_owned();
        Self {
            address: text("address"),
            device_id: given["deviceId"].as_u64().unwrap(),
            p4info: text("p4info"),
            program: text("program"),
            max_header_bytes: given["maxHeaderBytes"].as_u64().map(|bytes| bytes as u32),
        }
    }
}

fn say(line: Value) {
    let mut out = stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn ask(line: Value) -> Value {
    say(line);
    let mut answer = String::new();
    assert_ne!(
        stdin().read_line(&mut answer).unwrap(),
        0,
        "the test has gone"
    );
    serde_json::from_str(&answer).unwrap()
}

/// Something that was seen; the test compares it with what it expects.
pub fn check(name: &str, value: impl Into<Value>) {
    say(json!({ "check": name, "value": value.into() }));
}

/// Gives the switch a UDP packet from 127.0.0.1.
pub fn inject(port: u32, payload: &str) {
    ask(json!({ "inject": { "port": port, "sender": 1, "payload": hex(payload.as_bytes()) } }));
}

/// The next packets that leave the switch, sorted: [port, payload].
pub fn egress(count: usize) -> Value {
    ask(json!({ "egress": count }))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
