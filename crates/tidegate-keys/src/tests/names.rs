use crate::{KeyError, KeyName, KeyRef};

#[test]
fn names_are_plain_file_names() {
    let long = "a".repeat(64);
    for text in ["a", "A1", "sepolia-deployer", "ops_2.main", "0", "UTC--2026-01-01T00", &long] {
        assert_eq!(text.parse::<KeyName>().unwrap().to_string(), text);
        assert_eq!(text.parse::<KeyRef>().unwrap(), KeyRef::Own(text.parse().unwrap()));
        let foundry = format!("foundry:{text}");
        let parsed: KeyRef = foundry.parse().unwrap();
        assert_eq!(parsed, KeyRef::Foundry(text.parse().unwrap()));
        assert_eq!(parsed.to_string(), foundry);
    }
    let longer = "a".repeat(65);
    let bad = [
        "",
        ".",
        "..",
        ".hidden",
        "-rf",
        "_x",
        "a/b",
        "../a",
        "a\\b",
        "a b",
        "a:b",
        "a\0",
        "a\n",
        "é",
        "a\u{202e}b",
        "foundry:foundry:a",
        &longer,
    ];
    for text in bad {
        assert!(matches!(text.parse::<KeyName>(), Err(KeyError::Name(_))), "{text:?}");
        assert!(format!("foundry:{text}").parse::<KeyRef>().is_err(), "{text:?}");
    }
}
