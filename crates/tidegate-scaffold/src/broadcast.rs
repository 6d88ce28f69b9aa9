//! Broadcast files of `forge script`, of today and of years ago.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;
use tidegate_plan::CREATE2_PROXY;

use crate::is_identifier;

/// The largest broadcast file that is read, in bytes.
pub const BROADCAST_BYTES_MAX: u64 = 64 << 20;
/// The most transactions of one file.
const TRANSACTIONS_MAX: usize = 500;
/// The most entries of the folder `broadcast`.
const SCRIPTS_MAX: usize = 1_000;
/// The most arguments that are kept of one transaction, for people.
const ARGUMENTS_MAX: usize = 64;

/// Why a file is no broadcast.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    #[error("cannot read the broadcast: it is not a file of `forge script`")]
    Malformed(#[from] serde_json::Error),
    #[error("cannot read the broadcast: it has more than {TRANSACTIONS_MAX} transactions")]
    TooMany,
}

/// What a run sent, as far as its file shows that it succeeded.
#[derive(Debug, Default)]
pub struct Broadcast {
    pub sent: Vec<Sent>,
    /// Why others are left out, one sentence each.
    pub left_out: Vec<String>,
    /// Where the run put libraries.
    pub libraries: BTreeSet<Address>,
    /// The highest block among its receipts.
    pub block: u64,
}

/// One transaction that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub hash: B256,
    pub from: Address,
    pub to: Option<Address>,
    pub nonce: u64,
    pub input: Bytes,
    pub value: U256,
    /// The contract that it creates or calls, if that is an identifier.
    pub contract: Option<String>,
    /// The function that it calls, as `name(type,type)`; unchecked.
    pub function: Option<String>,
    /// Arguments as people see them; never more than comments.
    pub arguments: Vec<String>,
}

impl Sent {
    /// Address and initcode of the contract that it creates.
    pub fn creation(&self) -> Option<(Address, &[u8])> {
        match self.to {
            None => Some((self.from.create(self.nonce), &self.input)),
            Some(CREATE2_PROXY) => {
                let (salt, initcode) = self.input.split_at_checked(32)?;
                let address = CREATE2_PROXY.create2_from_code(B256::from_slice(salt), initcode);
                Some((address, initcode))
            }
            Some(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct File {
    transactions: Vec<Entry>,
    #[serde(default)]
    receipts: Vec<Receipt>,
    #[serde(default)]
    libraries: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    hash: Option<B256>,
    contract_name: Option<String>,
    contract_address: Option<Address>,
    function: Option<String>,
    arguments: Option<Vec<String>>,
    transaction: Transaction,
}

#[derive(Deserialize)]
struct Transaction {
    from: Option<Address>,
    to: Option<Address>,
    nonce: Option<U64>,
    value: Option<U256>,
    /// Since 2024; before that it was `data`.
    input: Option<Bytes>,
    data: Option<Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: B256,
    status: Option<U64>,
    block_number: Option<U64>,
    transaction_index: Option<U64>,
    from: Address,
    to: Option<Address>,
    contract_address: Option<Address>,
}

impl Receipt {
    fn is_of(&self, transaction: &Transaction) -> bool {
        let created = || {
            let created = transaction.nonce.map(|nonce| self.from.create(nonce.to()));
            self.contract_address.is_none_or(|address| Some(address) == created)
        };
        self.to == transaction.to && (self.to.is_some() || created())
    }
}

/// Receipts of each sender, in the order in which the chain has them.
struct Receipts<'a>(BTreeMap<Address, VecDeque<&'a Receipt>>);

impl<'a> Receipts<'a> {
    fn new(file: &'a File) -> Self {
        let sent: BTreeSet<_> = file.transactions.iter().filter_map(|entry| entry.hash).collect();
        let mut receipts: Vec<_> = file
            .receipts
            .iter()
            .filter(|receipt| sent.contains(&receipt.transaction_hash))
            .collect();
        receipts.sort_by_key(|receipt| (receipt.block_number, receipt.transaction_index));
        let mut by_sender: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        for receipt in receipts {
            by_sender.entry(receipt.from).or_default().push_back(receipt);
        }
        Self(by_sender)
    }

    /// The receipt of each transaction. Hashes do not tell: forge may write the hash of one
    /// transaction beside another. But a sender's transactions are included in the order of their
    /// nonces, and one that reverted has no receipt.
    fn by_entry(mut self, file: &'a File) -> Vec<Option<&'a Receipt>> {
        let mut order: Vec<_> = (0..file.transactions.len()).collect();
        order.sort_by_key(|index| file.transactions[*index].transaction.nonce);
        let mut joined = vec![None; order.len()];
        for index in order {
            let entry = &file.transactions[index];
            let queue = entry.transaction.from.and_then(|from| self.0.get_mut(&from));
            let Some(queue) = queue.filter(|_| entry.hash.is_some()) else { continue };
            if queue.front().is_some_and(|receipt| receipt.is_of(&entry.transaction)) {
                joined[index] = queue.pop_front();
            }
        }
        joined
    }
}

/// Reads a broadcast file.
pub fn parse(bytes: &[u8]) -> Result<Broadcast, BroadcastError> {
    let file: File = serde_json::from_slice(bytes)?;
    if file.transactions.len() > TRANSACTIONS_MAX {
        return Err(BroadcastError::TooMany);
    }
    let receipts = Receipts::new(&file).by_entry(&file);
    let blocks = file.receipts.iter().filter_map(|receipt| receipt.block_number);
    let mut broadcast =
        Broadcast { block: blocks.max().map_or(0, |block| block.to()), ..Broadcast::default() };
    for text in &file.libraries {
        let address =
            text.rsplit_once(':').and_then(|(_, address)| address.parse::<Address>().ok());
        broadcast.libraries.extend(address);
    }
    for (index, (entry, receipt)) in file.transactions.iter().zip(receipts).enumerate() {
        match sent(entry, receipt) {
            Ok(sent) => broadcast.sent.push(sent),
            Err((hash, why)) => {
                let which = hash.map_or_else(|| format!("#{}", index + 1), short);
                broadcast.left_out.push(format!("transaction {which} is left out: {why}"));
            }
        }
    }
    Ok(broadcast)
}

/// The beginning of a hash, for people.
pub(crate) fn short(hash: B256) -> String {
    hash.to_string().chars().take(10).collect()
}

fn sent(entry: &Entry, receipt: Option<&Receipt>) -> Result<Sent, (Option<B256>, &'static str)> {
    if entry.hash.is_none() {
        return Err((None, "it was not sent"));
    }
    let Some(receipt) = receipt else {
        return Err((entry.hash, "it has no receipt, so it reverted or was never mined"));
    };
    let hash = receipt.transaction_hash;
    let refused = |why| Err((Some(hash), why));
    if receipt.status.is_none_or(|status| status.to::<u64>() != 1) {
        return refused("it reverted");
    }
    let Transaction { from: Some(from), to, nonce: Some(nonce), value, input, data } =
        &entry.transaction
    else {
        return refused("the file does not say its sender or nonce");
    };
    // Newer files write a name that is not unique as `path:Name`.
    let name = entry.contract_name.as_deref();
    let name = name.map(|name| name.rsplit_once(':').map_or(name, |(_, name)| name));
    let sent = Sent {
        hash,
        from: *from,
        to: *to,
        nonce: nonce.to(),
        input: input.as_ref().or(data.as_ref()).cloned().unwrap_or_default(),
        value: value.unwrap_or_default(),
        contract: name.filter(|name| is_identifier(name)).map(str::to_owned),
        function: entry.function.clone(),
        arguments: entry.arguments.iter().flatten().take(ARGUMENTS_MAX).cloned().collect(),
    };
    match (sent.creation(), entry.contract_address) {
        (Some((address, _)), Some(written)) if address != written => {
            refused("the file names another address than the one it creates")
        }
        _ => Ok(sent),
    }
}

/// The latest run of each script on a chain, and what else lies there.
#[derive(Debug, Default)]
pub struct Found {
    /// `run-latest.json` of each script.
    pub files: Vec<PathBuf>,
    /// Other chains that were broadcast to.
    pub other_chains: BTreeSet<u64>,
    /// Whether there are runs over several chains, which are not read.
    pub multi: bool,
}

/// Looks for broadcasts. Dry runs lie deeper, and so are never found.
pub fn find(root: &Path, chain: u64) -> Found {
    let mut found = Found::default();
    let folders = |folder: &Path| {
        let entries = folder.read_dir().into_iter().flatten().filter_map(Result::ok);
        entries.filter(|entry| entry.path().is_dir()).take(SCRIPTS_MAX)
    };
    for script in folders(&root.join("broadcast")) {
        if script.file_name() == "multi" {
            found.multi = true;
            continue;
        }
        for folder in folders(&script.path()) {
            let file = folder.path().join("run-latest.json");
            let id = folder.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            match id {
                Some(id) if file.is_file() && id == chain => found.files.push(file),
                Some(id) if file.is_file() => drop(found.other_chains.insert(id)),
                _ => {}
            }
        }
    }
    found.files.sort();
    found
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;
    use serde_json::{Value, json};

    use super::*;

    const FROM: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    const FIRST: Address = address!("5FbDB2315678afecb367f032d93F642f64180aa3");

    fn hash(byte: u8) -> B256 {
        B256::repeat_byte(byte)
    }

    fn receipt(byte: u8, block: u8, status: &str, to: Option<Address>) -> Value {
        let created = to.is_none().then_some(FIRST);
        json!({"transactionHash": hash(byte), "status": status, "from": FROM, "to": to,
            "blockNumber": format!("0x{block:x}"), "transactionIndex": "0x0",
            "contractAddress": created, "l1Fee": "0x0", "logs": []})
    }

    fn creation(byte: u8, nonce: &str) -> Value {
        json!({"hash": hash(byte), "transactionType": "CREATE", "contractName": "Counter",
            "contractAddress": FIRST, "function": null, "arguments": null,
            "transaction": {"from": FROM, "gas": "0x1", "value": "0x0", "input": "0x60",
                "nonce": nonce},
            "additionalContracts": [], "isFixedGasLimit": false})
    }

    /// As forge wrote it years ago.
    fn call(byte: u8, nonce: &str, data: &str) -> Value {
        json!({"hash": hash(byte), "contractName": null, "contractAddress": FIRST,
            "function": "set(uint256)", "arguments": ["2"],
            "transaction": {"type": "0x02", "from": FROM, "to": FIRST, "data": data,
                "nonce": nonce, "accessList": []}})
    }

    fn read(transactions: &[Value], receipts: &[Value]) -> Broadcast {
        let file = json!({"transactions": transactions, "receipts": receipts,
            "libraries": ["src/L.sol:L:0x5FbDB2315678afecb367f032d93F642f64180aa3", "nonsense"],
            "timestamp": 1_700_000_000, "chain": 1, "multi": false, "commit": null});
        parse(file.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn receipts_are_joined_by_sender_and_order() {
        let mut unsent = call(9, "0x5", "0x09");
        unsent["hash"] = Value::Null;
        // Receipts in another order, hashes beside the wrong transactions, and one that reverted.
        let transactions = [
            creation(2, "0x0"),
            call(3, "0x1", "0x01"),
            creation(4, "0x2"),
            call(1, "0x3", "0x03"),
            call(5, "0x4", "0x04"),
            unsent,
        ];
        let receipts = [
            receipt(2, 0x11, "0x1", Some(FIRST)),
            receipt(5, 0x13, "0x0", Some(FIRST)),
            receipt(1, 0x10, "0x1", None),
            receipt(3, 0x12, "0x1", Some(FIRST)),
            receipt(7, 0x09, "0x1", Some(FIRST)),
        ];
        let run = read(&transactions, &receipts);
        assert_eq!((run.block, run.libraries), (0x13, BTreeSet::from([FIRST])));
        let sent: Vec<_> = run.sent.iter().map(|s| (s.hash, s.nonce, s.input[0])).collect();
        assert_eq!(sent, [(hash(1), 0, 0x60), (hash(2), 1, 1), (hash(3), 3, 3)]);
        assert_eq!(run.sent[0].creation(), Some((FIRST, &[0x60][..])));
        assert_eq!((run.sent[1].to, run.sent[1].creation()), (Some(FIRST), None));
        assert_eq!(
            (&run.sent[0].contract, &run.sent[1].contract),
            (&Some("Counter".into()), &None)
        );
        let why = [
            "0x04040404 is left out: it has no receipt",
            "0x05050505 is left out: it reverted",
            "#6 is left out: it was not sent",
        ];
        assert_eq!(run.left_out.len(), why.len(), "{:?}", run.left_out);
        for (note, why) in run.left_out.iter().zip(why) {
            assert!(note.contains(why), "{note}: {why}");
        }
    }

    #[test]
    fn what_the_file_claims_is_not_believed() {
        let receipts = [receipt(1, 1, "0x1", None)];
        let mut elsewhere = creation(1, "0x0");
        elsewhere["contractAddress"] = json!(FROM);
        let run = read(&[elsewhere], &receipts);
        assert!(run.left_out[0].contains("another address"), "{:?}", run.left_out);
        // Another nonce creates another address, so the receipt is not of this transaction.
        assert_eq!(read(&[creation(1, "0x1")], &receipts).sent, []);
        let named = |name: &str| {
            let mut entry = creation(1, "0x0");
            entry["contractName"] = json!(name);
            read(&[entry], &receipts).sent[0].contract.clone()
        };
        for name in ["a b", "1x", "x\"]\n[people]", "", "src/A.sol:A B"] {
            assert_eq!(named(name), None, "{name}");
        }
        assert_eq!(named("src/A.sol:A").as_deref(), Some("A"));
        assert!(matches!(parse(b"[]"), Err(BroadcastError::Malformed(_))));
        let many = json!({"transactions": vec![creation(1, "0x0"); TRANSACTIONS_MAX + 1]});
        assert!(matches!(parse(many.to_string().as_bytes()), Err(BroadcastError::TooMany)));
    }
}
