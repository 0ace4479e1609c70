//! The URL id of a workflow: 128 random bits, made once and kept in the data folder.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::secret::random_hex;

/// The id of `workflow`: the one kept under `data`, or a new one that is kept from now on.
///
/// Two processes that ask at the same time get the same id: a file is linked into place whole, and only once.
pub(crate) fn of_workflow(data: &Path, workflow: &str) -> io::Result<String> {
    let folder = data.join("endpoints");
    fs::create_dir_all(&folder)?;
    let file = folder.join(workflow);
    match read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(&folder, &file)?,
        kept => return kept,
    }
    read(&file)
}

fn create(folder: &Path, file: &Path) -> io::Result<()> {
    let id = random_hex::<16>().map_err(io::Error::other)?;
    let draft = folder.join(format!(".{id}"));
    let mut file_of_draft = private_file(&draft)?;
    file_of_draft.write_all(id.as_bytes())?;
    file_of_draft.sync_all()?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.and_then(|()| fs::File::open(folder)?.sync_all()),
    }
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn read(file: &Path) -> io::Result<String> {
    let id = fs::read_to_string(file)?;
    if is_endpoint(&id) {
        return Ok(id);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the file of a workflow's URL id holds something else"))
}

/// Whether `id` can stand in a URL and is long enough not to be guessed.
pub(crate) fn is_endpoint(id: &str) -> bool {
    (22..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_once_it_is_made() {
        let data = tempfile::tempdir().unwrap();
        let id = of_workflow(data.path(), "crm").unwrap();
        assert!(is_endpoint(&id));
        assert_eq!(of_workflow(data.path(), "crm").unwrap(), id);
        assert_ne!(of_workflow(data.path(), "lab").unwrap(), id);
        let files = fs::read_dir(data.path().join("endpoints")).unwrap().count();
        assert_eq!(files, 2, "no draft is left");
    }

    #[test]
    fn many_at_once_get_the_same_id() {
        let data = tempfile::tempdir().unwrap();
        let ids: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> =
                (0..8).map(|_| scope.spawn(|| of_workflow(data.path(), "crm").unwrap())).collect();
            asked.into_iter().map(|id| id.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|two| two[0] == two[1]));
    }

    #[test]
    fn a_broken_file_is_an_error_and_not_a_new_id() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir_all(data.path().join("endpoints")).unwrap();
        fs::write(data.path().join("endpoints/crm"), "short").unwrap();
        assert!(of_workflow(data.path(), "crm").is_err());
    }
}
