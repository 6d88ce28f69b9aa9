use alloy_primitives::{Address, B256};
use tidegate_model::ports::DigestSigner;

use super::{ADDRESS, Home, PASSWORD, cheap, key, password};
use crate::signer::{SignFault, checked};
use crate::{KeyError, KeyName, KeyRef, KeystoreError, PasswordError};

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn own(text: &str) -> KeyRef {
    KeyRef::Own(name(text))
}

#[test]
fn a_new_key_is_kept_and_signs() {
    let home = Home::new();
    let keys = &home.keys;
    let address = keys.create(&name("deployer"), &password("pw")).unwrap();
    assert_eq!(keys.address_of(&own("deployer")).unwrap(), Some(address));
    let signer = keys.open(&own("deployer"), &password("pw")).unwrap();
    assert_eq!((signer.address(), signer.key()), (address, &own("deployer")));
    let digest = B256::repeat_byte(0x42);
    let signature = signer.sign_digest(&digest).unwrap();
    assert_eq!(signature.recover_address_from_prehash(&digest).unwrap(), address);
    assert!(signature.normalize_s().is_none());

    let wrong = keys.open(&own("deployer"), &password("pW")).unwrap_err();
    assert!(wrong.is_wrong_password(), "{wrong:?}");
    let missing = keys.open(&own("other"), &password("pw")).unwrap_err();
    assert!(matches!(missing, KeyError::Missing { .. }));
    assert!(!missing.is_wrong_password());
}

#[test]
fn nothing_is_overwritten() {
    let home = Home::new();
    home.put("home/keys/taken.json", b"whatever lies here");
    std::fs::create_dir(home.keys.home.join("keys/folder.json")).unwrap();
    for taken in ["taken", "folder"] {
        let result = home.keys.create(&name(taken), &password("pw"));
        assert!(matches!(result, Err(KeyError::Exists(_))), "{taken}");
        let result = home.keys.import(&name(taken), &key(), &password("pw"));
        assert!(matches!(result, Err(KeyError::Exists(_))), "{taken}");
    }
    let content = std::fs::read(home.keys.home.join("keys/taken.json")).unwrap();
    assert_eq!(content, b"whatever lies here");
    let empty = home.keys.import(&name("new"), &key(), &password(""));
    let expected = KeyError::Password { key: own("new"), source: PasswordError::Empty };
    assert_eq!(format!("{:?}", empty.unwrap_err()), format!("{expected:?}"));
    assert!(!home.keys.home.join("keys/new.json").exists());
}

#[cfg(unix)]
#[test]
fn files_and_folders_are_private() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let home = Home::new();
    home.keys.import(&name("mine"), &key(), &password("pw")).unwrap();
    let folder = home.keys.home.join("keys");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.keys.home), 0o700);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("mine.json")), 0o600);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    // A link that leads nowhere is in the way, too: nothing is written through it.
    symlink(home.dir.path().join("elsewhere"), folder.join("link.json")).unwrap();
    let result = home.keys.import(&name("link"), &key(), &password("pw"));
    assert!(matches!(result, Err(KeyError::Exists(_))));
    assert!(!home.dir.path().join("elsewhere").exists());

    let shared = folder.join("mine.json");
    std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o640)).unwrap();
    assert!(home.keys.list().unwrap()[0].readable_by_others);
    for mode in [0o640, 0o604, 0o666, 0o660, 0o620] {
        std::fs::set_permissions(&shared, PermissionsExt::from_mode(mode)).unwrap();
        let refused = home.keys.open(&own("mine"), &password("pw"));
        assert!(matches!(refused, Err(KeyError::Shared { .. })), "{mode:o}");
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&shared, PermissionsExt::from_mode(mode)).unwrap();
        home.keys.open(&own("mine"), &password("pw")).unwrap();
    }
}

#[test]
fn a_weak_keystore_opens_nowhere_and_can_be_imported() {
    let home = Home::new();
    let bytes =
        zeroize::Zeroizing::new(alloy_primitives::hex::decode_to_array(crate::tests::KEY).unwrap());
    let sealed =
        crate::keystore::test_support::seal(&bytes, &password(PASSWORD), &[7; 32], &[9; 16], 1);
    let mut weak = cheap(PASSWORD, None);
    weak["crypto"]["ciphertext"] = alloy_primitives::hex::encode(sealed.0).into();
    weak["crypto"]["mac"] = alloy_primitives::hex::encode(sealed.1).into();
    weak["crypto"]["kdfparams"]["n"] = 2.into();
    let text = weak.to_string();
    home.put("home/keys/mine.json", text.as_bytes());
    home.put("foundry/mine", text.as_bytes());
    for key in [own("mine"), "foundry:mine".parse().unwrap()] {
        let refused = home.keys.open(&key, &password(PASSWORD));
        assert!(matches!(refused, Err(KeyError::Weak { .. })), "{refused:?}");
    }
    home.keys.import_keystore(&name("strong"), text.as_bytes(), &password(PASSWORD)).unwrap();
    home.keys.open(&own("strong"), &password(PASSWORD)).unwrap();
}

#[test]
fn keystores_of_others_are_imported_with_our_cost() {
    let home = Home::new();
    let json = cheap(PASSWORD, None).to_string();
    let wrong = home.keys.import_keystore(&name("k"), json.as_bytes(), &password("no"));
    assert!(wrong.unwrap_err().is_wrong_password());
    let address = home.keys.import_keystore(&name("k"), json.as_bytes(), &password(PASSWORD));
    assert_eq!(address.unwrap(), ADDRESS.parse::<Address>().unwrap());
    let text = std::fs::read_to_string(home.keys.home.join("keys/k.json")).unwrap();
    assert!(text.contains("262144"), "{text}");
    home.keys.open(&own("k"), &password(PASSWORD)).unwrap();
}

#[test]
fn foundry_s_keystores_are_used_in_place() {
    let mut home = Home::new();
    home.put("foundry/dev", cheap("", None).to_string().as_bytes());
    let dev: KeyRef = "foundry:dev".parse().unwrap();
    assert_eq!(home.keys.address_of(&dev).unwrap(), None);
    let signer = home.keys.open(&dev, &password("")).unwrap();
    assert_eq!(signer.address(), ADDRESS.parse::<Address>().unwrap());
    assert!(home.keys.open(&dev, &password("x")).unwrap_err().is_wrong_password());
    home.keys.foundry_dir = None;
    let result = home.keys.open(&dev, &password(""));
    assert!(matches!(result, Err(KeyError::NoFoundryFolder(_))));
}

#[test]
fn the_list_shows_good_and_bad_keys() {
    let home = Home::new();
    assert!(home.keys.list().unwrap().is_empty());
    let keystore = cheap(PASSWORD, Some(ADDRESS)).to_string();
    home.put("home/keys/b.json", keystore.as_bytes());
    home.put("home/keys/a.json", b"{}");
    home.put("home/keys/large.json", &[b' '; 20_000]);
    home.put("home/keys/.tmp-x.json", keystore.as_bytes());
    home.put("home/keys/notes.txt", b"");
    home.put("foundry/dev", cheap(PASSWORD, None).to_string().as_bytes());
    home.put("foundry/bad name", b"");
    std::fs::create_dir(home.dir.path().join("foundry/folder")).unwrap();
    let shown: Vec<String> = home
        .keys
        .list()
        .unwrap()
        .into_iter()
        .map(|info| match info.address {
            Ok(Some(address)) => format!("{} {address:#x}", info.key),
            Ok(None) => format!("{} -", info.key),
            Err(KeyError::Keystore { source: KeystoreError::Shape(_), .. }) => {
                format!("{} shape", info.key)
            }
            Err(KeyError::Keystore { source: KeystoreError::TooLarge { .. }, .. }) => {
                format!("{} large", info.key)
            }
            Err(error) => panic!("{error:?}"),
        })
        .collect();
    let b = format!("b 0x{ADDRESS}");
    assert_eq!(shown, ["a shape", &b, "large large", "foundry:dev -"]);
}

#[test]
fn a_key_is_removed_only_by_its_address() {
    let home = Home::new();
    home.put("home/keys/k.json", cheap(PASSWORD, Some(ADDRESS)).to_string().as_bytes());
    home.put("home/keys/anonymous.json", cheap(PASSWORD, None).to_string().as_bytes());
    let address = ADDRESS.parse().unwrap();
    let result = home.keys.remove(&name("k"), Address::ZERO);
    assert!(matches!(result, Err(KeyError::NotRepeated { actual, .. }) if actual == address));
    let result = home.keys.remove(&name("anonymous"), address);
    assert!(matches!(result, Err(KeyError::NoAddress(_))));
    home.keys.address_of(&own("k")).unwrap();
    home.keys.remove(&name("k"), address).unwrap();
    let result = home.keys.remove(&name("k"), address);
    assert!(matches!(result, Err(KeyError::NothingToRemove(_))));
    assert!(
        !result.unwrap_err().hint().unwrap().contains("key new"),
        "nobody makes it to remove it"
    );
    home.keys.address_of(&own("anonymous")).unwrap();
}

#[test]
fn a_signature_that_does_not_fit_is_not_given_out() {
    use alloy::signers::SignerSync;

    let digest = B256::repeat_byte(1);
    let signer = key().signer();
    let signature = signer.sign_hash_sync(&digest).unwrap();
    let address = signer.address();
    checked(signature, &digest, address).unwrap();
    let result = checked(signature, &digest, Address::ZERO);
    assert!(matches!(result, Err(SignFault::OtherSigner)));
    let result = checked(signature, &B256::ZERO, address);
    assert!(matches!(result, Err(SignFault::OtherSigner)));
    // The other root has the same signer and is another signature.
    let order: alloy_primitives::U256 =
        "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap();
    let high =
        alloy_primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    assert_eq!(high.recover_address_from_prehash(&digest).unwrap(), address);
    assert!(matches!(checked(high, &digest, address), Err(SignFault::HighS)));
}

/// Each says what to type or to look at, and never how to make what cannot be made here.
#[test]
fn errors_say_what_to_do_next() {
    let home = Home::new();
    let foundry: KeyRef = "foundry:mine".parse().unwrap();
    let hint = |error: KeyError| error.hint().unwrap_or_default();
    let open = |key: &KeyRef| home.keys.open(key, &password("pw")).unwrap_err();
    assert!(hint(open(&own("none"))).contains("`tidegate key new none`"));
    let missing = hint(open(&foundry));
    assert!(missing.contains("cast wallet import mine") && !missing.contains("key new"));
    for text in ["no JSON", "{}", "[1]"] {
        home.put("home/keys/bad.json", text.as_bytes());
        assert!(hint(open(&own("bad"))).contains("version 3"), "{text}");
    }
    home.put("home/keys/large.json", &vec![b' '; 1 << 20]);
    assert!(hint(open(&own("large"))).contains("version 3"));
    home.keys.import(&name("mine"), &key(), &password("pw")).unwrap();
    let wrong = home.keys.open(&own("mine"), &password("pW")).unwrap_err();
    assert!(hint(wrong).contains("password that it was encrypted under"));
    let taken = home.keys.import(&name("mine"), &key(), &password("pw")).unwrap_err();
    assert!(hint(taken).contains("`tidegate key remove mine --address ADDRESS`"));
    let other = home.keys.remove(&name("mine"), Address::ZERO).unwrap_err();
    assert!(hint(other).contains("`tidegate key list`"));
}

#[cfg(unix)]
#[test]
fn a_shared_keystore_says_chmod_wherever_it_lies() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    let text = cheap(PASSWORD, None).to_string();
    for (file, key) in [("home/keys/mine.json", "mine"), ("foundry/mine", "foundry:mine")] {
        home.put(file, text.as_bytes());
        let path = home.dir.path().join(file);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let error = home.keys.open(&key.parse().unwrap(), &password(PASSWORD)).unwrap_err();
        let command = format!("chmod 600 {}", path.display());
        assert!(error.to_string().contains(&command), "{error}");
        assert_eq!(error.hint(), Some(format!("`{command}`")));
    }
}
