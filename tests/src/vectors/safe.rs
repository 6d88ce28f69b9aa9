//! What a Safe's owners sign, and the calldata that it carries.

use alloy_primitives::{Address, B256, Bytes, U256, address, bytes, keccak256};
use alloy_sol_types::SolValue;
use serde_json::{Value, json};
use tidegate_model::statement::{debt_subject, freeze_subject, no_go_subject, revocation_subject};
use tidegate_model::{
    ChainId, DeploymentDigest, EvidenceDigest, Fqn, PolicyDigest, ProjectId, ReleaseRoot,
    StatementDigest,
};
use tidegate_plan::{FrozenOp, Guarded, Op, OpKind};
use tidegate_safe::helper::{self, Post, PostedStatement, PromotionRecord};
use tidegate_safe::{
    Adoption, InnerCall, Operation, Proposal, SafeTx, batch_to_safe_tx, calldata_digest,
    domain_hash,
};

use super::network::{SAFE, TARGET, create2};
use super::{message, typed, vector};

const SAFE_TX: &str = "SafeTx(address to,uint256 value,bytes data,uint8 operation,\
    uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,\
    uint256 nonce)";

pub(super) fn vectors() -> Vec<Value> {
    let mut vectors =
        vec![vector("type SafeTx", "type", json!(SAFE_TX), json!({"digest": keccak256(SAFE_TX)}))];
    vectors.extend(published());
    vectors.extend(batch());
    vectors.extend(helper_calls());
    vectors.extend(adoption());
    vectors.extend(helper_addresses());
    vectors.extend(subjects());
    vectors
}

fn safe_tx(name: &str, chain: ChainId, safe: Address, tx: &SafeTx, links: Value) -> Value {
    let mut preimage = tx.typed_data(chain, safe);
    // The second library adds the domain's type by itself.
    preimage["types"].as_object_mut().unwrap().shift_remove("EIP712Domain").unwrap();
    preimage["message"] = message(preimage["message"].take());
    typed(
        name,
        preimage,
        tx.hash(chain, safe).0,
        json!({
            "domainHash": domain_hash(chain, safe), "structHash": tx.message_hash(),
            "links": links,
        }),
    )
}

fn call(to: Address, value: u64, data: Bytes, nonce: u64) -> SafeTx {
    SafeTx { to, value: U256::from(value), data, operation: Operation::Call, nonce }
}

/// Transactions that Safes on public chains executed.
fn published() -> Vec<Value> {
    let [first, second, nested] = [
        address!("111CEEee040739fD91D29C34C33E6B3E112F2177"),
        address!("657ff0D4eC65D82b2bC1247b0a558bcd2f80A0f1"),
        address!("6bc56d6CE87C86CB0756c616bECFD3Cd32b09251"),
    ];
    let add_owner = bytes!(
        "0d582f130000000000000000000000000c75fa5a5f1c0997e3eea425cfa13184ed0ec9e5"
        "0000000000000000000000000000000000000000000000000000000000000003"
    );
    let approve =
        bytes!("d4d9bdcdcb8bbe7bf8f8a1f3f57658e450d07d4422356ac042d96a87ba425b19e67a78a1");
    let receiver = address!("255C3912f91eF11bFDadd405F13144a823Da8cc5");
    let sepolia = ChainId(11_155_111);
    let cases = [
        ("Safe: add an owner", ChainId(42161), first, call(first, 0, add_owner, 234)),
        (
            "Safe: send ether",
            sepolia,
            second,
            call(receiver, 100_000_000_000_000_000, Bytes::new(), 4),
        ),
        ("Safe: approve the hash of another Safe", sepolia, nested, call(second, 0, approve, 4)),
    ];
    let mut vectors: Vec<_> = cases
        .iter()
        .map(|(name, chain, safe, tx)| safe_tx(name, *chain, *safe, tx, json!({})))
        .collect();
    let transfer = bytes!(
        "a9059cbb0000000000000000000000004675c7e5baafbffbca748158becba61ef3b0a263"
        "0000000000000000000000000000000000000000000000000de0b6b3a7640000"
    );
    vectors.push(vector(
        "ERC-8213 digest of a transfer",
        "words",
        json!([{"number": "68"}, {"bytes": transfer}]),
        json!({"digest": calldata_digest(&transfer)}),
    ));
    vectors
}

fn inner(to: Address, value: u64, data: Bytes) -> InnerCall {
    InnerCall { to, value: U256::from(value), data, note: "notes are not packed".to_owned() }
}

fn batch_vector(name: &str, calls: &[InnerCall], data: &Bytes, links: Value) -> Value {
    let packed: Vec<_> = calls
        .iter()
        .map(|c| json!({"to": c.to, "value": c.value.to_string(), "data": c.data}))
        .collect();
    let outputs = json!({"data": data, "digest": keccak256(data), "links": links});
    vector(name, "batch", json!(packed), outputs)
}

fn batch() -> [Value; 4] {
    let two = [
        inner(Address::with_last_byte(0xbb), 0, bytes!("deadbeef")),
        inner(Address::with_last_byte(0xcc), 1, Bytes::new()),
    ];
    let tx = batch_to_safe_tx(&two, 7).unwrap();
    let promotion = [
        inner(helper::address(), 0, helper::require_before(1_767_830_400)),
        inner(Address::repeat_byte(0x51), u64::MAX, Bytes::from([0x5a; 33])),
        inner(helper::address(), 0, helper::record(PROJECT, &record())),
    ];
    let promoted = batch_to_safe_tx(&promotion, u64::MAX).unwrap();
    let data = |name: &str| json!({"message.data": format!("{name}#data")});
    [
        batch_vector("MultiSend: two calls", &two, &tx.data, json!({})),
        safe_tx("Safe: batch of two", ChainId(31337), SAFE, &tx, data("MultiSend: two calls")),
        batch_vector(
            "MultiSend: promotion",
            &promotion,
            &promoted.data,
            json!({"0.data": "call: requireBefore#data", "2.data": "call: record#data"}),
        ),
        safe_tx("Safe: promotion", TARGET.chain, SAFE, &promoted, data("MultiSend: promotion")),
    ]
}

const PROJECT: ProjectId = ProjectId(B256::repeat_byte(0x52));

fn record() -> PromotionRecord {
    PromotionRecord {
        release_root: ReleaseRoot(B256::repeat_byte(0x53)),
        policy_digest: PolicyDigest(B256::repeat_byte(0x54)),
        evidence_digest: EvidenceDigest(B256::repeat_byte(0x55)),
        deployment_digest: DeploymentDigest(B256::repeat_byte(0x56)),
        soak_terminal: B256::repeat_byte(0x57),
    }
}

/// Every function of the helper that changes state or asserts.
/// What a deployer or a Safe sends for a guarded creation.
fn guarded_creation(salt: B256, initcode: Bytes, code_hash: B256) -> Bytes {
    let kind = OpKind::Create {
        contract: Fqn("src/Vault.sol:Vault".to_owned()),
        address: Guarded::address(SAFE, salt, &initcode),
        salt,
        initcode,
        guarded: Some(Guarded { value: U256::ZERO }),
    };
    let op = Op { id: "vault".to_owned(), step: "vault".to_owned(), kind };
    let frozen = FrozenOp::new(op, |_| Some(code_hash)).expect("its code is computed");
    frozen.tx().data.clone()
}

fn helper_calls() -> Vec<Value> {
    let [salt, hash, last] = [0x58, 0x59, 0x5a].map(B256::repeat_byte);
    let code = bytes!("600a600c600039600a6000f3602a60005260206000f3");
    let at = Address::repeat_byte(0x51);
    let record_args: Vec<_> = (0x52..=0x57).map(B256::repeat_byte).collect();
    let cases = [
        (
            "createOnce(bytes32,bytes,bytes32)",
            json!([salt, code, hash]),
            helper::create_once(salt, code.clone(), hash),
        ),
        (
            "createGuarded(bytes32,bytes,bytes32)",
            json!([salt, code, hash]),
            guarded_creation(salt, code.clone(), hash),
        ),
        (
            "requireCode(address[],bytes32[])",
            json!([[at, SAFE], [hash, last]]),
            helper::require_code(&[(at, hash), (SAFE, last)]),
        ),
        (
            "requireCall(address,bytes,bytes32)",
            json!([at, code, hash]),
            helper::require_call(at, code.clone(), hash),
        ),
        ("requireBefore(uint256)", json!(["1767830400"]), helper::require_before(1_767_830_400)),
        (
            "record(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32)",
            json!(record_args),
            helper::record(PROJECT, &record()),
        ),
        ("requireAfter(uint256)", json!(["1767830400"]), helper::require_after(1_767_830_400)),
        (
            "requirePolicy(bytes32,uint64)",
            json!([PROJECT, "3"]),
            helper::require_policy(PROJECT, 3),
        ),
        (
            "requireRecords(bytes32,uint256)",
            json!([PROJECT, "2"]),
            helper::require_records(PROJECT, 2),
        ),
        (
            "requirePosted(address[],bytes32[],uint64[])",
            json!([[at, SAFE], [hash, last], ["0", u64::MAX.to_string()]]),
            helper::require_posted(&[(at, hash, 0), (SAFE, last, u64::MAX)].map(post)),
        ),
        post_signed(at),
        (
            "post(bytes32,uint64)",
            json!([hash, u64::MAX.to_string()]),
            helper::post(StatementDigest(hash), u64::MAX),
        ),
    ];
    let vector = |(function, args, data): (&str, Value, Bytes)| call_vector(function, args, &data);
    cases.into_iter().map(vector).collect()
}

fn post((by, subject, until): (Address, B256, u64)) -> Post {
    Post { by, subject: StatementDigest(subject), until }
}

fn post_signed(signer: Address) -> (&'static str, Value, Bytes) {
    let [subject, body, block] = [0x58, 0x59, 0x5a].map(B256::repeat_byte);
    let statement = PostedStatement {
        signer,
        kind: "freeze".to_owned(),
        text: "Freeze: ü".to_owned(),
        project: PROJECT.0,
        subject,
        bodyDigest: body,
        blockNumber: 21_000_000,
        blockHash: block,
        issuedAt: 1_767_830_400,
        expiresAt: u64::MAX,
    };
    let fields = json!([
        signer,
        "freeze",
        "Freeze: ü",
        PROJECT,
        subject,
        body,
        "21000000",
        block,
        "1767830400",
        u64::MAX.to_string(),
    ]);
    let signature = Bytes::from([0x5b; 65]);
    (
        "postSigned((address,string,string,bytes32,bytes32,bytes32,uint64,bytes32,uint64,uint64),bytes)",
        json!([fields, signature]),
        helper::post_signed(statement, signature),
    )
}

/// Under which subjects the helper posts what is said.
fn subjects() -> Vec<Value> {
    let (release, attestation) =
        (B256::repeat_byte(0x53), StatementDigest(B256::repeat_byte(0x5c)));
    let zero = ProjectId(B256::ZERO);
    let cases = [
        ("freeze", PROJECT, PROJECT.0, freeze_subject(PROJECT)),
        ("no-go", PROJECT, release, no_go_subject(PROJECT, ReleaseRoot(release))),
        ("audit/revoke", zero, attestation.0, revocation_subject(attestation)),
        ("emergency-debt", PROJECT, release, debt_subject(PROJECT, ReleaseRoot(release))),
    ];
    let vector = |(kind, project, subject, posted): (&str, ProjectId, B256, StatementDigest)| {
        let words = json!([{"string": kind}, {"digest": project}, {"digest": subject}]);
        let name = format!("subject of a posted {kind}");
        vector(&name, "words", words, json!({"digest": posted}))
    };
    cases.into_iter().map(vector).collect()
}

fn call_vector(function: &str, args: Value, data: &Bytes) -> Value {
    let name = format!("call: {}", function.split('(').next().unwrap_or_default());
    let preimage = json!({"function": function, "args": args});
    vector(&name, "call", preimage, json!({"data": data, "digest": keccak256(data)}))
}

/// The adoption of a policy, as proposed: its one call, and what the owners sign.
fn adoption() -> [Value; 2] {
    let adoption = Adoption {
        project: PROJECT,
        policy_version: 3,
        policy_digest: PolicyDigest(B256::repeat_byte(0x54)),
        valid_until: 1_767_830_400,
    };
    let helper = helper::address();
    let proposal = Proposal::adoption(TARGET, SAFE, 7, helper, adoption).check(helper).unwrap();
    let args = json!([PROJECT, B256::repeat_byte(0x54), "3", "1767830400"]);
    let tx = &proposal.proposal().safe_tx;
    assert_eq!(proposal.hash(), tx.hash(TARGET.chain, SAFE));
    let links = json!({"message.data": "call: adoptPolicy#data"});
    [
        call_vector("adoptPolicy(bytes32,bytes32,uint64,uint256)", args, &tx.data),
        safe_tx("Safe: adoption", TARGET.chain, SAFE, tx, links),
    ]
}

/// Where the helper stands, and where it creates for a Safe.
fn helper_addresses() -> [Value; 3] {
    let initcode = helper::initcode();
    let file = json!({"file": "contracts/helper/initcode.hex"});
    let (proxy, stands) = (helper::CREATE2_PROXY, helper::address());
    let salt = B256::repeat_byte(0x58);
    let own = keccak256((SAFE, salt).abi_encode());
    let code = bytes!("600a600c600039600a6000f3602a60005260206000f3");
    [
        create2(
            "create2: helper",
            json!({"from": proxy, "salt": B256::ZERO, "code": file, "types": [], "args": []}),
            (proxy, B256::ZERO, stands),
            keccak256(&initcode),
            json!({}),
        ),
        vector(
            "salt: guarded",
            "abi",
            json!({"types": ["address", "bytes32"], "values": [SAFE, salt]}),
            json!({"digest": own}),
        ),
        create2(
            "create2: guarded",
            json!({"from": stands, "salt": own, "code": code, "types": [], "args": []}),
            (stands, own, helper::guarded_address(SAFE, salt, &code)),
            keccak256(&code),
            json!({"salt": "salt: guarded", "from": "create2: helper#address"}),
        ),
    ]
}
