//! Standard output. A result that cannot be written is an error, unless nobody reads any more.

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_app::error::{AppError, AppResult};

/// Standard output, and why it took no more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    failure: Arc<Mutex<Option<String>>>,
}

impl Output {
    /// Writes text as it is. After a failure nothing more is written.
    pub(crate) fn write(&self, text: &str) {
        self.write_to(&mut io::stdout().lock(), text);
    }

    fn write_to(&self, out: &mut impl Write, text: &str) {
        if self.failure().is_none() {
            self.keep(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        }
    }

    /// Remembers how writing ended. Who closes a pipe has read enough.
    pub(crate) fn keep(&self, written: io::Result<()>) {
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => self.fail(error.to_string()),
            _ => {}
        }
    }

    /// Remembers why there is no result.
    pub(crate) fn fail(&self, why: String) {
        self.failure().get_or_insert(why);
    }

    /// Whether all of it could be written.
    ///
    /// # Errors
    /// Why not, if it could not.
    pub(crate) fn written(&self) -> AppResult {
        match self.failure().as_ref() {
            None => Ok(()),
            Some(why) => {
                let text = format!("cannot write the result to standard output: {why}");
                Err(AppError::config(text)
                    .hint("what was signed, sent or stored by then stands; only the output is cut"))
            }
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then fails.
    struct Full {
        room: usize,
        kind: ErrorKind,
        taken: Vec<u8>,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room - self.taken.len());
            if fits == 0 {
                return Err(self.kind.into());
            }
            self.taken.extend(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_cut_is_an_error_but_a_closed_pipe_is_none() {
        for (room, kind, is_whole) in [
            (6, ErrorKind::StorageFull, true),
            (4, ErrorKind::StorageFull, false),
            (0, ErrorKind::StorageFull, false),
            (4, ErrorKind::BrokenPipe, true),
        ] {
            let output = Output::default();
            let mut out = Full { room, kind, taken: Vec::new() };
            output.clone().write_to(&mut out, "result");
            assert_eq!(output.written().is_ok(), is_whole, "{room} {kind:?}");
            out.room += 100;
            let before = out.taken.len();
            output.write_to(&mut out, "more");
            assert_eq!(out.taken.len() > before, is_whole, "nothing follows what is cut");
        }
    }
}
