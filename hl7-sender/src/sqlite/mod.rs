//! The embedded store: one SQLite file.

mod backup;
mod decide;
mod enqueue;
mod expiry;
mod file;
mod ground;
mod header;
mod hold;
mod lanes;
mod left_open;
mod lock_file;
mod mark;
mod migrate;
mod numbers;
mod past;
mod places;
mod poison;
mod query;
mod receive;
mod reserve;
mod schema;
mod standings;
mod tables;
mod tally;
mod worker;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

pub use self::backup::SqliteBackup;
use self::file::LockedFile;
use self::poison::Poison;
use self::reserve::Reserve;
use self::tables::{Tables, fault};
use self::worker::Worker;
use self::writer::{LongLog, Writer, WriterTally};
use crate::digest::Digest;
use crate::entry::{Accepted, Attempt, Count, Due, Enqueued, Finished, LaneRecord, Record, Request, Stored};
use crate::error::{OpenError, OpenErrorKind, StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};
use crate::inbound::{Answered, Inbound, Received};
use crate::past::PastAttempt;
use crate::store::Store;
use crate::store_counters::StoreCounters;

/// A store in one SQLite file, for one process.
///
/// Writing calls are gathered by one thread and share commits: however many tasks enqueue at once, they wait for one flush. The file is in WAL
/// mode with `synchronous=FULL`, readable by its owner only, and locked: a second opening fails, in this process or another, as long as this one lives. Where
/// a lock could be got around (elsewhere than on Linux, by removing the file `.lock` beside it), the later opening takes the store over, and the earlier
/// one's next call fails with [`crate::StoreErrorKind::Ousted`] and changes nothing.
///
/// The messages lie in the file as they are, unless they are encrypted (`Builder::encrypt`): who can read the file can read them.
///
/// The file must be on a local disk; on a network file system it is not opened. [`SqliteStore::backup`] copies it while it is open; a copy by other means is
/// sound only while no process has it open, and after a crash together with the file `-wal`.
///
/// A program that reads the file for long, in one transaction, holds nobody up; the log beside it grows meanwhile, and is made short again afterwards.
pub struct SqliteStore {
    writer: Worker,
    reader: Worker,
    poisoned: Arc<Poison>,
    tally: Arc<WriterTally>,
    file: Weak<LockedFile>,
}

/// How many statements a connection keeps ready: more than there are.
const STATEMENTS: usize = 128;

/// How a [`SqliteStore`] is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    max_bytes: u64,
    reserve_bytes: u64,
    check_within: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            max_bytes: Self::MAX_BYTES,
            reserve_bytes: Self::RESERVE_BYTES,
            check_within: Self::CHECK_WITHIN,
        }
    }
}

impl SqliteOptions {
    /// The default limit of the file: 32 GiB, some ten million messages; large enough for a long outage, small enough that a receiver that is gone
    /// for good is noticed before the disk is full.
    pub const MAX_BYTES: u64 = 32 * 1024 * 1024 * 1024;
    /// The default reserve: 16 MiB, which is twice the longest log.
    pub const RESERVE_BYTES: u64 = 16 * 1024 * 1024;
    /// The default time for checking the file when it is opened: ten seconds, enough for some hundred thousand entries.
    pub const CHECK_WITHIN: Duration = Duration::from_secs(10);

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The limit of the file in bytes, which one message may pass with its deliveries. Beyond it nothing is enqueued; what is there is still sent and settled.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The room in bytes that is kept on the store's disk by a file of its own, with `.reserve` behind the store's name. 256 bytes for each open
    /// entry are added, for its acknowledgment.
    ///
    /// When the disk is full nothing more is enqueued, and what is there is sent and settled with the room of this file, which gets shorter by
    /// what is needed. It is made again, and entries are accepted again, when the disk has 4 MiB beside it. On a small disk the reserve is half
    /// of the room, but at least 4 MiB, and with less than 8 MiB of room nothing is accepted. Zero is no reserve: then a full disk stops settling too.
    pub fn reserve_bytes(mut self, bytes: u64) -> Self {
        self.reserve_bytes = bytes;
        self
    }

    /// How long the file may be checked when it is opened. Every page and every index is looked at; a file that is too large for that in this time
    /// is used as far as it was found whole. Independent of it, each message is compared with its checksum before it is sent, and a store that is
    /// found to contradict itself is not used any more. Zero is no check.
    pub fn check_within(mut self, time: Duration) -> Self {
        self.check_within = time;
        self
    }

    /// Opens the store, making it if there is none.
    ///
    /// # Errors
    /// When it is open already, here or in another process; when the file is something else, of a later version or damaged; when it cannot be read or
    /// written.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        let path = path.as_ref();
        self.open_on_thread(path.to_owned()).await.map_err(|error| error.of(path))
    }

    async fn open_on_thread(self, path: PathBuf) -> Result<SqliteStore, OpenError> {
        let (reply, opened) = oneshot::channel();
        let open = move || {
            let _ = reply.send(open_now(&path, &self));
        };
        std::thread::Builder::new().name("hl7-sender-open".to_owned()).spawn(open).map_err(no_thread)?;
        opened.await.map_err(|_| OpenError::new(OpenErrorKind::Sqlite))?
    }
}

impl SqliteStore {
    /// Opens the store at `path`, making it if there is none; with other limits by [`SqliteOptions`].
    ///
    /// # Errors
    /// As [`SqliteOptions::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        SqliteOptions::new().open(path).await
    }

    /// What makes copies of it while it is in use.
    pub fn backup(&self) -> SqliteBackup {
        SqliteBackup::new(Weak::clone(&self.file), Arc::clone(&self.poisoned))
    }

    /// Gives pages that are not used any more back to the disk, in some commits, so that nobody waits long behind one. Where there is no room to move them
    /// in, they stay for later.
    async fn give_back(&self) -> Result<(), StoreError> {
        for _ in 0..expiry::MOST_PARTS {
            match self.writer.call(|tables| tables.give_back().map_err(fault)).await {
                Ok(true) => {}
                Err(error) if !error.is_passing() => return Err(error),
                Ok(false) | Err(_) => break,
            }
        }
        Ok(())
    }
}

fn open_now(path: &Path, options: &SqliteOptions) -> Result<SqliteStore, OpenError> {
    let file = Arc::new(LockedFile::open(path)?);
    let (tables, reading, reserve) = connect_with_reserve(&file, options)?;
    let mark = tables.mark();
    if file.mark().is_some_and(|before| before.is_ahead_of(mark)) {
        return Err(OpenError::new(OpenErrorKind::WentBack));
    }
    file.settle();
    file.set_mark(mark);
    let poisoned = Arc::<Poison>::default();
    let tally = Arc::<WriterTally>::default();
    let writer = Writer {
        tables,
        reserve,
        file: Arc::clone(&file),
        poisoned: Arc::clone(&poisoned),
        tally: Arc::clone(&tally),
        long_log: LongLog::default(),
        mark,
    };
    let weak = Arc::downgrade(&file);
    let reader = Worker::reader(reading, file, Arc::clone(&poisoned)).map_err(no_thread)?;
    let writer = Worker::writer(writer).map_err(no_thread)?;
    Ok(SqliteStore { writer, reader, poisoned, tally, file: weak })
}

/// The connections, and the reserve, which is not made beside a file that is no store.
fn connect_with_reserve(
    file: &LockedFile,
    options: &SqliteOptions,
) -> Result<(Tables, Tables, Reserve), OpenError> {
    let reserve = || Reserve::open(&file.reserve(), options.reserve_bytes).map_err(file::io_error);
    let mut given = None;
    loop {
        match connect(file, options) {
            // SQLite's other files need room even when nothing is stored.
            Err(error) if error.kind() == OpenErrorKind::Full => {
                let mut reserve = given.map_or_else(reserve, Ok)?;
                if !reserve.give_up() {
                    return Err(error);
                }
                reserve.note_full(Instant::now());
                given = Some(reserve);
            }
            connected => {
                let (writing, reading) = connected?;
                return Ok((writing, reading, given.map_or_else(reserve, Ok)?));
            }
        }
    }
}

/// The connection that writes and the one that reads.
fn connect(file: &LockedFile, options: &SqliteOptions) -> Result<(Tables, Tables), OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || {
        let conn = Connection::open_with_flags(file.path(), flags)?;
        // A plan does not depend on the values, or SQLite makes it anew for each.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(conn)
    };
    let connect = || connect().map_err(schema::opening);
    let writing = connect()?;
    schema::prepare(&writing)?;
    file.is_ours();
    file.restrict().map_err(file::io_error)?;
    if !options.check_within.is_zero() {
        schema::check(&writing, options.check_within)?;
    }
    // Not before it is known to be whole: a damaged file is not changed.
    migrate::migrate(&writing)?;
    let secret = schema::secret(&writing)?;
    let owner = schema::own(&writing)?;
    let reading = connect()?;
    reading.execute_batch("PRAGMA query_only = ON").map_err(schema::opening)?;
    let tables = |conn| Tables::new(conn, secret.clone(), owner, options.max_bytes).map_err(schema::opening);
    // What the writer has changed since is not in the reader's memory.
    let (writing, mut reading) = (tables(writing)?, tables(reading)?);
    reading.merges = true;
    Ok((writing, reading))
}

fn no_thread(error: std::io::Error) -> OpenError {
    OpenError::new(OpenErrorKind::Io(error.kind()))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let poisoned = self.poisoned.is_set();
        f.debug_struct("SqliteStore").field("poisoned", &poisoned).finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    async fn enqueue(&self, request: Request, now: SystemTime) -> Result<Enqueued, StoreError> {
        request.check()?;
        let bytes = request.weight();
        self.writer.call_with(bytes, move |tables| tables.enqueue(&request, now)).await
    }

    async fn receive(&self, inbound: Inbound, now: SystemTime) -> Result<Received, StoreError> {
        inbound.request.check()?;
        let bytes = inbound.request.weight() + inbound.acknowledgment.len();
        self.writer.call_with(bytes, move |tables| tables.receive(&inbound, now)).await
    }

    async fn answered(&self, key: Digest) -> Result<Option<Answered>, StoreError> {
        self.reader.call(move |tables| tables.answered(&key).map_err(fault)).await
    }

    async fn is_known(&self, key: Digest) -> Result<bool, StoreError> {
        self.reader.call(move |tables| tables.known(&key).map(|known| known.is_some()).map_err(fault)).await
    }

    async fn recover(&self, now: SystemTime) -> Result<u64, StoreError> {
        self.writer.call(move |tables| tables.recover(now).map_err(fault)).await
    }

    async fn due(&self, destination: &str, now: SystemTime, limit: usize) -> Result<Due, StoreError> {
        let destination = destination.to_owned();
        self.reader.call(move |tables| tables.due(&destination, now, limit).map_err(fault)).await
    }

    async fn clamp(&self, destination: &str, latest: SystemTime) -> Result<(), StoreError> {
        let destination = destination.to_owned();
        self.writer.call(move |tables| tables.clamp(&destination, latest).map_err(fault)).await
    }

    async fn accepted(&self, accepted: Accepted) -> Result<(), StoreError> {
        let bytes = accepted.acknowledgment.as_ref().map_or(0, Vec::len);
        self.writer.call_with(bytes, move |tables| tables.accepted(&accepted)).await
    }

    async fn copy(&self, of: EntryId, request: Request, now: SystemTime) -> Result<Stored, StoreError> {
        request.check()?;
        let bytes = request.weight();
        let copied = self.writer.call_with(bytes, move |tables| tables.copy(of, &request, now)).await?;
        copied.ok_or(StoreError::new(StoreErrorKind::Full))
    }

    async fn lane_of(&self, destination: &str, key: Option<&str>) -> Result<LaneId, StoreError> {
        let (destination, key) = (destination.to_owned(), key.map(str::to_owned));
        self.reader.call(move |tables| Ok(tables.lane_of(&destination, key.as_deref()))).await
    }

    async fn park(
        &self,
        destination: &str,
        lane: LaneId,
        parked: bool,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        let destination = destination.to_owned();
        self.writer.call(move |tables| tables.park(&destination, lane, parked, now).map_err(fault)).await
    }

    async fn lanes(&self, destination: &str, limit: usize) -> Result<Vec<LaneRecord>, StoreError> {
        let destination = destination.to_owned();
        self.reader.call(move |tables| tables.lanes(&destination, limit).map_err(fault)).await
    }

    async fn pause(&self, destination: &str, paused: bool) -> Result<(), StoreError> {
        let destination = destination.to_owned();
        self.writer.call(move |tables| tables.pause(&destination, paused).map_err(fault)).await
    }

    async fn paused(&self) -> Result<Vec<String>, StoreError> {
        self.reader.call(|tables| tables.paused().map_err(fault)).await
    }

    async fn begin(&self, lane: LaneId) -> Result<Option<Attempt>, StoreError> {
        self.writer.call(move |tables| tables.begin_attempt(lane).map_err(fault)).await
    }

    async fn finish(&self, finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        let bytes = finished.acknowledgment.as_ref().map_or(0, Vec::len);
        self.writer.call_with(bytes, move |tables| tables.finish(&finished, go_on)).await
    }

    async fn unreachable(
        &self,
        lane: LaneId,
        failure: &'static str,
        next: SystemTime,
    ) -> Result<Option<EntryId>, StoreError> {
        self.writer.call(move |tables| tables.unreachable(lane, failure, next).map_err(fault)).await
    }

    async fn expire(
        &self,
        destination: &str,
        oldest: SystemTime,
        now: SystemTime,
        limit: usize,
    ) -> Result<Vec<EntryId>, StoreError> {
        let destination = destination.to_owned();
        let find = move |tables: &mut Tables| tables.too_old(&destination, oldest, limit).map_err(fault);
        let found = self.reader.call(find).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.call(move |tables| tables.expire(&found, oldest, now).map_err(fault)).await
    }

    async fn record(&self, id: EntryId) -> Result<Option<Record>, StoreError> {
        self.reader.call(move |tables| tables.record(id).map_err(fault)).await
    }

    async fn recent(&self, origin: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        let origin = origin.map(str::to_owned);
        self.reader.call(move |tables| tables.recent(origin.as_deref(), limit).map_err(fault)).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.reader.call(move |tables| tables.dead_letters(limit).map_err(fault)).await
    }

    async fn held(&self, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.reader.call(move |tables| tables.held(limit).map_err(fault)).await
    }

    async fn counts(&self) -> Result<Vec<Count>, StoreError> {
        self.reader.call(|tables| tables.counts().map_err(fault)).await
    }

    async fn attempts(&self, id: EntryId) -> Result<Vec<PastAttempt>, StoreError> {
        self.reader.call(move |tables| tables.attempts(id).map_err(fault)).await
    }

    async fn message(&self, id: EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        self.reader.call(move |tables| tables.message(id).map_err(fault)).await
    }

    async fn replay(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.writer.call(move |tables| tables.replay(id, now)).await
    }

    async fn release(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.writer.call(move |tables| tables.release(id, now)).await
    }

    async fn dead_letter(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.writer.call(move |tables| tables.dead_letter(id, now)).await
    }

    async fn hold(&self, id: EntryId) -> Result<String, StoreError> {
        self.writer.call(move |tables| tables.hold(id)).await
    }

    async fn hold_lane(&self, lane: LaneId) -> Result<Option<EntryId>, StoreError> {
        self.writer.call(move |tables| tables.hold_lane(lane)).await
    }

    async fn cancel(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.writer.call(move |tables| tables.cancel(id, now)).await
    }

    async fn prune(
        &self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let removed = self
            .writer
            .call(move |tables| tables.prune(delivered, dead_letters, limit).map_err(fault))
            .await?;
        self.give_back().await.map(|()| removed)
    }

    async fn oldest(&self, destination: &str) -> Result<Option<SystemTime>, StoreError> {
        let destination = destination.to_owned();
        self.reader.call(move |tables| tables.oldest(&destination).map_err(fault)).await
    }

    fn counters(&self) -> StoreCounters {
        self.tally.read()
    }

    async fn close(&self) {
        self.reader.end().await;
        self.writer.end().await;
    }
}
