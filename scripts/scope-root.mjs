// Recomputes a release's scopeRoot from a checkout with no code of Tidegate: npm's `solc`, `ethers`
// for keccak256 and EIP-712, `canonicalize` for RFC 8785, all of them from tests/node_modules.
//
//   tidegate build --json --scope > scope.json
//   node scripts/scope-root.mjs PROJECT scope.json [SOLC_PACKAGE]
//
// Recomputed: what each file holds, each contract's closure of files, the compiler profile, both
// templates, every struct hash and the root. Taken from scope.json: which contracts there are, name
// and file of each source, remappings, what to set the compiler to (as for the first contract: if
// another has another profile, the root comes out different), and the documents of storageLayout
// and paramPolicy, which are for people to read beside the sources. The rules: docs/formats.md §1.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [project, file, compiler = 'solc'] = process.argv.slice(2);
const packages = new URL('../tests/', import.meta.url);
const require = createRequire(new URL('package.json', packages));
const { TypedDataEncoder, concat, id, keccak256 } = require('ethers');
const jcs = await import(new URL('node_modules/canonicalize/lib/canonicalize.js', packages));
const digest = (document) => id(jcs.default(document));
const OUTPUTS = ['metadata', 'evm.bytecode', 'evm.deployedBytecode.object', 'evm.legacyAssembly'];
const CODE_SCOPE = ['sourceClosure', 'compilerProfile', 'creationTemplate', 'runtimeTemplate',
  'storageLayout', 'paramPolicy'].map((name) => ({ name, type: 'bytes32' }));
const TYPES = { CodeScope: [{ name: 'fqn', type: 'string' }, ...CODE_SCOPE] };
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const { contracts, remappings } = JSON.parse(readFileSync(file, 'utf8'));
const [sources, names, outputSelection] = [{}, {}, {}];
for (const contract of contracts) {
  const at = contract.fqn.lastIndexOf(':');
  contract.source = contract.documents.sources[contract.fqn.slice(0, at)].source;
  contract.name = contract.fqn.slice(at + 1);
  (outputSelection[contract.source] ??= {})[contract.name] = OUTPUTS;
  for (const [name, { source, file }] of Object.entries(contract.documents.sources)) {
    sources[source] = { content: readFileSync(join(project, file), 'utf8') };
    names[source] = name;
  }
}
const { optimizer, evmVersion, viaIR, ...hashing } = contracts[0].documents.profile;
const metadata = { bytecodeHash: hashing.bytecodeHash };
if (!hashing.appendCBOR) metadata.appendCBOR = false; // older compilers do not know the key
const settings = { remappings, optimizer, evmVersion, metadata, outputSelection };
if (viaIR) settings.viaIR = true;
const input = { language: 'Solidity', sources, settings };
const output = JSON.parse(require(compiler).compile(JSON.stringify(input)));

/** Every metadata in an assembly and in those inside it. */
const regions = ({ '.auxdata': own, '.data': inner = {} }) =>
  [own, ...Object.values(inner).flatMap((data) => (data['.code'] ? regions(data) : []))]
    .filter(Boolean);
/** The hash of code with libraries and metadata zeroed; the compiler leaves immutables zero. */
const template = (object, assembly) => {
  const zero = (region) => '0'.repeat(region.length);
  const code = object.replace(/__\$[0-9a-f]{34}\$__/g, zero);
  return keccak256('0x' + regions(assembly).reduce((c, r) => c.replaceAll(r, zero(r)), code));
};

const scopes = contracts.map(({ fqn, source, name, documents }) => {
  const { metadata, evm } = output.contracts[source][name];
  const { compiler, language, settings: used, sources: closure } = JSON.parse(metadata);
  const profile = {
    compiler: 'solc', longVersion: compiler.version, language, evmVersion: used.evmVersion,
    optimizer: { enabled: used.optimizer.enabled, runs: used.optimizer.runs },
    viaIR: used.viaIR ?? false, bytecodeHash: used.metadata?.bytecodeHash ?? 'ipfs',
    appendCBOR: used.metadata?.appendCBOR ?? true,
  };
  const files = Object.keys(closure).sort((a, b) => byBytes(names[a], names[b]));
  return {
    fqn,
    sourceClosure: keccak256(concat(files.flatMap((f) => [id(names[f]), id(sources[f].content)]))),
    compilerProfile: digest(profile),
    creationTemplate: template(evm.bytecode.object, evm.legacyAssembly),
    runtimeTemplate: template(evm.deployedBytecode.object, evm.legacyAssembly),
    storageLayout: digest(documents.layout),
    paramPolicy: digest(documents.paramPolicy),
  };
}).sort((a, b) => byBytes(a.fqn, b.fqn));
const hashes = scopes.map((scope) => TypedDataEncoder.hashStruct('CodeScope', TYPES, scope));
console.log(JSON.stringify({ scopeRoot: keccak256(concat(hashes)), scopes }, null, 2));
