//! A disk that is watched, and that fails when it is told to: `disk.c`, preloaded into a child process.
//!
//! What the child wrote, flushed and said can be put together again as it would stand after a loss of power at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const SECTOR: usize = 512;

/// The library, compiled once; `None` where that cannot be done, which is said.
pub(crate) fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
        let compiled = cfg!(target_os = "linux") && compiler.status().is_ok_and(|status| status.success());
        compiled.then_some((folder, library))
    });
    if library.is_none() {
        crate::steps::tell("skipped: no library can be preloaded here");
        assert!(std::env::var_os("HL7_REQUIRE_SERVICES").is_none(), "a disk that fails is required");
    }
    library.as_ref().map(|(_, library)| library.as_path())
}

/// The environment of a child whose files in the store's folder are on such a disk.
pub(crate) fn environment(
    library: &Path,
    store: &Path,
    faults: &[(&'static str, String)],
) -> Vec<(&'static str, String)> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let folder = std::fs::canonicalize(store.parent().unwrap()).unwrap();
    let mut environment = vec![("LD_PRELOAD", text(library)), ("DISK_FOLDER", text(&folder))];
    environment.extend(faults.iter().cloned());
    environment
}

/// One thing that the child did.
enum Act {
    Create,
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate(usize),
    Flush,
    Unlink,
    Rename(String),
    /// What was created, renamed and unlinked is durable.
    FlushFolder,
    Say(String),
}

/// All that the child did, in its order.
pub(crate) struct Journal(Vec<(String, Act)>);

impl Journal {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        let mut acts = Vec::new();
        while let Some(act) = next_act(&mut rest) {
            acts.push(act);
        }
        Self(acts)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The same of a program that flushes nothing.
    pub(crate) fn without_flushes(mut self) -> Self {
        self.0.retain(|(_, act)| !matches!(act, Act::Flush | Act::FlushFolder));
        self
    }

    /// What had been said before the power was lost.
    pub(crate) fn said(&self, before: usize) -> impl Iterator<Item = &str> {
        self.0[..before].iter().filter_map(|(_, act)| match act {
            Act::Say(line) => Some(line.as_str()),
            _ => None,
        })
    }

    /// The files as they may stand after the power was lost there. What was flushed is there; of all else each sector, length and name is there or not.
    pub(crate) fn after_cut(&self, before: usize, rng: &mut fastrand::Rng) -> BTreeMap<String, Vec<u8>> {
        let mut disk = Disk::default();
        self.0[..before].iter().for_each(|(name, act)| disk.apply(name, act));
        disk.cut(rng)
    }
}

fn next_act(rest: &mut &[u8]) -> Option<(String, Act)> {
    let what = *take(rest, 1)?.first()?;
    let letters = number(take(rest, 4)?);
    let name = String::from_utf8(take(rest, letters)?.to_vec()).unwrap();
    let at = number(take(rest, 8)?);
    let length = number(take(rest, 4)?);
    let bytes = take(rest, length)?.to_vec();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let act = match what {
        b'c' => Act::Create,
        b'w' => Act::Write { at, bytes },
        b't' => Act::Truncate(at),
        b's' => Act::Flush,
        b'd' => Act::FlushFolder,
        b'u' => Act::Unlink,
        b'r' => Act::Rename(text(bytes)),
        b'm' => Act::Say(text(bytes).trim_start_matches("> ").trim_end().to_owned()),
        other => panic!("an unknown act: {other}"),
    };
    Some((name, act))
}

/// The next bytes; `None` when the child was killed in the middle of them.
fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

/// A file: what is durable of it, and what was done since.
#[derive(Default, Clone)]
struct Tracked {
    durable: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Tracked {
    fn flush(&mut self) {
        for change in std::mem::take(&mut self.since) {
            make(&mut self.durable, &change, |_| true);
        }
    }

    /// Its content when each sector that was not flushed is there by chance. Writes may have reached the disk in any order, and in part.
    fn cut(&self, rng: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        // All, nothing and everything between.
        let odds = [0.0, 0.1, 0.5, 0.9, 1.0][rng.usize(0..5)];
        for change in &self.since {
            make(&mut bytes, change, |_| rng.f64() < odds);
        }
        bytes
    }
}

fn make(bytes: &mut Vec<u8>, change: &Change, mut reaches: impl FnMut(usize) -> bool) {
    match change {
        Change::Length(length) => {
            if reaches(0) {
                bytes.resize(*length, 0);
            }
        }
        Change::Write(at, written) => {
            let mut done = 0;
            while done < written.len() {
                let start = at + done;
                let end = (start / SECTOR + 1) * SECTOR;
                let length = (end - start).min(written.len() - done);
                if reaches(start / SECTOR) {
                    bytes.resize(bytes.len().max(start + length), 0);
                    bytes[start..start + length].copy_from_slice(&written[done..done + length]);
                }
                done += length;
            }
        }
    }
}

/// Names and files. A name that was made or removed is durable with the folder.
#[derive(Default)]
struct Disk {
    files: Vec<Tracked>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
}

impl Disk {
    fn apply(&mut self, name: &str, act: &Act) {
        match act {
            Act::Say(_) => {}
            Act::FlushFolder => self.durable_names = self.names.clone(),
            Act::Unlink => drop(self.names.remove(name)),
            Act::Rename(to) => {
                let file = self.file(name);
                self.names.remove(name);
                self.names.insert(to.clone(), file);
            }
            Act::Create => {
                self.names.remove(name);
                self.file(name);
            }
            Act::Write { at, bytes } => self.change(name, Change::Write(*at, bytes.clone())),
            Act::Truncate(length) => self.change(name, Change::Length(*length)),
            Act::Flush => {
                let file = self.file(name);
                self.files[file].flush();
            }
        }
    }

    fn change(&mut self, name: &str, change: Change) {
        let file = self.file(name);
        self.files[file].since.push(change);
    }

    fn file(&mut self, name: &str) -> usize {
        *self.names.entry(name.to_owned()).or_insert_with(|| {
            self.files.push(Tracked::default());
            self.files.len() - 1
        })
    }

    fn cut(&self, rng: &mut fastrand::Rng) -> BTreeMap<String, Vec<u8>> {
        let all: BTreeSet<&String> = self.names.keys().chain(self.durable_names.keys()).collect();
        let pick = |name: &&String, rng: &mut fastrand::Rng| {
            let (now, before) = (self.names.get(*name), self.durable_names.get(*name));
            if now == before || rng.bool() { now.copied() } else { before.copied() }
        };
        let mut left = BTreeMap::new();
        for name in all {
            if let Some(file) = pick(&name, rng) {
                left.insert(name.clone(), self.files[file].cut(rng));
            }
        }
        left
    }
}

#[test]
fn what_was_not_flushed_is_there_by_chance_and_what_was_flushed_always() {
    let write = |at, byte: u8| Act::Write { at, bytes: vec![byte; 1024] };
    let acts = [Act::Create, write(0, 1), Act::Flush, Act::FlushFolder, write(512, 2), Act::Truncate(1024)];
    let journal = Journal(acts.into_iter().map(|act| ("a".to_owned(), act)).collect());
    let mut rng = fastrand::Rng::with_seed(1);
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        let file = journal.after_cut(6, &mut rng).remove("a").unwrap();
        assert!(file[..512].iter().all(|byte| *byte == 1));
        seen.insert((file[512], file.get(1024).copied()));
    }
    let expected = [(1, None), (1, Some(2)), (2, None), (2, Some(2))];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    assert!(journal.after_cut(3, &mut rng).get("a").is_none_or(|file| file.len() == 1024));
}
