// SPDX-License-Identifier: Apache-2.0

//! A shim in Rust. It manages one sandbox, from create to delete, by calls of kata-cgroup.
//!
//! usage: shim ID BUNDLE [OPTION-OF-CREATE...]
//!
//! QEMU's monitor is a socketpair: one end is QEMU's standard input, the shim keeps the other. The exit status is
//! that of the call that failed. Only the standard library is used; with serde, call() would be shorter.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::io::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{self, Child, Command, Stdio};
use std::time::Duration;

// The exit statuses of kata-cgroup(8) that this shim tells apart.
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const NO_SANDBOX: i32 = 3;

// The VMM is not trusted: its answers are limited in size and time.
const ANSWER_MAX: u64 = 1 << 20;
const ANSWER_TIME: Duration = Duration::from_secs(25);

/// QEMU's options. Its standard input, descriptor 0, is the monitor.
const QEMU: &str = "qemu-system-x86_64 -machine q35 -accel tcg -smp 2 -m 64 -S -nodefaults
    -display none -chardev socket,id=monitor,fd=0 -mon chardev=monitor,mode=control";

/// An exit status, and the message for the shim's caller.
struct Failure(i32, String);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure(FAILED, error.to_string())
    }
}

/// The text of a string member of a message, which is one object on one line without a blank.
fn member(line: &str, name: &str) -> Option<String> {
    let begin = format!("\"{name}\":\"");
    let rest = &line[line.find(&begin)? + begin.len()..];
    let (mut text, mut characters) = (String::new(), rest.chars());
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?), // a quote or a backslash; messages have no others
            other => text.push(other),
        }
    }
}

/// Runs "kata-cgroup COMMAND ..." with this input. Its warnings are shown; its error is the result.
fn call(input: &str, arguments: &[&str]) -> Result<(), Failure> {
    let mut child = Command::new("kata-cgroup")
        .args(["--log-format", "json"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // A command that refuses its options ends before it reads. Its status says more than an error of the pipe.
    let _ = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    let status = output.status.code().unwrap_or(FAILED); // none: a signal
    let command = arguments[0];
    let mut text = format!("{command}: failed without a message");
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        let message = member(line, "msg").unwrap_or_else(|| line.to_string());
        let level = member(line, "level").unwrap_or_default();
        let field = member(line, "field").map_or(String::new(), |f| format!(", field {f}"));
        match level.as_str() {
            "error" => text = format!("{command}: {message} [status {status}{field}]"),
            _ => eprintln!("shim: {level}: {command}: {message}"),
        }
    }
    match status {
        0 => Ok(()),
        _ => Err(Failure(status, text)),
    }
}

/// The child executes kata-cgroup, which enters the group and executes the VMM: all memory is charged to the group.
fn start_vmm(id: &str) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let vmm = Command::new("kata-cgroup")
        .args(["exec", id, "--"])
        .args(QEMU.split_whitespace())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()?;
    ours.set_read_timeout(Some(ANSWER_TIME))?;
    Ok((vmm, ours))
}

/// Sends a command, and reads lines until its answer. The greeting and events come before the answer.
fn ask(monitor: &mut impl BufRead, mut writer: &UnixStream, command: &str) -> io::Result<String> {
    writer.write_all(format!("{{\"execute\":\"{command}\"}}").as_bytes())?;
    let mut line = String::new();
    while !line.starts_with("{\"return\"") {
        line.clear();
        if monitor.read_line(&mut line)? == 0 || line.starts_with("{\"error\"") {
            return Err(io::Error::new(io::ErrorKind::Other, "no answer"));
        }
    }
    Ok(line)
}

fn query_cpus(monitor: &UnixStream) -> Result<String, Failure> {
    let mut lines = BufReader::new(monitor.take(ANSWER_MAX));
    ask(&mut lines, monitor, "qmp_capabilities")
        .and_then(|_| ask(&mut lines, monitor, "query-cpus-fast"))
        .map_err(|e| Failure(FAILED, format!("the VMM names no vCPUs: {e}")))
}

/// From the VMM's start to its end.
fn pod(id: &str, vmm: &Child, monitor: UnixStream) -> Result<(), Failure> {
    // Passed on unchanged: kata-cgroup checks it.
    let cpus = query_cpus(&monitor)?;
    let pid = vmm.id().to_string();
    let attach = ["attach-vcpus", id, "--vmm-pid", &pid, "--vcpus", "-"];
    call(&cpus, &attach)?;
    let update = ["update", id, "--container", "c1"];
    call(r#"{"cpu": {"cpus": "0"}}"#, &update)?;
    println!("ready");
    io::stdin().lock().read_line(&mut String::new())?; // the pod runs until a line comes
    call("", &["update", id, "--container", "c1", "--remove"])
}

extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
}

fn run(id: &str, bundle: &str, options: &[String]) -> Result<(), Failure> {
    let pid = process::id().to_string();
    let mut create = vec!["create", id, "--bundle", bundle, "--pid", &pid];
    create.extend(options.iter().map(String::as_str));
    // A create that fails has been rolled back, and an existing sandbox belongs to another shim: delete nothing.
    call("", &create)?;
    let result = start_vmm(id)
        .map_err(Failure::from)
        .and_then(|(mut vmm, monitor)| {
            let result = pod(id, &vmm, monitor);
            vmm.kill()?;
            vmm.wait()?;
            result
        });
    // SAFETY: SIGTERM (15) gets the disposition SIG_IGN (1): under systemd, stopping the scope sends it to the shim.
    unsafe { signal(15, 1) };
    let deleted = match call("", &["delete", id]) {
        Err(Failure(NO_SANDBOX, _)) => Ok(()), // as good as deleted
        other => other,
    };
    result.and(deleted)
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if arguments.len() < 3 {
        process::exit(USAGE);
    }
    if let Err(Failure(status, text)) = run(&arguments[1], &arguments[2], &arguments[3..]) {
        eprintln!("shim: error: {text}");
        process::exit(status);
    }
}
