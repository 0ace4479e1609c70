//! File systems that a store does not stand on: known by their names, where the system tells.

use std::path::Path;

/// Files of other machines. Locks that hold only here, or not at all, and flushes that end in a cache: SQLite's log needs better.
const REMOTE: [&str; 13] = [
    "afs",
    "cifs",
    "coda",
    "davfs",
    "fuse.davfs2",
    "fuse.gcsfuse",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];
/// Files in memory.
const FLEETING: [&str; 2] = ["ramfs", "tmpfs"];

/// What the file system is to a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ground {
    Fit,
    /// On another machine.
    Remote,
    /// It does not outlive the machine's run.
    Fleeting,
}

/// What this folder lies on. Where the system does not tell, it is taken for fit.
pub(super) fn of(folder: &Path) -> Ground {
    let mounts = if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/self/mountinfo")
    } else {
        return Ground::Fit;
    };
    let mounts = mounts.unwrap_or_default();
    folder.to_str().and_then(|folder| file_system(&mounts, folder)).map_or(Ground::Fit, ground)
}

fn ground(name: &str) -> Ground {
    match name {
        name if REMOTE.contains(&name) => Ground::Remote,
        name if FLEETING.contains(&name) => Ground::Fleeting,
        _ => Ground::Fit,
    }
}

/// The name of the file system that is mounted deepest above the folder, and last there.
fn file_system<'m>(mounts: &'m str, folder: &str) -> Option<&'m str> {
    let above = mounts.lines().filter_map(mount).filter(|(place, _)| Path::new(folder).starts_with(place));
    above.max_by_key(|(place, _)| place.len()).map(|(_, name)| name)
}

/// The place and the file system's name of one line of `mountinfo`, whose optional fields end with a dash.
fn mount(line: &str) -> Option<(String, &str)> {
    let (front, back) = line.split_once(" - ")?;
    Some((unescaped(front.split(' ').nth(4)?), back.split(' ').next()?))
}

/// The kernel writes white space and backslashes as octal numbers.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:26 / /run rw,nosuid - tmpfs tmpfs rw,size=1g
41 22 0:44 /export /srv/with\\040space rw shared:2 master:1 - nfs4 host:/export rw,vers=4.2
42 41 254:2 / /srv/with\\040space/local rw - xfs /dev/vdb rw
43 22 0:50 / /mnt/far rw - fuse.sshfs user@host:/ rw
44 22 0:51 / /mnt/over rw - ext4 /dev/vdc rw
45 44 0:52 / /mnt/over rw - cifs //host/share rw
";

    #[test]
    fn the_deepest_mount_and_of_those_the_last_one_counts() {
        let found = |folder| file_system(MOUNTS, folder).map(ground);
        for (folder, expected) in [
            ("/var/lib/hl7", Ground::Fit),
            ("/run/hl7", Ground::Fleeting),
            ("/running/hl7", Ground::Fit),
            ("/srv/with space/a", Ground::Remote),
            ("/srv/with space/local", Ground::Fit),
            ("/mnt/far", Ground::Remote),
            ("/mnt/over/a", Ground::Remote),
        ] {
            assert_eq!(found(folder), Some(expected), "{folder}");
        }
        assert_eq!(file_system("", "/var"), None);
        assert_eq!(mount("not a line"), None);
    }
}
