//! Programs that are not ours, ended with the test by their own process id.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// A running program whose output is read line by line.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        for from in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let tell = tell.clone();
            let lines = BufReader::new(from).lines();
            std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        }
        Self { child, lines }
    }

    /// What stands behind this in the next line of its output or errors that has it.
    pub(crate) async fn line(&mut self, start: &str) -> String {
        let mut others = Vec::new();
        for _ in 0..3000 {
            match self.lines.try_recv() {
                Ok(line) => match line.split_once(start) {
                    Some((_, rest)) => return rest.trim().to_owned(),
                    None => others.push(line),
                },
                Err(mpsc::TryRecvError::Empty) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(mpsc::TryRecvError::Disconnected) => break,
            }
        }
        panic!("no line with {start:?}, but {others:?}");
    }

    /// The same of so many lines.
    pub(crate) async fn lines(&mut self, start: &str, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(self.line(start).await);
        }
        lines
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
