use alloy_primitives::{Address, B256, Signature, U256};
use tidegate_model::statement::{
    At, AuditRevocation, Body, General, NEVER, SignedStatement, Statement,
};
use tidegate_model::{BlockRef, ChainId, StatementDigest};

use super::Home;
use crate::statement_files::STRANGERS_MAX;
use crate::{
    FileError, Layout, LayoutError, StatementFileError, read_statements, to_text, write_atomic,
};

#[test]
fn paths_are_those_of_the_format() {
    let layout = Layout::new("/p");
    let hash = B256::repeat_byte(0xab);
    let hex = "ab".repeat(32);
    let owner: Address = "0x52908400098527886e0f7030069857d2e4169ee7".parse().unwrap();
    let record = "vault-1.4.0-0123abcd0123abcd-0.json";
    let paths = [
        (layout.config(), "tidegate.toml".to_owned()),
        (layout.bundle_config(), "deployments/bundle.toml".to_owned()),
        (layout.statement(StatementDigest(hash)), format!("deployments/statements/0x{hex}.json")),
        (layout.record("sepolia", record).unwrap(), format!("deployments/sepolia/{record}")),
        (layout.policy("mainnet", 3).unwrap(), "deployments/mainnet/policy-3.json".to_owned()),
        (layout.addresses("s").unwrap(), "deployments/s/addresses.json".to_owned()),
        (layout.abi("s", "Vault").unwrap(), "deployments/s/abi/Vault.json".to_owned()),
        (layout.proposal("s", hash).unwrap(), format!("deployments/s/proposals/0x{hex}.json")),
        (
            layout.proposal_signature("s", hash, owner).unwrap(),
            format!(
                "deployments/s/proposals/0x{hex}.0x52908400098527886E0F7030069857D2E4169EE7.json"
            ),
        ),
    ];
    for (path, expected) in paths {
        assert_eq!(path, std::path::Path::new("/p").join(expected));
    }
}

#[test]
fn names_cannot_leave_their_folder() {
    let layout = Layout::new("/p");
    let bad =
        ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a b", "ä", "a\0", &"a".repeat(129)];
    for name in bad {
        assert!(matches!(layout.policy(name, 1), Err(LayoutError::Network(_))), "{name}");
        assert!(matches!(layout.abi("s", name), Err(LayoutError::File(_))), "{name}");
        let record = format!("{name}/../-0123abcd0123abcd-0.json");
        assert!(matches!(layout.record("s", &record), Err(LayoutError::File(_))), "{name}");
    }
    for name in ["statements", "Statements"] {
        assert!(matches!(layout.network_dir(name), Err(LayoutError::Network(_))), "{name}");
    }
    for name in ["addresses.json", "policy-1.json", "v-0123abc-0.json", "v-0123ABCD-0.json"] {
        assert!(matches!(layout.record("s", name), Err(LayoutError::File(_))), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_refused() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    let elsewhere = home.dir.path().join("elsewhere");
    write_atomic(&elsewhere.join("abi/Vault.json"), b"{}").unwrap();
    let links = [
        "tidegate.toml",
        "deployments",
        "deployments/s",
        "deployments/s/abi",
        "deployments/s/abi/Vault.json",
        "deployments/statements",
        "deployments/s/proposals/x",
    ];
    for link in links {
        let root = home.dir.path().join("project");
        let layout = Layout::new(&root);
        write_atomic(&layout.addresses("other").unwrap(), b"{}").unwrap();
        write_atomic(&layout.config(), b"").unwrap();
        layout.refuse_links().unwrap();
        let path = root.join(link);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        drop(std::fs::remove_file(&path));
        drop(std::fs::remove_dir_all(&path));
        symlink(&elsewhere, &path).unwrap();
        let error = layout.refuse_links().unwrap_err();
        assert!(matches!(&error, FileError::Link(at) if *at == path), "{link}: {error:?}");
        std::fs::remove_dir_all(&root).unwrap();
    }
    let store = home.dir.path().join("own/store.db");
    symlink(&elsewhere, home.dir.path().join("own")).unwrap();
    assert!(crate::Store::open(&store).is_err(), "a folder that is a link");
    assert!(!elsewhere.join("store.db").exists());
}

#[test]
fn listings_tell_the_files_apart() {
    let home = Home::new();
    let layout = Layout::new(home.dir.path());
    assert_eq!(layout.networks().unwrap(), [""; 0]);
    assert_eq!(layout.records("sepolia").unwrap().len(), 0);
    let (hash, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let owner = Address::repeat_byte(7);
    let files = [
        layout.record("sepolia", "vault-1.4.0-0123abcd0123abcd-0.json").unwrap(),
        layout.record("sepolia", "policy-1.0-0123abcd0123abcd-12.json").unwrap(),
        layout.policy("sepolia", 10).unwrap(),
        layout.policy("sepolia", 9).unwrap(),
        layout.addresses("sepolia").unwrap(),
        layout.proposal("sepolia", hash).unwrap(),
        layout.proposal("sepolia", other).unwrap(),
        layout.proposal_signature("sepolia", hash, owner).unwrap(),
        layout.network_dir("sepolia").unwrap().join("policy-09.json"),
        layout.network_dir("sepolia").unwrap().join(".tmp-vault-1.4.0-0123abcd0123abcd-1.json"),
        layout.abi("base", "Vault").unwrap(),
        layout.statement(StatementDigest(hash)),
    ];
    for file in &files {
        write_atomic(file, b"{}").unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        &files[0],
        layout.record("sepolia", "v-0123abcd0123abcd-5.json").unwrap(),
    )
    .unwrap();
    assert_eq!(layout.networks().unwrap(), ["base", "sepolia"]);
    assert_eq!(layout.records("sepolia").unwrap(), [files[1].clone(), files[0].clone()]);
    let policies = [(9, files[3].clone()), (10, files[2].clone())];
    assert_eq!(layout.policies("sepolia").unwrap(), policies);
    let proposals = [(hash, files[5].clone()), (other, files[6].clone())];
    assert_eq!(layout.proposals("sepolia").unwrap(), proposals);
    let signatures = [(owner, files[7].clone())];
    assert_eq!(layout.proposal_signatures("sepolia", hash).unwrap(), signatures);
    assert_eq!(layout.proposal_signatures("sepolia", other).unwrap(), []);
}

fn statement(detail: &str) -> SignedStatement {
    statement_by(Address::ZERO, detail)
}

fn statement_by(signer: Address, detail: &str) -> SignedStatement {
    let revocation = AuditRevocation {
        attestation: StatementDigest(B256::ZERO),
        reason: 1,
        detail: detail.to_owned(),
    };
    let statement = Statement::Statement(General {
        signer,
        project: None,
        body: Body::AuditRevoke(revocation),
        at: At::new(ChainId(1), BlockRef { number: 1, hash: B256::repeat_byte(1) }),
        issued_at: 7,
        expires_at: NEVER,
    });
    let signature = Signature::new(U256::from(1), U256::from(2), false);
    SignedStatement::by_key(statement, signature)
}

#[test]
fn one_bad_statement_file_hides_no_other() {
    let home = Home::new();
    let layout = Layout::new(home.dir.path());
    let known = |signer: Address| signer == Address::ZERO;
    assert!(read_statements(&layout, known).unwrap().read.is_empty());
    let signed = statement("right");
    let text = to_text(&serde_json::to_value(&signed).unwrap());
    let digest = signed.statement.digest().unwrap();
    let moved = StatementDigest(B256::ZERO);
    let large = StatementDigest(B256::repeat_byte(0xfe));
    let junk = StatementDigest(B256::repeat_byte(0xff));
    let folder = layout.statements_dir();
    write_atomic(&layout.statement(digest), text.as_bytes()).unwrap();
    write_atomic(&layout.statement(moved), text.as_bytes()).unwrap();
    write_atomic(&layout.statement(large), " ".repeat(2 << 20).as_bytes()).unwrap();
    write_atomic(&layout.statement(junk), b"{\"v\": 1}").unwrap();
    write_atomic(&folder.join("README.md"), b"").unwrap();
    write_atomic(&folder.join(format!("{}.json", "0".repeat(64))), text.as_bytes()).unwrap();
    write_atomic(&folder.join(".tmp-x"), b"").unwrap();

    let read = read_statements(&layout, known).unwrap().read;
    assert_eq!(read.len(), 6);
    for (path, result) in read {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match result {
            Ok(file) => {
                assert_eq!((name, file.digest), (digest.to_string(), digest));
                assert_eq!(file.signed, signed);
                assert_eq!(to_text(&file.json), text);
            }
            Err(StatementFileError::Digest { named, actual }) => {
                assert_eq!((name, named, actual), (moved.to_string(), moved, digest));
            }
            Err(StatementFileError::File(FileError::TooLarge { .. })) => {
                assert_eq!(name, large.to_string());
            }
            Err(StatementFileError::Shape(_)) => assert_eq!(name, junk.to_string()),
            Err(StatementFileError::Name) => assert!(["README", &"0".repeat(64)].contains(&&*name)),
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn what_strangers_leave_hides_nothing_and_is_read_once_they_are_known() {
    let home = Home::new();
    let layout = Layout::new(home.dir.path());
    let (known, stranger) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let write = |signer, detail: &str| {
        let signed = statement_by(signer, detail);
        let digest = signed.statement.digest().unwrap();
        let text = to_text(&serde_json::to_value(&signed).unwrap());
        write_atomic(&layout.statement(digest), text.as_bytes()).unwrap();
        digest
    };
    let more = 5;
    for number in 0..STRANGERS_MAX + more {
        write(stranger, &number.to_string());
    }
    let ours = write(known, "ours");
    let by = |key: Address, known: Address| {
        let files = read_statements(&layout, |signer| signer == known).unwrap();
        let read = files.read.into_iter().map(|(_, read)| read.unwrap());
        let read: Vec<_> = read.filter(|file| file.signed.signer() == key).collect();
        (read.into_iter().map(|file| file.digest).collect::<Vec<_>>(), files.strangers)
    };
    assert_eq!(by(known, known), (vec![ours], more));
    assert_eq!(by(stranger, known).0.len(), STRANGERS_MAX);
    assert_eq!(by(stranger, stranger).0.len(), STRANGERS_MAX + more, "they joined");

    // What does not say who signed it is read, and so named.
    let file = layout.statements_dir().join(format!("{}.json", B256::repeat_byte(9)));
    let twice = "{\"statement\":{\"message\":{\"signer\":\"0x00\",\"signer\":\"0x01\"}}}";
    write_atomic(&file, twice.as_bytes()).unwrap();
    let files = read_statements(&layout, |signer| signer == known).unwrap();
    assert!(files.read.iter().any(|(path, read)| *path == file && read.is_err()));
}
