use std::cell::RefCell;

use alloy_primitives::Address;

use super::{ADDRESS, Home, PASSWORD, cheap, password};
use crate::{
    KeyError, KeyRef, Password, PasswordError, PasswordFrom, PasswordLines, PasswordRequest,
    PasswordSources, PasswordVault, Purpose, VaultError, VaultProblem, choose_password,
};

/// A vault that gives one answer.
enum Vault {
    Has(&'static str),
    Empty,
    Locked,
}

impl PasswordVault for Vault {
    fn get(&self, address: Address) -> Result<Option<Password>, VaultError> {
        assert_eq!(address, ADDRESS.parse::<Address>().unwrap());
        match self {
            Self::Has(text) => Ok(Some(password(text))),
            Self::Empty => Ok(None),
            Self::Locked => Err(VaultError::TimedOut { op: "read", secs: 60 }),
        }
    }

    fn set(&self, _: Address, _: &Password) -> Result<(), VaultError> {
        unreachable!("unlocking keeps nothing")
    }

    fn delete(&self, _: Address) -> Result<(), VaultError> {
        unreachable!("unlocking deletes nothing")
    }
}

fn key() -> KeyRef {
    "k".parse().unwrap()
}

/// Unlocks with what is there, and says how: the source and the number of questions.
fn check(
    address: Option<&str>,
    lines: Option<&'static str>,
    vault: Option<Vault>,
    answers: Option<&[&str]>,
) -> (Result<(PasswordFrom, Option<VaultProblem>), KeyError>, u32) {
    let home = Home::new();
    home.put("home/keys/k.json", cheap(PASSWORD, address).to_string().as_bytes());
    let mut lines = lines.map(|text| PasswordLines::from_reader(text.as_bytes()));
    let asked = RefCell::new(0);
    let mut ask = |request: &PasswordRequest<'_>| {
        *asked.borrow_mut() += 1;
        assert_eq!((request.purpose, request.key), (Purpose::Open, &key()));
        assert_eq!(request.attempt, *asked.borrow());
        let answer = answers.and_then(|a| a.get(request.attempt as usize - 1));
        answer.map(|text| password(text)).ok_or(PasswordError::Ended)
    };
    let vault: Option<Box<dyn PasswordVault>> = vault.map(|v| Box::new(v) as _);
    let mut sources = PasswordSources {
        lines: lines.as_mut(),
        vault: vault.as_deref(),
        ask: answers.is_some().then_some(&mut ask),
    };
    let result = home.keys.unlock(&key(), &mut sources);
    let result = result.map(|unlocked| {
        assert_eq!(unlocked.password.expose(), PASSWORD);
        (unlocked.from, unlocked.vault_problem)
    });
    let count = *asked.borrow();
    (result, count)
}

#[test]
fn sources_are_tried_in_order() {
    use PasswordFrom::{Lines, Person, Vault as FromVault};
    use Vault::{Empty, Has, Locked};

    let named = Some(ADDRESS);
    let right: Option<&[&str]> = Some(&[PASSWORD]);
    let third: Option<&[&str]> = Some(&["a", "b", PASSWORD]);
    let cases = [
        (named, Some("testpassword\n"), Some(Has("wrong")), right, Lines, false, 0),
        (named, None, Some(Has(PASSWORD)), right, FromVault, false, 0),
        (named, None, Some(Has(PASSWORD)), None, FromVault, false, 0),
        (named, None, Some(Has("stale")), right, Person, true, 1),
        (named, None, Some(Locked), right, Person, true, 1),
        (named, None, Some(Empty), right, Person, false, 1),
        (named, None, None, third, Person, false, 3),
        // Without an address there is no entry to look for.
        (None, None, Some(Has(PASSWORD)), right, Person, false, 1),
    ];
    for (number, (address, lines, vault, answers, from, problem, asked)) in
        cases.into_iter().enumerate()
    {
        let (result, count) = check(address, lines, vault, answers);
        let (used, vault_problem) = result.unwrap();
        let found = (used, vault_problem.is_some(), count);
        assert_eq!(found, (from, problem, asked), "case {number}");
    }
}

#[test]
fn without_the_password_there_is_no_key() {
    let named = Some(ADDRESS);
    let (result, asked) = check(named, Some("wrong\n"), None, Some(&[PASSWORD]));
    assert!(result.unwrap_err().is_wrong_password() && asked == 0);
    let (result, _) = check(named, Some(""), Some(Vault::Has(PASSWORD)), Some(&[PASSWORD]));
    let ended = matches!(result, Err(KeyError::Password { source: PasswordError::Ended, .. }));
    assert!(ended);
    let (result, asked) = check(named, None, None, Some(&["a", "b", "c", PASSWORD]));
    assert!(result.unwrap_err().is_wrong_password() && asked == 3);
    let (result, asked) = check(named, None, None, Some(&["a"]));
    let ended = matches!(result, Err(KeyError::Password { source: PasswordError::Ended, .. }));
    assert!(ended && asked == 2);
    let (result, _) = check(named, None, None, None);
    assert!(matches!(result, Err(KeyError::NoPassword { vault: None, .. })));
    let (result, _) = check(named, None, Some(Vault::Has("stale")), None);
    let stale = Some(VaultProblem::Stale(ADDRESS.parse().unwrap()));
    match result {
        Err(KeyError::NoPassword { vault, .. }) => {
            assert_eq!(format!("{vault:?}"), format!("{stale:?}"));
        }
        result => panic!("{result:?}"),
    }
}

#[test]
fn a_new_password_is_entered_twice() {
    let check = |answers: &[&str]| {
        let mut given = Vec::new();
        let mut ask = |request: &PasswordRequest<'_>| {
            given.push(request.purpose);
            Ok(password(answers[given.len() - 1]))
        };
        let mut sources = PasswordSources { ask: Some(&mut ask), ..Default::default() };
        let result = choose_password(&key(), &mut sources);
        assert_eq!(given, [Purpose::Choose, Purpose::Repeat]);
        result
    };
    assert_eq!(check(&["new", "new"]).unwrap().expose(), "new");
    let refused = |result| match result {
        Err(KeyError::Password { source, .. }) => format!("{source:?}"),
        result => panic!("{result:?}"),
    };
    assert_eq!(refused(check(&["new", "neu"])), "Differ");
    assert_eq!(refused(check(&["new", "newer"])), "Differ");
    assert_eq!(refused(check(&["", ""])), "Empty");

    let mut lines = PasswordLines::from_reader(&b"from the pipe\n"[..]);
    let mut sources = PasswordSources { lines: Some(&mut lines), ..Default::default() };
    assert_eq!(choose_password(&key(), &mut sources).unwrap().expose(), "from the pipe");
    assert_eq!(refused(choose_password(&key(), &mut sources)), "Ended");
    let nothing = choose_password(&key(), &mut PasswordSources::default());
    assert!(matches!(nothing, Err(KeyError::NoPassword { .. })));
}
