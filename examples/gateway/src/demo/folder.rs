//! The demo's folder: its files, its outbox, and a mark that says that it is one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::gateway::make_private;
use crate::secret::{Secret, random_hex};

/// Marks a folder as the demo's own.
const MARK: &str = "this-is-a-demo";

const FILES: [(&str, &str); 6] = [
    (MARK, ""),
    ("gateway.yaml", include_str!("../../demo/gateway.yaml")),
    ("crm-to-adt.yaml", include_str!("../../demo/crm-to-adt.yaml")),
    ("payload.json", super::PAYLOAD),
    ("adt-a03.hl7", super::SAME_PATIENT),
    ("adt-a01.hl7", super::OTHER_PATIENT),
];

/// Writes the demo's files into its folder; ones that are there stay as they are. A folder with anything else in it is refused: the demo's
/// EHR accepts everything, and would take a real outbox's messages.
pub(super) fn lay_out(data: Option<PathBuf>, secret: &Secret) -> Result<PathBuf, Failure> {
    let folder = match data {
        Some(folder) => folder,
        None => std::env::temp_dir().join(format!("hl7-gateway-demo-{}", random_hex::<4>()?)),
    };
    make_private(&folder)?;
    if !folder.join(MARK).is_file() && fs::read_dir(&folder)?.next().is_some() {
        let text = "holds something else; give the demo a new folder, or one that an earlier demo made";
        return Err(format!("error[G024]: {} {text}", folder.display()).into());
    }
    for (name, text) in FILES {
        write_new(&folder.join(name), text)?;
    }
    let secrets = folder.join("webhook.secrets");
    match fs::remove_file(&secrets) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why.into()),
        _ => write_new(&secrets, &format!("{}\n", secret.hash()))?,
    }
    Ok(folder)
}

/// Writes a file for its owner alone, unless it is there.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(mut new) => io::Write::write_all(&mut new, text.as_bytes()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why),
    }
}
