//! Who is in the demo. Each has a home of their own with their keys.

use std::path::Path;
use std::thread;

use alloy_primitives::hex;
use tidegate_testkit::{Env, Person, TestkitError, actor};

use crate::error::XtaskResult;
use crate::terminal::say;

/// Keys are stretched with 256 MiB each; this many at once.
const IMPORTS_AT_ONCE: usize = 2;

/// Everybody who types commands.
#[derive(Debug)]
pub(super) struct People {
    /// Protocol engineer, with the testnet's deployer key.
    pub(super) eva: Person,
    /// Treasurer, with the testnet treasury's key.
    pub(super) kim: Person,
    /// Operations, with the key that pays gas on mainnet.
    pub(super) ops: Person,
    /// Auditor at Acme.
    pub(super) ada: Person,
    /// Auditor at Bolt.
    pub(super) bo: Person,
    /// The Safe's owners.
    pub(super) owners: [Person; 3],
}

/// Gives everybody a home, and has the binary import their keys.
pub(super) fn gather(env: &Env, folder: &Path) -> XtaskResult<People> {
    let homes = folder.join("homes");
    let person = |name: &str| Person::new(env, name, homes.join(name));
    let people = People {
        eva: person("eva"),
        kim: person("kim"),
        ops: person("ops"),
        ada: person("ada"),
        bo: person("bo"),
        owners: ["o1", "o2", "o3"].map(person),
    };
    let [o1, o2, o3] = &people.owners;
    let keys = [
        (&people.eva, "deployer", "deployer"),
        (&people.kim, "treasury", "treasury"),
        (&people.ops, "relayer", "relayer"),
        (&people.ada, "ada", "ada"),
        (&people.bo, "bo", "bo"),
        (o1, "owner", "o1"),
        (o2, "owner", "o2"),
        (o3, "owner", "o3"),
    ];
    for some in keys.chunks(IMPORTS_AT_ONCE) {
        thread::scope(|scope| {
            let running: Vec<_> = some
                .iter()
                .map(|(person, key, secret)| scope.spawn(|| import(person, key, secret)))
                .collect();
            running.into_iter().try_for_each(|one| one.join().expect("an import does not panic"))
        })?;
    }
    say("Eight people have imported their keys, each into a home of their own.");
    Ok(people)
}

/// The key's digits lie in a file only as long as it takes.
fn import(person: &Person, key: &str, secret: &str) -> Result<(), TestkitError> {
    let digits = hex::encode(actor(secret).to_bytes());
    let file = person.home().join(format!("{key}.hex"));
    let fail = |source| TestkitError::Write { path: file.clone(), source };
    std::fs::create_dir_all(person.home()).map_err(fail)?;
    #[expect(clippy::disallowed_methods, reason = "a file that is removed at once")]
    std::fs::write(&file, digits).map_err(fail)?;
    let from = file.to_string_lossy();
    person.run(&["key", "import", key, "--from", &from, "--password-fd", "0"])?.expect_code(0)?;
    std::fs::remove_file(&file).map_err(fail)
}
