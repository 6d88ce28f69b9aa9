//! What a case works with: the chains, a project folder of its own, and the people.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use alloy_primitives::{Address, U64, U256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{
    Anvil, Binary, COMPILER, DAY_SECS, Env, GENESIS_TIMESTAMP, HOUR_SECS, Person, Ran, Tools,
    World, actor_address, networks_toml, split_words,
};

use super::{Outcome, Status, files, json_text, said};

/// The chains and a folder of one's own.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) world: &'a World,
    pub(crate) env: Env,
    folder: PathBuf,
}

impl<'a> Scene<'a> {
    /// A scene in a folder that holds `project` and `homes`.
    pub(crate) fn open(tools: &'a Tools, world: &'a World, folder: &Path) -> Result<Self, Failed> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let variables = [
            ("PATH", text(tools.node.parent().unwrap_or(Path::new("/")))),
            ("NO_COLOR", "1".to_owned()),
            ("TESTNET_RPC", world.testnet.url().to_owned()),
            ("MAINNET_RPC", world.mainnet.url().to_owned()),
            // One for all scenes, so that the compiler runs once.
            ("XDG_CACHE_HOME", text(&tools.root.join("target/testkit/cache"))),
        ];
        let env = Env {
            binary: Binary::here(tools)?.path().to_owned(),
            project: folder.join("project"),
            variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
        };
        Ok(Self { tools, world, env, folder: folder.to_owned() })
    }

    /// One of the projects under `tests/projects`, with the compiler and these npm packages, as
    /// another project of the same people on the same chains.
    pub(crate) fn other(&self, name: &str, packages: &[&str]) -> Result<Scene<'a>, Failed> {
        let other = self.beside(name);
        let project = other.project();
        files::copy_tree(&self.tools.root.join("tests/projects").join(name), project)?;
        for package in COMPILER.iter().chain(packages) {
            let from = self.tools.node_modules.join(package);
            files::copy_tree(&from, &project.join("node_modules").join(package))?;
        }
        let (text, networks) = (other.read("tidegate.toml")?, networks_toml(self.world)?);
        let deployer = actor_address("deployer");
        let eva =
            format!("[people]\neva = {{ roles = [\"engineer\"], keys = [\"{deployer}\"] }}\n");
        other.write("tidegate.toml", &format!("{text}\n{networks}\n{eva}"))?;
        Ok(other)
    }

    /// The same scene with a project that lies beside the first one.
    pub(crate) fn beside(&self, name: &str) -> Scene<'a> {
        let env = Env { project: self.folder.join(name), ..self.env.clone() };
        Scene { env, folder: self.folder.clone(), ..*self }
    }

    /// Gives the deployer ether on the testnet.
    pub(crate) fn fund(&self) -> Outcome {
        let ether = U256::from(50) * U256::from(10).pow(U256::from(18));
        Ok(self.world.testnet.set_balance(actor_address("deployer"), ether)?)
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> &Path {
        &self.env.project
    }

    /// The folder of the scene, for what is in no project.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Somebody with their keys.
    pub(crate) fn person(&self, name: &str) -> Person {
        Person::new(&self.env, name, self.folder.join("homes").join(name))
    }

    /// What somebody types, approved where that is asked for.
    pub(crate) fn approve(&self, person: &str, args: &[&str]) -> Result<Ran, Failed> {
        Ok(self.person(person).approve(args)?)
    }

    /// As [`Scene::approve`], and it must end well.
    pub(crate) fn done(&self, person: &str, args: &[&str]) -> Result<Ran, Failed> {
        Ok(self.approve(person, args)?.expect_code(0)?)
    }

    /// What somebody types who neither signs nor sends; it must end with this code.
    pub(crate) fn run(&self, person: &str, args: &[&str], code: i32) -> Result<Ran, Failed> {
        Ok(self.person(person).run(args)?.expect_code(code)?)
    }

    /// Starts what somebody types and does not wait for it.
    pub(crate) fn spawn(&self, person: &str, args: &[String]) -> Result<Child, Failed> {
        self.spawn_with(person, args, "NO_COLOR", "1")
    }

    /// As [`Scene::spawn`], with one variable changed.
    pub(crate) fn spawn_with(
        &self,
        person: &str,
        args: &[String],
        variable: &str,
        value: &str,
    ) -> Result<Child, Failed> {
        let person = self.person(person);
        let mut child = Command::new(&self.env.binary)
            .args(args)
            .current_dir(self.project())
            .env_clear()
            .envs(&self.env.variables)
            .env(variable, value)
            .env("HOME", person.home())
            .env("TIDEGATE_HOME", person.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that needs no password may be gone already.
            drop(stdin.write_all(format!("{}\n", person.password()).as_bytes()));
        }
        Ok(child)
    }

    /// What somebody's machine remembers of the project.
    pub(crate) fn store(&self, person: &str) -> Result<PathBuf, Failed> {
        let home = tidegate_store::Home::new(self.person(person).home());
        Ok(home.checkout(&self.project().canonicalize()?))
    }

    /// Takes what somebody's machine remembers: of all checkouts, and of what it sent.
    pub(crate) fn forget(&self, person: &str) -> Outcome {
        for folder in ["checkouts", "journal"] {
            let folder = self.person(person).home().join(folder);
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
        }
        Ok(())
    }

    /// Takes from everybody's machine which Safe the project had.
    pub(crate) fn forget_safes(&self) -> Outcome {
        for home in std::fs::read_dir(self.folder.join("homes"))? {
            let file = home?.path().join("safes.toml");
            if file.exists() {
                std::fs::remove_file(file)?;
            }
        }
        Ok(())
    }

    /// What `status --json` says.
    pub(crate) fn status(&self) -> Result<Status, Failed> {
        Status::of(&self.run("eva", &["status", "--json"], 0)?)
    }

    /// Takes what is deployed on the testnet to mainnet, under a policy that asks only for an hour
    /// of soak; being looser than the defaults, it is in effect three days later. Answers with
    /// what `status` said before.
    pub(crate) fn promote(&self) -> Result<Status, Failed> {
        let status = self.mature()?;
        self.promote_now()?;
        Ok(status)
    }

    /// The same once every gate passes.
    pub(crate) fn promote_now(&self) -> Result<(), Failed> {
        let promote = self.done("eva", &["promote", "--json"])?;
        let proposal = json_text(&promote, "proposal")?;
        self.sign(&proposal, &["o1", "o2"])?;
        let executed = self.done("ops", &["proposal", "execute", &proposal])?;
        assert!(said(&executed).contains("is promoted to mainnet"), "{executed:?}");
        self.run("eva", &["verify", "mainnet"], 0)?;
        Ok(())
    }

    /// The same up to where every gate passes.
    pub(crate) fn mature(&self) -> Result<Status, Failed> {
        let adopt = self.done("eva", &["policy", "adopt", "--json"])?;
        let proposal = json_text(&adopt, "proposal")?;
        self.sign(&proposal, &["o1", "o2"])?;
        self.done("ops", &["proposal", "execute", &proposal])?;
        self.world.advance_days(4, 10)?;
        let status = self.status()?;
        status.expect_others_pass(&[])?;
        Ok(status)
    }

    /// Owners check and sign a proposal.
    pub(crate) fn sign(&self, proposal: &str, owners: &[&str]) -> Result<(), Failed> {
        for owner in owners {
            let pin = self.safe();
            let sign = ["proposal", "sign", proposal, "--as", "owner", "--pin", &pin];
            self.approve(owner, &sign)?.expect_code(0)?;
        }
        Ok(())
    }

    /// What an owner types who has been told the proposal's hash and the Safe.
    pub(crate) fn signing(&self, proposal: &str) -> Vec<String> {
        let sign = format!("proposal sign {proposal} --as owner --password-fd 0");
        split_words(&format!("{sign} --approve {proposal} --pin {}", self.safe()))
    }

    /// An auditor attests an audit, under a report of their firm.
    pub(crate) fn attest(&self, auditor: &str) -> Result<(), Failed> {
        let report = if auditor == "bo" { "reports/bolt.md" } else { "reports/acme.md" };
        self.done(auditor, &["attest", report, "--as", auditor]).map(|_| ())
    }

    /// Somebody who did not deploy says go, having seen every statement there is.
    pub(crate) fn go(&self) -> Outcome {
        self.done("kim", &["record", "go", "--as", "treasury"]).map(|_| ())
    }

    /// The open promotion: its hash, and the names of its signatures' files.
    pub(crate) fn promotion(&self) -> Result<(String, Vec<String>), Failed> {
        let folder = self.project().join("deployments/mainnet/proposals");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        let proposals = names.iter().filter_map(|name| name.strip_suffix(".json"));
        for hash in proposals.filter(|hash| !hash.contains('.')) {
            let text = self.read(&format!("deployments/mainnet/proposals/{hash}.json"))?;
            if text.contains("\"promotion\"") {
                let prefix = format!("{hash}.0x");
                let signatures = names.iter().filter(|name| name.starts_with(&prefix));
                return Ok((hash.to_owned(), signatures.cloned().collect()));
            }
        }
        Err("there is no promotion".into())
    }

    /// The Safe as `--pin` names it.
    pub(crate) fn safe(&self) -> String {
        format!("{}:{}", self.world.mainnet.chain_id(), self.world.safe)
    }

    /// How many transactions an account has on a chain.
    pub(crate) fn nonce(&self, anvil: &Anvil, account: Address) -> Result<usize, Failed> {
        let count = anvil.rpc("eth_getTransactionCount", json!([account, "latest"]))?;
        Ok(serde_json::from_value::<U64>(count)?.to())
    }

    /// Lets time pass until the finalized header of both chains stands at ten o'clock of a day.
    pub(crate) fn advance_to_day(&self, day: u64) -> Result<(), Failed> {
        Ok(self.world.advance_to(GENESIS_TIMESTAMP + day * DAY_SECS + 10 * HOUR_SECS)?)
    }

    /// The deployment record of the first release on the testnet: its path and what it holds.
    pub(crate) fn record(&self) -> Result<(PathBuf, Value), Failed> {
        self.record_of("1.4.0")
    }

    /// The same of another release.
    pub(crate) fn record_of(&self, version: &str) -> Result<(PathBuf, Value), Failed> {
        let folder = self.project().join("deployments/testnet");
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(&format!("vault-{version}-")) {
                return Ok((path.clone(), serde_json::from_slice(&std::fs::read(path)?)?));
            }
        }
        Err(format!("no record in {}", folder.display()).into())
    }

    /// The address of a step or, with `@`, of an external on the testnet, as the record says.
    pub(crate) fn contract(&self, name: &str) -> Result<Address, Failed> {
        self.contract_of("1.4.0", name)
    }

    /// The same of another release.
    pub(crate) fn contract_of(&self, version: &str, name: &str) -> Result<Address, Failed> {
        let (_, record) = self.record_of(version)?;
        let deployment = &record["deployment"];
        let address = match name.strip_prefix('@') {
            Some(external) => &deployment["externals"][external]["address"],
            None => &deployment["steps"][name]["address"],
        };
        Ok(serde_json::from_value(address.clone())?)
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, file: &str) -> Result<String, Failed> {
        Ok(std::fs::read_to_string(self.project().join(file))?)
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, file: &str, text: &str) -> Result<(), Failed> {
        Ok(files::write(&self.project().join(file), text.as_bytes())?)
    }

    /// The project with these steps alone, and these externals; `$owner` is its only parameter.
    pub(crate) fn plan_of(&self, externals: &str, steps: &str) -> Result<(), Failed> {
        let text = self.read("tidegate.toml")?;
        let cut = |at: &str| text.find(at).ok_or_else(|| format!("tidegate.toml has no {at}"));
        let first = cut("[externals.").or_else(|_| cut("[params]"))?;
        let (head, tail) = (&text[..first], &text[cut("[funds]")?..]);
        let owner =
            "owner = { rule = \"per-network\", testnet = \"@deployer\", mainnet = \"@safe\" }";
        let plan = format!("{externals}\n[params]\n{owner}\n\n{steps}\n");
        self.write("tidegate.toml", &format!("{head}{plan}{tail}"))
    }

    /// Replaces text in a file of the project, which must hold it.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) -> Result<(), Failed> {
        let text = self.read(file)?;
        if !text.contains(from) {
            return Err(format!("{file} does not hold {from:?}").into());
        }
        self.write(file, &text.replacen(from, to, 1))
    }
}
