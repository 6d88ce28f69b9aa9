//! Broadcast files of `forge script`, of today and of years ago.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;
use tidegate_plan::CREATE2_PROXY;

use super::is_identifier;

/// The largest broadcast file that is read, in bytes.
pub(crate) const BROADCAST_BYTES_MAX: u64 = 64 << 20;
/// The most transactions of one file.
const TRANSACTIONS_MAX: usize = 500;
/// The most entries of the folder `broadcast`.
const SCRIPTS_MAX: usize = 1_000;
/// The most arguments that are kept of one transaction, for people.
const ARGUMENTS_MAX: usize = 64;

/// Why a file is no broadcast.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BroadcastError {
    #[error("read the broadcast: it is not a file of `forge script`")]
    Malformed(#[from] serde_json::Error),
    #[error("read the broadcast: it has more than {TRANSACTIONS_MAX} transactions")]
    TooMany,
}

/// What a run sent, as far as its file shows that it succeeded.
#[derive(Debug, Default)]
pub(crate) struct Broadcast {
    pub(crate) sent: Vec<Sent>,
    /// Why others are left out, one sentence each.
    pub(crate) left_out: Vec<String>,
    /// Where the run put libraries.
    pub(crate) libraries: BTreeSet<Address>,
    /// The highest block among its receipts.
    pub(crate) block: u64,
}

/// One transaction that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) hash: B256,
    pub(crate) from: Address,
    pub(crate) to: Option<Address>,
    pub(crate) nonce: u64,
    pub(crate) input: Bytes,
    pub(crate) value: U256,
    /// The contract that it creates or calls, if that is an identifier.
    pub(crate) contract: Option<String>,
    /// The function that it calls, as `name(type,type)`; unchecked.
    pub(crate) function: Option<String>,
    /// Arguments as people see them; never more than comments.
    pub(crate) arguments: Vec<String>,
}

impl Sent {
    /// Address and initcode of the contract that it creates.
    pub(crate) fn creation(&self) -> Option<(Address, &[u8])> {
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
}

/// Reads a broadcast file. Receipts are joined by hash, as they are in another order than the
/// transactions; one that reverted has none.
pub(crate) fn parse(bytes: &[u8]) -> Result<Broadcast, BroadcastError> {
    let file: File = serde_json::from_slice(bytes)?;
    if file.transactions.len() > TRANSACTIONS_MAX {
        return Err(BroadcastError::TooMany);
    }
    let receipts: BTreeMap<_, _> =
        file.receipts.iter().map(|receipt| (receipt.transaction_hash, receipt)).collect();
    let blocks = file.receipts.iter().filter_map(|receipt| receipt.block_number);
    let mut broadcast =
        Broadcast { block: blocks.max().map_or(0, |block| block.to()), ..Broadcast::default() };
    for text in &file.libraries {
        let address =
            text.rsplit_once(':').and_then(|(_, address)| address.parse::<Address>().ok());
        broadcast.libraries.extend(address);
    }
    for (index, entry) in file.transactions.into_iter().enumerate() {
        match sent(entry, &receipts) {
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

fn sent(
    entry: Entry,
    receipts: &BTreeMap<B256, &Receipt>,
) -> Result<Sent, (Option<B256>, &'static str)> {
    let Some(hash) = entry.hash else { return Err((None, "it was not sent")) };
    let refused = |why| Err((Some(hash), why));
    match receipts.get(&hash).map(|receipt| receipt.status) {
        None => return refused("it has no receipt, so it reverted or was never mined"),
        Some(Some(status)) if status.to::<u64>() == 1 => {}
        Some(_) => return refused("it reverted"),
    }
    let Transaction { from: Some(from), to, nonce: Some(nonce), value, input, data } =
        entry.transaction
    else {
        return refused("the file does not say its sender or nonce");
    };
    // Newer files write a name that is not unique as `path:Name`.
    let name = entry.contract_name.as_deref();
    let name = name.map(|name| name.rsplit_once(':').map_or(name, |(_, name)| name));
    let sent = Sent {
        hash,
        from,
        to,
        nonce: nonce.to(),
        input: input.or(data).unwrap_or_default(),
        value: value.unwrap_or_default(),
        contract: name.filter(|name| is_identifier(name)).map(str::to_owned),
        function: entry.function,
        arguments: entry.arguments.unwrap_or_default().into_iter().take(ARGUMENTS_MAX).collect(),
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
pub(crate) struct Found {
    /// `run-latest.json` of each script.
    pub(crate) files: Vec<PathBuf>,
    /// Other chains that were broadcast to.
    pub(crate) other_chains: BTreeSet<u64>,
    /// Whether there are runs over several chains, which are not read.
    pub(crate) multi: bool,
}

/// Looks for broadcasts. Dry runs lie deeper, and so are never found.
pub(crate) fn find(root: &Path, chain: u64) -> Found {
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

    fn receipt(byte: u8, status: &str) -> Value {
        json!({"transactionHash": hash(byte), "status": status, "blockNumber": format!("0x{byte:x}"),
            "l1Fee": "0x0", "logs": []})
    }

    fn creation(byte: u8, nonce: &str) -> Value {
        json!({"hash": hash(byte), "transactionType": "CREATE", "contractName": "Counter",
            "contractAddress": FIRST, "function": null, "arguments": null,
            "transaction": {"from": FROM, "gas": "0x1", "value": "0x0", "input": "0x60", "nonce": nonce},
            "additionalContracts": [], "isFixedGasLimit": false})
    }

    #[test]
    fn receipts_are_joined_by_hash() {
        let mut reverted = creation(3, "0x2");
        reverted["contractAddress"] = Value::Null;
        let mut call = json!({"hash": hash(2), "contractName": null, "contractAddress": FIRST,
            "function": "set(uint256)", "arguments": ["2"],
            "transaction": {"type": "0x02", "from": FROM, "to": FIRST, "data": "0x01", "nonce": "0x1",
                "accessList": []}});
        let file = json!({"transactions": [creation(1, "0x0"), call.clone(), reverted, creation(4, "0x0")],
            "receipts": [receipt(2, "0x1"), receipt(4, "0x0"), receipt(1, "0x1")],
            "libraries": ["src/L.sol:L:0x5FbDB2315678afecb367f032d93F642f64180aa3", "nonsense"],
            "timestamp": 1_700_000_000, "chain": 1, "multi": false, "commit": null});
        let read = parse(file.to_string().as_bytes()).unwrap();
        assert_eq!(read.block, 4);
        assert_eq!(read.libraries, BTreeSet::from([FIRST]));
        let [first, second] = read.sent.as_slice() else { panic!("{read:?}") };
        assert_eq!(first.creation(), Some((FIRST, &[0x60][..])));
        assert_eq!(
            (&second.input[..], second.to, second.creation()),
            (&[1][..], Some(FIRST), None)
        );
        assert_eq!(second.contract, None);
        assert_eq!(read.left_out.len(), 2, "{:?}", read.left_out);
        assert!(read.left_out[0].contains("no receipt"), "{:?}", read.left_out);
        assert!(read.left_out[1].ends_with("it reverted"), "{:?}", read.left_out);

        call["hash"] = Value::Null;
        let file = json!({"transactions": [call], "receipts": [receipt(2, "0x1")]});
        let read = parse(file.to_string().as_bytes()).unwrap();
        assert_eq!(read.left_out, ["transaction #1 is left out: it was not sent"]);
    }

    #[test]
    fn what_the_file_claims_is_not_believed() {
        // Another nonce creates another address.
        let file = json!({"transactions": [creation(1, "0x1")], "receipts": [receipt(1, "0x1")]});
        let read = parse(file.to_string().as_bytes()).unwrap();
        assert!(read.left_out[0].contains("another address"), "{:?}", read.left_out);
        for name in ["a b", "1x", "x\"]\n[people]", "", "src/A.sol:A B"] {
            let mut entry = creation(1, "0x0");
            entry["contractName"] = json!(name);
            let file = json!({"transactions": [entry], "receipts": [receipt(1, "0x1")]});
            assert_eq!(
                parse(file.to_string().as_bytes()).unwrap().sent[0].contract,
                None,
                "{name}"
            );
        }
        let mut entry = creation(1, "0x0");
        entry["contractName"] = json!("src/A.sol:A");
        let file = json!({"transactions": [entry], "receipts": [receipt(1, "0x1")]});
        let read = parse(file.to_string().as_bytes()).unwrap();
        assert_eq!(read.sent[0].contract.as_deref(), Some("A"));
        assert!(matches!(parse(b"[]"), Err(BroadcastError::Malformed(_))));
        let many = json!({"transactions": vec![creation(1, "0x0"); TRANSACTIONS_MAX + 1]});
        assert!(matches!(parse(many.to_string().as_bytes()), Err(BroadcastError::TooMany)));
    }
}
