//! A backlog of a million: what a message costs as it grows, and the memory of the process. In a process of its own, so that nothing else counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hl7_sender::{Destination, Sender, SqliteOptions, Store as _};

use crate::delivery::{delivered, fill, receiver};

/// The argument that makes this program the process that is measured.
pub const CHILD: &str = "backlog-child";
const LANES: usize = 1_000;
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// How many messages are measured at each size.
const SAMPLE: usize = 5_000;

/// What the system says of this process, in MB.
fn resident(what: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(what))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib * 1024.0 / 1e6)
}

async fn measure(last: usize) -> Option<()> {
    let folder = tempfile::tempdir().ok()?;
    let file = folder.path().join("backlog.db");
    println!("A backlog in {LANES} lanes, {SAMPLE} messages measured at each size (bar: flat, and 150 MB)");
    let (mut stored, mut sent) = (0, 0);
    for size in SIZES.into_iter().filter(|size| *size <= last) {
        // The whole file is not checked: that is not what is measured.
        let store = Arc::new(SqliteOptions::new().check_within(Duration::ZERO).open(&file).await.ok()?);
        fill(&store, stored..size + sent, LANES).await?;
        let start = Instant::now();
        fill(&store, size + sent..size + sent + SAMPLE, LANES).await?;
        let enqueued = start.elapsed();
        stored = size + sent + SAMPLE;
        store.close().await;
        drop(store);

        let store = SqliteOptions::new().check_within(Duration::ZERO).open(&file).await.ok()?;
        let destination = Destination::mllp("ehr", receiver(Duration::ZERO).await?).connections(16);
        let start = Instant::now();
        let sender = Sender::builder(store).destination(destination).start().await.ok()?;
        delivered(&sender, sent + SAMPLE).await?;
        let took = start.elapsed();
        sender.pause_destination("ehr").await.ok()?;
        sent = sender
            .counts()
            .await
            .ok()?
            .iter()
            .filter(|count| count.state().is_settled())
            .map(|count| count.messages())
            .sum::<u64>() as usize;
        sender.resume_destination("ehr").await.ok()?;
        sender.shutdown(Duration::from_secs(5)).await;
        let each = |took: Duration| took.as_secs_f64() * 1e6 / SAMPLE as f64;
        println!(
            "  {size:>9}: enqueue {:>6.1} us, delivery {:>6.1} us a message; {:>5.0} MB resident, {:>5.0} at most",
            each(enqueued),
            each(took),
            resident("VmRSS")?,
            resident("VmHWM")?
        );
    }
    Some(())
}

/// The process that is measured.
pub fn child(last: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let last = last.parse().unwrap_or(usize::MAX);
    if runtime.ok().and_then(|runtime| runtime.block_on(measure(last))).is_none() {
        println!("A backlog: could not be measured");
    }
}

/// The bars of a backlog.
pub fn run() {
    let child =
        std::env::current_exe().and_then(|program| std::process::Command::new(program).arg(CHILD).status());
    if !child.is_ok_and(|status| status.success()) {
        println!("A backlog: could not be measured");
    }
}
