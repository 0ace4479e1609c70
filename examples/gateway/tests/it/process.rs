//! Child processes that end with the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// A running program whose output is read line by line.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    errors: Option<std::thread::JoinHandle<String>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let mut err = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = err.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { child, lines, errors: Some(errors) }
    }

    /// The next line of standard output.
    pub(crate) fn line(&mut self) -> Option<String> {
        self.lines.recv_timeout(Duration::from_secs(30)).ok()
    }

    /// Lines until one fits.
    pub(crate) fn line_with(&mut self, part: &str) -> String {
        loop {
            match self.line() {
                Some(line) if line.contains(part) => return line,
                Some(_) => {}
                None => panic!("no line with {part:?}; standard error: {}", self.kill()),
            }
        }
    }

    /// Ends it with SIGKILL and gives what it wrote to standard error.
    pub(crate) fn kill(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.errors.take().map(|errors| errors.join().unwrap()).unwrap_or_default()
    }

    /// Asks it to stop, by its own process id.
    pub(crate) fn terminate(&mut self) {
        self.signal("-TERM");
    }

    /// Does what Ctrl-C does.
    pub(crate) fn interrupt(&mut self) {
        self.signal("-INT");
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap();
        assert!(done.success());
    }

    /// Waits until it ends by itself, and gives the rest of its output and its errors.
    pub(crate) fn wait(mut self) -> (ExitStatus, String, String) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut out = String::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            out.push_str(&line);
            out.push('\n');
        }
        (status, out, self.kill())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
