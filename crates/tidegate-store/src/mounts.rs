use std::path::Path;

/// File systems on which file locks or `mmap` do not hold between machines.
const NETWORK_FILE_SYSTEMS: [&str; 14] = [
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb2",
    "smb3",
    "smbfs",
];

/// The type of the network file system that a folder lies on; `None` if it lies on none, or the
/// system does not say (only Linux does).
pub(crate) fn network_file_system(folder: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let folder = std::fs::canonicalize(folder).ok()?;
    let kind = file_system(&mounts, folder.to_str()?)?;
    NETWORK_FILE_SYSTEMS.contains(&kind).then(|| kind.to_owned())
}

/// The type of the mount with the longest mount point that holds the path. Of equal mount points
/// the later one lies on top.
fn file_system<'a>(mountinfo: &'a str, path: &str) -> Option<&'a str> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let point = unescape(mount.split(' ').nth(4)?);
        let kind = kind.split(' ').next()?;
        Path::new(path).starts_with(&point).then_some((point.len(), kind))
    });
    mounts.max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

/// The kernel writes blanks in mount points as octal.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_decides() {
        let mountinfo = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:30 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 0:31 / /home/kim/local rw - ext4 /dev/vdb rw
32 22 0:32 / /mnt/team\\040share rw - cifs //server/share rw
33 22 0:33 / /over rw - nfs server:/a rw
34 22 0:34 / /over rw - tmpfs tmpfs rw
";
        let cases = [
            ("/srv/project", "ext4"),
            ("/home/kim/project", "nfs4"),
            ("/home/kim/local/project", "ext4"),
            ("/homes/kim", "ext4"),
            ("/mnt/team share/project", "cifs"),
            ("/over/project", "tmpfs"),
        ];
        for (path, kind) in cases {
            assert_eq!(file_system(mountinfo, path), Some(kind), "{path}");
        }
    }
}
