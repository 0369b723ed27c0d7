//! Small file systems, which a test can fill: in memory, seen by those processes alone that run within, and gone with them.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Mounts, in surroundings that last as long as this.
pub(crate) struct SmallDisks {
    /// Holds them: it ends with its input.
    holder: Child,
}

impl SmallDisks {
    /// Mounts one of so many MiB at each of these folders. None, with a line that says why, where that is not allowed; a
    /// failure where it is required.
    pub(crate) fn mount(folders: &[PathBuf], mib: u32) -> Option<Self> {
        let script = r#"size=$0; for folder; do mkdir -p "$folder" && mount -t tmpfs -o size="$size" tmpfs "$folder" || exit 1; done; echo mounted; exec cat >/dev/null"#;
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, &format!("{mib}m")]).args(folders);
        let holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut line = String::new();
        let said = match holder {
            Ok(mut holder) => {
                let out = holder.stdout.take().expect("piped");
                let read = BufReader::new(out).read_line(&mut line);
                let disks = Self { holder };
                if read.is_ok() && line == "mounted\n" {
                    return Some(disks);
                }
                "file systems can't be mounted here (unshare, mount)".to_owned()
            }
            Err(error) => format!("unshare: {error}"),
        };
        let required = std::env::var_os("COALITION_REQUIRE_ALL").is_some_and(|value| value == "1");
        assert!(!required, "{said}");
        // Past the test runner, which would swallow it.
        let line = format!("SKIPPED, a test on a full disk: {said}\n");
        std::io::stderr().write_all(line.as_bytes()).expect("print");
        None
    }

    /// What runs a program where they are seen.
    pub(crate) fn within(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        ["nsenter", "--user", "--preserve-credentials", "--mount", "--target", &holder]
            .map(str::to_owned)
            .into()
    }

    /// The path by which a folder of theirs is reached from outside.
    pub(crate) fn outside(&self, folder: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id());
        Path::new(&root).join(folder.strip_prefix("/").expect("a path from the root"))
    }

    /// Takes all the room that a disk has left.
    pub(crate) fn fill(&self, folder: &Path) {
        let mut ballast = File::create(self.ballast(folder)).expect("room for a name");
        for piece in [vec![0; 64 * 1024], vec![0; 512], vec![0]] {
            loop {
                match ballast.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("fill a disk: {error}"),
                }
            }
        }
    }

    /// Gives it back.
    pub(crate) fn clear(&self, folder: &Path) {
        std::fs::remove_file(self.ballast(folder)).expect("it was filled");
    }

    fn ballast(&self, folder: &Path) -> PathBuf {
        self.outside(folder).join("ballast")
    }
}

impl Drop for SmallDisks {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        drop(self.holder.wait());
    }
}
