//! The canonical Safe 1.4.1 contracts on a local chain, at their real addresses and with their
//! real code. The code is read from the npm packages at test time; none of it is kept here.

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, U256, address, b256, bytes, hex, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use serde_json::Value;

use crate::{Anvil, TestkitError, Tools};

sol! {
    function setup(
        address[] owners, uint256 threshold, address to, bytes data, address fallbackHandler,
        address paymentToken, uint256 payment, address paymentReceiver
    );
    function createProxyWithNonce(address singleton, bytes initializer, uint256 saltNonce)
        returns (address proxy);
    function proxyCreationCode() returns (bytes code);
}

/// The factory that places Safe's own contracts; same code and calling convention as
/// [`DETERMINISTIC_PROXY`].
pub const SINGLETON_FACTORY: Address = address!("0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7");
/// The canonical deterministic deployment proxy, which anvil installs by itself.
pub const DETERMINISTIC_PROXY: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");
/// `Safe` 1.4.1.
pub const SAFE: Address = address!("0x41675C099F32341bf84BFc5382aF534df5C7461a");
/// `SafeL2` 1.4.1.
pub const SAFE_L2: Address = address!("0x29fcB43b46531BcA003ddC8FCB67FFE91900C762");
/// `SafeProxyFactory` 1.4.1.
pub const PROXY_FACTORY: Address = address!("0x4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67");
/// `MultiSend` 1.4.1.
pub const MULTI_SEND: Address = address!("0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526");
/// `MultiSendCallOnly` 1.4.1.
pub const MULTI_SEND_CALL_ONLY: Address = address!("0x9641d764fc13c8B624c04430C7356C1C7C8102e2");
/// `CreateCall` 1.4.1.
pub const CREATE_CALL: Address = address!("0x9b35Af71d77eaf8d7e40252370304687390A1A52");
/// `CompatibilityFallbackHandler` 1.4.1.
pub const FALLBACK_HANDLER: Address = address!("0xfd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99");
/// `SignMessageLib` 1.4.1.
pub const SIGN_MESSAGE_LIB: Address = address!("0xd53cd0aB83D845Ac265BE939c57F53AD838012c9");
/// `SimulateTxAccessor` 1.4.1.
pub const SIMULATE_TX_ACCESSOR: Address = address!("0x3d4BA2E0884aa488718476ca2FB8Efc291A46199");
/// `SafeToL2Setup` 1.4.1.
pub const SAFE_TO_L2_SETUP: Address = address!("0xBD89A1CE4DDe368FFAB0eC35506eEcE0b1fFdc54");

const FACTORY_DEPLOYER: Address = address!("0xE1CB04A0fA36DdD16a06ea828007E35e1a3cBC37");
/// The chain whose pre-signed factory transaction is used.
const FACTORY_CHAIN: u64 = 31337;
const FACTORY_RUNTIME: Bytes = bytes!(
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);
/// A key of its own, so that installing moves no test account's nonce.
const INSTALLER_KEY: B256 =
    b256!("0x7469646567617465207465737473206f6e6c7920202020202020202020202020");
const INSTALLER_ETHER: u64 = 10;
const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;

struct Canonical {
    name: &'static str,
    artifact: &'static str,
    address: Address,
    /// Known from a second source; the others are bound by their CREATE2 address alone.
    code_hash: Option<B256>,
}

const fn canonical(
    name: &'static str,
    artifact: &'static str,
    address: Address,
    code_hash: Option<B256>,
) -> Canonical {
    Canonical { name, artifact, address, code_hash }
}

const CONTRACTS: [Canonical; 10] = [
    canonical(
        "Safe",
        "Safe.sol/Safe",
        SAFE,
        Some(b256!("0x1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4")),
    ),
    canonical(
        "SafeL2",
        "SafeL2.sol/SafeL2",
        SAFE_L2,
        Some(b256!("0xb1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff")),
    ),
    canonical(
        "SafeProxyFactory",
        "proxies/SafeProxyFactory.sol/SafeProxyFactory",
        PROXY_FACTORY,
        Some(b256!("0x50c3cdc4074750a7a974204a716c999edd37482f907608d960b2b025ee0b3317")),
    ),
    canonical("MultiSend", "libraries/MultiSend.sol/MultiSend", MULTI_SEND, None),
    canonical(
        "MultiSendCallOnly",
        "libraries/MultiSendCallOnly.sol/MultiSendCallOnly",
        MULTI_SEND_CALL_ONLY,
        Some(b256!("0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939")),
    ),
    canonical(
        "CreateCall",
        "libraries/CreateCall.sol/CreateCall",
        CREATE_CALL,
        Some(b256!("0x2b3060c55fcb8275653e99ad511a71f67ba76934ed66a7d74d6e68b52afff889")),
    ),
    canonical(
        "CompatibilityFallbackHandler",
        "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler",
        FALLBACK_HANDLER,
        Some(b256!("0x7c6007a5d711cea8dfd5d91f5940ec29c7f200fe511eb1fc1397b367af3c42f9")),
    ),
    canonical(
        "SignMessageLib",
        "libraries/SignMessageLib.sol/SignMessageLib",
        SIGN_MESSAGE_LIB,
        None,
    ),
    canonical(
        "SimulateTxAccessor",
        "accessors/SimulateTxAccessor.sol/SimulateTxAccessor",
        SIMULATE_TX_ACCESSOR,
        None,
    ),
    canonical("SafeToL2Setup", "libraries/SafeToL2Setup.sol/SafeToL2Setup", SAFE_TO_L2_SETUP, None),
];

/// Which Safe a proxy runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Singleton {
    /// `Safe`: no events for each transaction.
    Safe,
    /// `SafeL2`: events for each transaction.
    SafeL2,
}

impl Singleton {
    /// Its address.
    pub fn address(self) -> Address {
        match self {
            Self::Safe => SAFE,
            Self::SafeL2 => SAFE_L2,
        }
    }
}

/// Installs the canonical contracts of Safe 1.4.1 and checks addresses and code hashes. Takes
/// one block a contract; moves no test account's nonce.
///
/// # Errors
/// If a package is missing, a transaction fails or a code hash is not the known one.
pub fn install(anvil: &Anvil, tools: &Tools) -> Result<(), TestkitError> {
    let packages = tools.node_modules.join("@safe-global");
    install_factory(anvil, &packages)?;
    let installer =
        PrivateKeySigner::from_bytes(&INSTALLER_KEY).expect("the constant is a valid scalar");
    let ether = U256::from(INSTALLER_ETHER) * U256::from(WEI_PER_ETHER);
    anvil.set_balance(installer.address(), ether)?;
    for contract in &CONTRACTS {
        let path = packages
            .join("safe-contracts/build/artifacts/contracts")
            .join(format!("{}.json", contract.artifact));
        let creation = hex_field(&path, "bytecode")?;
        let data = [B256::ZERO.as_slice(), &creation].concat();
        anvil.send(&installer, Some(SINGLETON_FACTORY), data, U256::ZERO)?;
        check(anvil, contract)?;
    }
    check_code(anvil, "deterministic deployment proxy", DETERMINISTIC_PROXY, factory_hash())
}

/// Creates a Safe proxy with the canonical fallback handler, no modules and no payment, and
/// checks its address. The order of the owners is part of the address.
///
/// # Errors
/// If the transaction fails, or the address is not the predicted one.
pub fn deploy_safe(
    anvil: &Anvil,
    payer: &PrivateKeySigner,
    singleton: Singleton,
    owners: &[Address],
    threshold: u64,
    salt_nonce: u64,
) -> Result<Address, TestkitError> {
    let expected = predict_safe(anvil, singleton, owners, threshold, salt_nonce)?;
    let call = createProxyWithNonceCall {
        singleton: singleton.address(),
        initializer: initializer(owners, threshold),
        saltNonce: U256::from(salt_nonce),
    };
    let data = Bytes::from(call.abi_encode());
    let returned = anvil.call(PROXY_FACTORY, &data)?;
    let found = Address::abi_decode(&returned).map_err(|_| TestkitError::Shape {
        method: "createProxyWithNonce".to_owned(),
        expected: "an address",
    })?;
    if found != expected {
        return Err(TestkitError::WrongSafe { found, expected });
    }
    anvil.send(payer, Some(PROXY_FACTORY), data, U256::ZERO)?;
    Ok(expected)
}

/// The address that [`deploy_safe`] gives a Safe, computed here.
///
/// # Errors
/// If the factory does not answer.
fn predict_safe(
    anvil: &Anvil,
    singleton: Singleton,
    owners: &[Address],
    threshold: u64,
    salt_nonce: u64,
) -> Result<Address, TestkitError> {
    let returned = anvil.call(PROXY_FACTORY, &proxyCreationCodeCall {}.abi_encode().into())?;
    let code = Bytes::abi_decode(&returned).map_err(|_| TestkitError::Shape {
        method: "proxyCreationCode".to_owned(),
        expected: "bytes",
    })?;
    let initializer_hash = keccak256(initializer(owners, threshold));
    let salt = keccak256([initializer_hash.0, U256::from(salt_nonce).to_be_bytes()].concat());
    let initcode = [&code, singleton.address().into_word().as_slice()].concat();
    Ok(PROXY_FACTORY.create2(salt, keccak256(initcode)))
}

fn initializer(owners: &[Address], threshold: u64) -> Bytes {
    setupCall {
        owners: owners.to_vec(),
        threshold: U256::from(threshold),
        to: Address::ZERO,
        data: Bytes::new(),
        fallbackHandler: FALLBACK_HANDLER,
        paymentToken: Address::ZERO,
        payment: U256::ZERO,
        paymentReceiver: Address::ZERO,
    }
    .abi_encode()
    .into()
}

/// On the chain that the packaged transaction is signed for, sends it; elsewhere sets the code
/// that it would leave.
fn install_factory(anvil: &Anvil, packages: &Path) -> Result<(), TestkitError> {
    if anvil.chain_id() == FACTORY_CHAIN {
        anvil.set_balance(FACTORY_DEPLOYER, U256::from(WEI_PER_ETHER))?;
        let path = packages
            .join(format!("safe-singleton-factory/artifacts/{FACTORY_CHAIN}/deployment.json"));
        let receipt = anvil.include(&hex_field(&path, "transaction")?)?;
        if !receipt.status {
            return Err(TestkitError::Reverted(receipt.hash));
        }
    } else {
        anvil.set_code(SINGLETON_FACTORY, &FACTORY_RUNTIME)?;
        anvil.set_nonce(SINGLETON_FACTORY, 1)?;
    }
    check_code(anvil, "Safe singleton factory", SINGLETON_FACTORY, factory_hash())
}

fn factory_hash() -> B256 {
    keccak256(&FACTORY_RUNTIME)
}

fn check(anvil: &Anvil, contract: &Canonical) -> Result<(), TestkitError> {
    match contract.code_hash {
        Some(hash) => check_code(anvil, contract.name, contract.address, hash),
        None if anvil.code(contract.address)?.is_empty() => Err(TestkitError::WrongCode {
            name: contract.name,
            address: contract.address,
            found: keccak256([]),
            expected: B256::ZERO,
        }),
        None => Ok(()),
    }
}

fn check_code(
    anvil: &Anvil,
    name: &'static str,
    address: Address,
    expected: B256,
) -> Result<(), TestkitError> {
    let found = keccak256(anvil.code(address)?);
    if found == expected {
        Ok(())
    } else {
        Err(TestkitError::WrongCode { name, address, found, expected })
    }
}

fn hex_field(path: &Path, field: &'static str) -> Result<Vec<u8>, TestkitError> {
    let text = std::fs::read(path)
        .map_err(|source| TestkitError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice::<Value>(&text)
        .ok()
        .and_then(|json| hex::decode(json[field].as_str()?).ok())
        .ok_or_else(|| TestkitError::BadFile { what: field, path: path.to_owned() })
}
