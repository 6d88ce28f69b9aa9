use std::path::Path;

use serde_json::{Value, json};

use super::Home;
use crate::{FileError, read_json, read_limited, to_text, write_atomic, write_new};

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_are_written_whole_and_leave_nothing_beside_them() {
    let home = Home::new();
    let folder = home.dir.path().join("a/b");
    let path = folder.join("file.json");
    for content in ["first", "second, longer", ""] {
        write_atomic(&path, content.as_bytes()).unwrap();
        assert_eq!(read_limited(&path, 100).unwrap(), content.as_bytes());
        assert_eq!(entries(&folder), ["file.json"]);
    }
}

#[test]
fn a_write_that_fails_leaves_no_temporary_file_and_what_was_there() {
    let home = Home::new();
    // A folder in the way of the rename fails it after the temporary file was written.
    let target = home.dir.path().join("out/taken");
    std::fs::create_dir_all(target.join("inner")).unwrap();
    assert!(matches!(write_atomic(&target, b"x"), Err(FileError::Write { .. })));
    assert_eq!(entries(&home.dir.path().join("out")), ["taken"]);
    assert_eq!(entries(&target), ["inner"]);
    // A file in the way of the folder fails it before.
    let file = home.dir.path().join("file");
    write_atomic(&file, b"kept").unwrap();
    assert!(matches!(write_atomic(&file.join("x"), b"x"), Err(FileError::Write { .. })));
    assert!(matches!(write_atomic(Path::new("/"), b"x"), Err(FileError::Write { .. })));
    assert_eq!(read_limited(&file, 10).unwrap(), b"kept");
}

#[test]
fn a_new_file_replaces_nothing() {
    let home = Home::new();
    let path = home.dir.path().join("new");
    write_new(&path, b"one").unwrap();
    write_new(&path, b"one").unwrap();
    for other in [&b"two"[..], b"", b"one more"] {
        assert!(matches!(write_new(&path, other), Err(FileError::Exists(_))));
    }
    assert_eq!(read_limited(&path, 3).unwrap(), b"one");
    assert_eq!(entries(home.dir.path()), ["new"]);
}

#[test]
fn reading_is_limited() {
    let home = Home::new();
    let path = home.dir.path().join("file");
    write_atomic(&path, b"12345").unwrap();
    assert_eq!(read_limited(&path, 5).unwrap(), b"12345");
    let refused = read_limited(&path, 4);
    assert!(matches!(refused, Err(FileError::TooLarge { bytes_max: 4, .. })));
    let missing = read_limited(&home.dir.path().join("none"), 4);
    assert!(matches!(missing, Err(FileError::Missing(_))));
    assert!(matches!(read_limited(home.dir.path(), 4), Err(FileError::NotAFile(_))));
    assert!(matches!(read_limited(Path::new("/dev/zero"), 4), Err(FileError::NotAFile(_))));

    assert_eq!(read_json(&path, 5).unwrap(), json!(12345));
    write_atomic(&path, "[".repeat(100_000).as_bytes()).unwrap();
    assert!(matches!(read_json(&path, 1 << 20), Err(FileError::Json { .. })));
    let both = "{\n<<<<<<< HEAD\n  \"a\": 1\n=======\n  \"a\": 2\n>>>>>>> other\n}\n";
    write_atomic(&path, both.as_bytes()).unwrap();
    assert!(matches!(read_json(&path, 1 << 20), Err(FileError::Conflict(_))));
    write_atomic(&path, b"{\"a\": \"<<<<<<< HEAD\"}").unwrap();
    assert!(read_json(&path, 1 << 20).is_ok(), "text of it is no mark");
}

#[test]
fn equal_values_have_equal_text() {
    let value: Value =
        serde_json::from_str(r#"{"b": [1, {"z": null, "y": "ü"}], "a": {}, "A": 1000}"#).unwrap();
    let lines = [
        "{",
        "  \"A\": 1000,",
        "  \"a\": {},",
        "  \"b\": [",
        "    1,",
        "    {",
        "      \"y\": \"ü\",",
        "      \"z\": null",
        "    }",
        "  ]",
        "}",
        "",
    ];
    let text = lines.join("\n");
    assert_eq!(to_text(&value), text);
    assert_eq!(to_text(&serde_json::from_str(&text).unwrap()), text);
}
