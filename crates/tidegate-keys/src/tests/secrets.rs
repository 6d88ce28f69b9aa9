use std::error::Error;

use super::{ADDRESS, Home, KEY, PASSWORD, cheap, key};
use crate::keystore::Keystore;
use crate::{
    KeyRef, KeystoreError, Password, PasswordError, PasswordLines, PasswordSources, PrivateKey,
};

/// The whole chain of an error, printed both ways.
fn printed(error: &dyn Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" {error:?} {error}"));
        source = error.source();
    }
    text
}

#[test]
fn no_secret_is_printed() {
    let canary = "canary-7d1f";
    let home = Home::new();
    home.put("home/keys/k.json", cheap(canary, Some(ADDRESS)).to_string().as_bytes());
    let reference: KeyRef = "k".parse().unwrap();
    let mut lines =
        PasswordLines::from_reader(std::io::Cursor::new(format!("{canary}\n{canary}x\n")));
    let mut sources = PasswordSources { lines: Some(&mut lines), ..Default::default() };
    let unlocked = home.keys.unlock(&reference, &mut sources).unwrap();
    let wrong = home.keys.unlock(&reference, &mut sources).unwrap_err();
    let keystore = Keystore::parse(cheap(canary, None).to_string().as_bytes()).unwrap();
    let texts = [
        format!("{unlocked:?} {:?} {:?}", unlocked.signer, unlocked.password),
        format!("{sources:?} {keystore:?} {:?}", key()),
        printed(&wrong),
        printed(&PrivateKey::parse(&format!("{KEY}{canary}")).unwrap_err()),
        printed(&PrivateKey::parse(canary).unwrap_err()),
        printed(&Password::new(canary.repeat(200)).unwrap_err()),
    ];
    let key_bytes = format!("{:?}", key().bytes());
    for text in texts {
        assert!(!text.contains(canary), "{text}");
        assert!(!text.contains(&KEY[..16]), "{text}");
        assert!(!text.contains(&key_bytes[1..20]), "{text}");
        assert!(!text.contains(&format!("{:?}", canary.as_bytes())[1..20]), "{text}");
    }
}

#[test]
fn keys_are_parsed_exactly() {
    assert_eq!(PrivateKey::parse(&format!("0x{KEY}")).unwrap().bytes(), key().bytes());
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let zero = "0".repeat(64);
    let bad = ["", "0x", "0x0x", &KEY[1..], &format!("{KEY}0"), &format!(" {KEY}"), order, &zero];
    for text in bad {
        assert!(matches!(PrivateKey::parse(text), Err(KeystoreError::NotAKey)), "{text}");
    }
    assert_ne!(PrivateKey::random().unwrap().bytes(), PrivateKey::random().unwrap().bytes());
}

#[test]
fn passwords_are_read_line_by_line() {
    let long = "x".repeat(1024);
    let input = format!("first\r\n\n{long}\nwith blank \nlast");
    let mut lines = PasswordLines::from_reader(std::io::Cursor::new(input));
    for expected in ["first", "", long.as_str(), "with blank ", "last"] {
        assert_eq!(lines.next_password().unwrap().expose(), expected);
    }
    assert!(matches!(lines.next_password(), Err(PasswordError::Ended)));

    let mut lines = PasswordLines::from_reader(std::io::Cursor::new("x".repeat(1025)));
    assert!(matches!(lines.next_password(), Err(PasswordError::TooLong { bytes_max: 1024 })));
    let mut lines = PasswordLines::from_reader(&b"\xff\xfe\n"[..]);
    assert!(matches!(lines.next_password(), Err(PasswordError::NotText)));
    let endless = PasswordLines::from_reader(std::io::repeat(b'x')).next_password();
    assert!(matches!(endless, Err(PasswordError::TooLong { .. })));
}

#[cfg(target_os = "linux")]
#[test]
fn passwords_come_from_an_open_descriptor() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(format!("{PASSWORD}\nnext\n").as_bytes()).unwrap();
    drop(writer);
    let fd = u32::try_from(reader.as_raw_fd()).unwrap();
    let mut lines = PasswordLines::from_fd(fd).unwrap();
    assert_eq!(lines.next_password().unwrap().expose(), PASSWORD);
    // Nothing was taken beyond the line, so another reader finds the next.
    let mut other = PasswordLines::from_fd(fd).unwrap();
    assert_eq!(other.next_password().unwrap().expose(), "next");
    drop(reader);
    let missing = PasswordLines::from_fd(999_999);
    assert!(matches!(missing, Err(PasswordError::Descriptor { fd: 999_999, .. })));
}
