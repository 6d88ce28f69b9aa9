//! What a command line and standard output are made of: words that are none, a full disk, a closed
//! pipe.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Output;

use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            a_result_that_cannot_be_written_is_an_error,
            a_word_that_is_not_utf_8_is_a_usage_error;
    }
}

/// Takes no byte.
const FULL: &str = "/dev/full";

fn a_result_that_cannot_be_written_is_an_error(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    for args in [&["build", "--json"][..], &["build"], &["key", "list", "--json"], &["--help"]] {
        let mut command = eva.command(args);
        command.stdout(File::options().write(true).open(FULL)?);
        let done = command.output()?;
        assert_eq!(done.status.code(), Some(3), "{args:?}: {done:?}");
        assert_eq!(errors(&done), 1, "{args:?}: {done:?}");

        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let mut command = eva.command(args);
        command.stdout(writer);
        let done = command.output()?;
        assert_eq!((done.status.code(), errors(&done)), (Some(0), 0), "{args:?}: {done:?}");
    }
    Ok(())
}

fn a_word_that_is_not_utf_8_is_a_usage_error(scene: &Scene<'_>) -> Outcome {
    let word = OsStr::from_bytes(b"a\xff\xfe");
    for args in [&["build"][..], &["build", "--project"], &["key", "new"], &["build", "--"]] {
        let done = scene.person("eva").command(args).arg(word).output()?;
        assert_eq!((done.status.code(), errors(&done)), (Some(2), 1), "{args:?}: {done:?}");
        assert!(!String::from_utf8_lossy(&done.stderr).contains("panicked"), "{done:?}");
    }
    Ok(())
}

fn errors(done: &Output) -> usize {
    let said = String::from_utf8_lossy(&done.stderr);
    said.lines().filter(|line| line.starts_with("error: ")).count()
}
