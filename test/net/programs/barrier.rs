// The part of barrier.py that the Rust programs need, with the same files.
use std::time::Duration;
use std::{env, fs, thread};

const CALM_STEPS: u32 = 8;
const STEPS: u32 = 3000;

fn path(name: &str) -> String {
    format!("{}/{}", env::var("BARRIER").unwrap(), name)
}

#[allow(dead_code)]
pub fn about_to_wait(name: &str) {
    let itself = fs::read_link("/proc/thread-self").unwrap(); // PID/task/TID
    let written = path(name) + ".new";
    fs::write(&written, itself.to_str().unwrap().replace("/task/", " ")).unwrap();
    fs::rename(&written, path(name)).unwrap();
}

// How often the thread has gone to sleep; None while it does not.
fn sleeps_since(name: &str) -> Option<String> {
    let itself = fs::read_to_string(path(name)).ok()?.replacen(' ', "/task/", 1);
    let status = fs::read_to_string(format!("/proc/{}/status", itself.trim())).ok()?;
    let value = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line[key.len()..].split_whitespace().next().map(String::from)
    };
    if value("State:")? != "S" {
        return None;
    }
    value("voluntary_ctxt_switches:")
}

#[allow(dead_code)]
pub fn until_waiting(name: &str) {
    let mut last = None;
    let mut calm = 0;
    for _ in 0..STEPS {
        let now = sleeps_since(name);
        calm = if now.is_some() && now == last { calm + 1 } else { 0 };
        if calm == CALM_STEPS {
            return;
        }
        last = now;
        thread::sleep(Duration::from_millis(10));
    }
    panic!("nobody waits: {}", name);
}
