// Makes safes.json: Safes in many states, on a chain that keeps exact storage roots.
//
//   node make.mjs PATH_TO_GANACHE_7.9.2 > safes.json
//
// Ganache is no dependency of the tests: it is large, and what it gives does not change.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { AbiCoder, Interface, concat, dataSlice, getCreate2Address, keccak256, toBeHex, zeroPadValue } from "ethers";

const require = createRequire(import.meta.url);
const ganache = require(process.argv[2]);
const coder = AbiCoder.defaultAbiCoder();
const zero = "0x" + "0".repeat(40);
const word = (value) => zeroPadValue(value, 32);
const FACTORY = "0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7";
const FACTORY_CODE =
  "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";
// Writes each pair of words after the selector: the first is the slot.
const WRITER = "0x60045b3681101560185780602001358135556040016002565b00";
const VERSIONS = {
  "1.4.1": "safe-contracts/build/artifacts/contracts/",
  "1.5.0": "safe-smart-account/build/artifacts/contracts/",
};
const CONTRACTS = {
  CompatibilityFallbackHandler: "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler",
  Safe: "Safe.sol/Safe",
  SafeL2: "SafeL2.sol/SafeL2",
  SafeProxyFactory: "proxies/SafeProxyFactory.sol/SafeProxyFactory",
  MultiSend: "libraries/MultiSend.sol/MultiSend",
  MultiSendCallOnly: "libraries/MultiSendCallOnly.sol/MultiSendCallOnly",
  CreateCall: "libraries/CreateCall.sol/CreateCall",
  SignMessageLib: "libraries/SignMessageLib.sol/SignMessageLib",
  SafeMigration: "libraries/SafeMigration.sol/SafeMigration",
  SafeToL2Migration: "libraries/SafeToL2Migration.sol/SafeToL2Migration",
  SafeToL2Setup: "libraries/SafeToL2Setup.sol/SafeToL2Setup",
};

const provider = ganache.provider({
  logging: { quiet: true },
  chain: { chainId: 1337, hardfork: "shanghai", time: new Date("2026-01-05T00:00:00Z") },
  wallet: { deterministic: true, totalAccounts: 6 },
  miner: { blockGasLimit: 30_000_000, timestampIncrement: 12 },
});
const rpc = (method, ...params) => provider.request({ method, params });
const accounts = await rpc("eth_accounts");
const [payer, o1, o2, o3, o4] = accounts;

async function send(from, to, data) {
  const hash = await rpc("eth_sendTransaction", { from, to, data, gas: "0x989680" });
  const receipt = await rpc("eth_getTransactionReceipt", hash);
  if (receipt.status !== "0x1") throw new Error(`${hash} failed`);
  return receipt;
}

// Safe's own contracts, at their addresses.
await rpc("evm_setAccountCode", FACTORY, FACTORY_CODE);
const known = {};
const hashes = {};
for (const [version, folder] of Object.entries(VERSIONS)) {
  for (const [name, path] of Object.entries(CONTRACTS)) {
    let artifact;
    try {
      artifact = require(`@safe-global/${folder}${path}.json`);
    } catch {
      continue;
    }
    let creation = artifact.bytecode;
    if (artifact.abi.find((item) => item.type === "constructor")?.inputs.length === 3) {
      const of = (kind) => known[`${kind} ${version}`];
      const handler = of("CompatibilityFallbackHandler");
      creation = concat([creation, coder.encode(["address", "address", "address"], [of("Safe"), of("SafeL2"), handler])]);
    }
    const at = getCreate2Address(FACTORY, word("0x"), keccak256(creation));
    await send(payer, FACTORY, concat([word("0x"), creation]));
    known[`${name} ${version}`] = at;
    hashes[`${name} ${version}`] = { address: at, codeHash: keccak256(await rpc("eth_getCode", at, "latest")) };
  }
}

const writer = "0x00000000000000000000000000000000000000aa";
await rpc("evm_setAccountCode", writer, WRITER);
const abi = new Interface([
  "function setup(address[] owners, uint256 threshold, address to, bytes data, address fallbackHandler, address paymentToken, uint256 payment, address paymentReceiver)",
  "function createProxyWithNonce(address singleton, bytes initializer, uint256 saltNonce)",
  "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures)",
  "function approveHash(bytes32)", "function enableModule(address)", "function disableModule(address,address)",
  "function addOwnerWithThreshold(address,uint256)", "function removeOwner(address,address,uint256)", "function swapOwner(address,address,address)",
  "function setGuard(address)", "function signMessage(bytes)", "function setupToL2(address)", "function multiSend(bytes)",
  "function getOwners() view returns (address[])", "function getThreshold() view returns (uint256)", "function nonce() view returns (uint256)",
  "function getModulesPaginated(address,uint256) view returns (address[], address)",
  "function getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256) view returns (bytes32)",
  "function execTransactionFromModule(address,uint256,bytes,uint8)",
]);
const call = async (to, name, ...args) =>
  rpc("eth_call", { to, data: abi.encodeFunctionData(name, args) }, "latest");

let salt = 0;
async function create(singleton, { to = zero, data = "0x", owners = [o1, o2, o3] } = {}, factory = "SafeProxyFactory 1.4.1") {
  const handler = known["CompatibilityFallbackHandler 1.4.1"];
  const initializer = singleton === writer ? "0x" : abi.encodeFunctionData("setup", [owners, 2, to, data, handler, zero, 0, zero]);
  const make = abi.encodeFunctionData("createProxyWithNonce", [singleton, initializer, ++salt]);
  const receipt = await send(payer, known[factory], make);
  const created = receipt.logs.find((log) => log.address.toLowerCase() === known[factory].toLowerCase());
  return dataSlice(created.topics[1], 12);
}

// Two owners, in order: one approves on chain, the other sends.
async function execute(safe, to, data, operation = 0, gas = 0) {
  const nonce = BigInt(await call(safe, "nonce"));
  const hash = await call(safe, "getTransactionHash", to, 0, data, operation, gas, 0, 0, zero, zero, nonce);
  const [first, second] = [o1, o2].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  await send(first, safe, abi.encodeFunctionData("approveHash", [hash]));
  const signatures = concat([word(first), word("0x"), "0x01", word(second), word("0x"), "0x01"]);
  const args = [to, 0, data, operation, gas, 0, 0, zero, zero, signatures];
  await send(second, safe, abi.encodeFunctionData("execTransaction", args));
}

const on = (safe, name, ...args) => execute(safe, safe, abi.encodeFunctionData(name, args));
const packed = (operation, to, data) =>
  concat([toBeHex(operation, 1), to, word("0x"), toBeHex((data.length - 2) / 2, 32), data]);
const writes = (pairs) => concat(["0x00000000", ...pairs.flat()]);
const mapped = (key, slot) => keccak256(concat([word(key), toBeHex(slot, 32)]));
const SENTINEL = "0x0000000000000000000000000000000000000001";
const FIFTH = "0x00000000000000000000000000000000000000f5";
const HIDDEN = "0x00000000000000000000000000000000000000bb";
// An owner and a module that no list shows.
const hide = () => writes([[mapped(HIDDEN, 2), word(HIDDEN)], [mapped(HIDDEN, 1), word(SENTINEL)]]);
const l2 = known["SafeL2 1.4.1"];

const states = {
  async fresh() { return create(l2); },
  async "fresh 1.5.0"() { return create(known["SafeL2 1.5.0"], {}, "SafeProxyFactory 1.5.0"); },
  async "owners changed"() {
    const safe = await create(l2);
    await on(safe, "addOwnerWithThreshold", o4, 2);
    await on(safe, "addOwnerWithThreshold", FIFTH, 2);
    await on(safe, "removeOwner", FIFTH, o4, 2);
    await on(safe, "swapOwner", o2, o3, "0x00000000000000000000000000000000000000cc");
    return safe;
  },
  async "module enabled"() {
    const safe = await create(l2);
    await on(safe, "enableModule", "0x00000000000000000000000000000000000000dd");
    return safe;
  },
  async "module enabled and disabled"() {
    const safe = await create(l2);
    await on(safe, "enableModule", "0x00000000000000000000000000000000000000dd");
    await on(safe, "disableModule", SENTINEL, "0x00000000000000000000000000000000000000dd");
    return safe;
  },
  async "hash approved"() {
    const safe = await create(l2);
    await send(o3, safe, abi.encodeFunctionData("approveHash", [keccak256("0xabcd")]));
    return safe;
  },
  async "message signed"() {
    const safe = await create(l2);
    await execute(safe, known["SignMessageLib 1.4.1"], abi.encodeFunctionData("signMessage", ["0xabcd"]), 1);
    return safe;
  },
  async "batch with a message"() {
    const safe = await create(l2);
    const sign = packed(1, known["SignMessageLib 1.4.1"], abi.encodeFunctionData("signMessage", ["0xabcd"]));
    const own = packed(0, safe, abi.encodeFunctionData("enableModule", [HIDDEN]));
    await execute(safe, known["MultiSend 1.4.1"], abi.encodeFunctionData("multiSend", [concat([sign, own])]), 1);
    return safe;
  },
  async "SafeToL2Setup"() {
    const data = abi.encodeFunctionData("setupToL2", [l2]);
    return create(known["Safe 1.4.1"], { to: known["SafeToL2Setup 1.4.1"], data });
  },
  async "plain Safe with a refund field"() {
    const safe = await create(known["Safe 1.4.1"]);
    await execute(safe, o3, "0x", 0, 100_000);
    return safe;
  },
  async "hidden by setup"() { return create(l2, { to: writer, data: hide() }); },
  async "hidden by a later delegatecall"() {
    const safe = await create(known["Safe 1.4.1"]);
    await execute(safe, writer, hide(), 1);
    return safe;
  },
  async "hidden by a batch"() {
    const safe = await create(l2);
    const inner = packed(1, writer, hide());
    await execute(safe, known["MultiSend 1.4.1"], abi.encodeFunctionData("multiSend", [inner]), 1);
    return safe;
  },
  async "hidden by a module"() {
    const safe = await create(l2);
    await on(safe, "enableModule", o4);
    await send(o4, safe, abi.encodeFunctionData("execTransactionFromModule", [writer, 0, hide(), 1]));
    await on(safe, "disableModule", SENTINEL, o4);
    return safe;
  },
  async "hidden by a fake singleton"() {
    const safe = await create(writer);
    const list = [SENTINEL, o1, o2, o3];
    const owners = list.map((owner, index) => [mapped(owner, 2), word(list[(index + 1) % 4])]);
    const rest = [[3, 3], [4, 2]].map(([slot, value]) => [toBeHex(slot, 32), toBeHex(value, 32)]);
    const modules = [[mapped(SENTINEL, 1), word(SENTINEL)]];
    const hidden = [[mapped(HIDDEN, 2), word(HIDDEN)], [mapped(HIDDEN, 1), word(SENTINEL)]];
    await send(payer, safe, writes([...owners, ...rest, ...modules, ...hidden, [word("0x"), word(l2)]]));
    return safe;
  },
};

const slots = {
  singleton: word("0x"),
  guard: "0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8",
  moduleGuard: "0xb104e0b93118902c651344349b610029d694cfdec91c589c91ebafbcd0289947",
  handler: "0x6c9a6c4a39284e37ed1cf53d337577d14212a4870fb976a4366c693b939918d5",
};
const safes = [];
for (const [name, make] of Object.entries(states)) {
  const safe = await make();
  const { number, stateRoot } = await rpc("eth_getBlockByNumber", "latest", false);
  const proof = await rpc("eth_getProof", safe, [], "latest");
  const storage = {};
  for (const [key, slot] of Object.entries(slots)) {
    storage[key] = word(await rpc("eth_getStorageAt", safe, slot, "latest"));
  }
  const get = async (address, topics) => {
    const logs = await rpc("eth_getLogs", { address, topics, fromBlock: "0x0", toBlock: "latest" });
    return logs.map(({ address, topics, data, transactionHash }) => ({ address, topics, data, transaction: transactionHash }));
  };
  const factories = ["SafeProxyFactory 1.4.1", "SafeProxyFactory 1.5.0"].map((name) => known[name]);
  const creations = await get(factories, [null, word(safe)]);
  const logs = await get(safe, []);
  const inputs = {};
  for (const { transaction } of logs) inputs[transaction] = (await rpc("eth_getTransactionByHash", transaction)).input;
  safes.push({
    name, safe, block: number, stateRoot, code: await rpc("eth_getCode", safe, "latest"), accountProof: proof.accountProof,
    account: { nonce: proof.nonce, balance: proof.balance, codeHash: proof.codeHash, storageRoot: proof.storageHash },
    owners: await call(safe, "getOwners"), threshold: await call(safe, "getThreshold"), nonce: await call(safe, "nonce"),
    modules: await call(safe, "getModulesPaginated", SENTINEL, 100), storage, creations, logs, inputs,
  });
}
console.log(JSON.stringify({ chain: 1337, contracts: hashes, safes }, null, 1));
await provider.disconnect();
process.exit(0);
