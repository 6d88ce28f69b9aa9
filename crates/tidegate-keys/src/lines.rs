use std::fmt;
use std::fs::File;
use std::io::Read;

use zeroize::Zeroizing;

use crate::secret::{PASSWORD_BYTES_MAX, Password, PasswordError, text_of};

/// Passwords from a file descriptor or another reader, one a line. A command that opens several
/// keys takes a line for each, in the order in which it opens them.
pub struct PasswordLines {
    fd: Option<u32>,
    input: Box<dyn Read + Send>,
}

impl PasswordLines {
    /// Opens the file descriptor that the caller of this program left open (`--password-fd N`).
    ///
    /// A pipe, a file or a terminal works; other programs' sockets do not, except as standard
    /// input. A regular file is read from its start. A named pipe must still have its writer.
    ///
    /// # Errors
    /// [`PasswordError::Descriptor`] if there is no such descriptor.
    pub fn from_fd(fd: u32) -> Result<Self, PasswordError> {
        let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
        match File::open(format!("{folder}/{fd}")) {
            Ok(file) => Ok(Self { fd: Some(fd), input: Box::new(file) }),
            Err(_) if fd == 0 => Ok(Self { fd: Some(fd), input: Box::new(std::io::stdin()) }),
            Err(source) => Err(PasswordError::Descriptor { fd, source }),
        }
    }

    /// Reads from anything else.
    #[cfg(test)]
    pub(crate) fn from_reader(input: impl Read + Send + 'static) -> Self {
        Self { fd: None, input: Box::new(input) }
    }

    /// The next line, without its end (`\n` or `\r\n`). It may be empty.
    ///
    /// # Errors
    /// [`PasswordError::Ended`] if there is no further line, [`PasswordError::TooLong`],
    /// [`PasswordError::NotText`], or the failure to read.
    pub(crate) fn next_password(&mut self) -> Result<Password, PasswordError> {
        // All at once, so that no reallocation leaves a copy behind; and byte by byte, so that
        // no buffer keeps the next password or what belongs to another reader of the pipe.
        let mut line = Zeroizing::new(Vec::with_capacity(PASSWORD_BYTES_MAX + 2));
        let mut byte = Zeroizing::new([0_u8]);
        loop {
            let ended = match self.input.read(byte.as_mut_slice()) {
                Ok(count) => count == 0,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(self.failure(source)),
            };
            if ended && line.is_empty() {
                return Err(PasswordError::Ended);
            }
            if ended || byte[0] == b'\n' {
                break;
            }
            if line.len() > PASSWORD_BYTES_MAX {
                return Err(PasswordError::TooLong { bytes_max: PASSWORD_BYTES_MAX });
            }
            line.push(byte[0]);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Password::new(text_of(std::mem::take(&mut *line))?)
    }

    fn failure(&self, source: std::io::Error) -> PasswordError {
        match self.fd {
            Some(fd) => PasswordError::Descriptor { fd, source },
            None => PasswordError::Input(source),
        }
    }
}

impl fmt::Debug for PasswordLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordLines").field("fd", &self.fd).finish_non_exhaustive()
    }
}
