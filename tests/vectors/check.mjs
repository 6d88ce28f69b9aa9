// Recomputes the golden vectors of a folder (this one, or the one named) from their preimages, by
// the rules of formats.md and with libraries that share no code with the crates: ethers for keccak,
// EIP-712, ABI, CREATE2 and signatures, canonicalize for RFC 8785. Writes a line a vector and
// fails if any value is wrong, missing or unknown.
//
//   node tests/vectors/check.mjs [FOLDER]

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import canonicalize from 'canonicalize';
import {
  AbiCoder, Interface, SigningKey, TypedDataEncoder, computeAddress, concat, dataLength,
  getAddress, getBytes, getCreate2Address, hexlify, id, keccak256, recoverAddress,
  solidityPacked, toBeHex, toUtf8Bytes,
} from 'ethers';

import { PUBLISHED } from './published.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = join(HERE, '..', '..');
/** The key of every signature; it holds nothing anywhere. */
const KEY = new SigningKey('0x' + '11'.repeat(32));

/** The helper contract, by its vector. */
const HELPER = 'create2: helper';

/**
 * What belongs to a vector beside the values that are recomputed. Links say which place of the
 * preimage holds which value of another vector, as `path: "name#value"`.
 */
const INPUTS = ['name', 'kind', 'preimage', 'links'];

/** The sentences of formats.md §2, from a statement's body. */
const TEXTS = {
  'fund/request': (r) =>
    `Request ${r.amount} wei on chain ${r.network.chain} for ${getAddress(r.destination)}: ` +
    r.reason,
  'fund/approve': (a) =>
    `Approve ${a.amount} wei on chain ${a.network.chain} for ${getAddress(a.destination)}, ` +
    `fund request ${a.request}: ${a.reason}`,
  'fund/deny': (d) => `Deny fund request ${d.request}: ${d.reason}`,
  'fund/draw': (t) => transferText('Sent', t),
  'fund/return': (t) => transferText('Returned', t),
  'risk/accept': (r) =>
    `Decide ${r.decision} on ${r.severity} finding ${r.finding} in scope ${r.scopeRoot}: ` +
    r.justification,
  'soak/sample': (s) =>
    `Saw block ${s.block.number} ${s.block.hash} of chain ${s.network.chain} as final: ` +
    `release ${s.release}, deployment ${s.deployment}, state ${s.state}`,
  'soak/withdraw': (w) =>
    `Withdraw soak sample ${w.sample}: block ${w.block.number} of chain ${w.network.chain} is ` +
    `${w.block.hash}: ${w.reason}`,
  result: (r) =>
    `Tried release ${r.release} on chain ${r.network.chain} in transactions ` +
    `${r.transactions.join(', ')}: ${r.reason}`,
  go: (g) =>
    `Go for release ${g.release}${as(g)}, having seen ${g.statements.length} statements and ` +
    `${g.records.length} records with digest ` +
    `${keccak256(concat([...g.statements, ...g.records.map((r) => r.digest)]))}: ${g.reason}`,
  'no-go': (n) => `No-go for release ${n.release}${as(n)}: ${n.reason}`,
  bug: (b) =>
    `Bug of severity ${b.severity}${b.blocking ? ', blocking' : ''} in release ${b.release}: ` +
    `${b.title} ${b.link}`,
  triage: (t) => `Bug ${t.bug} is ${t.resolution}${t.of ? ` of ${t.of}` : ""}: ${t.reason}`,
  freeze: (f) => `Freeze every promotion until ${utc(f.until)}: ${f.reason}`,
  waiver: (w) =>
    `Lower gate ${w.gate} to ${lowered(w.lowers)} for release ${w.release} until ` +
    `${utc(w.until)}: ${w.reason} ${w.link}`,
  'people/key': (c) => `${c.name} holds key ${getAddress(c.key)}`,
  postmortem: (p) => `Post-mortem of release ${p.release}, sha256 ${p.sha256.slice(2)}: ${p.uri}`,
  'audit/revoke': (r) => `Revoke attestation ${r.attestation}: ${r.detail}`,
};

/** The sentence of a statement, from its body, its project and the target's chain. */
function textOf(body, project, chain) {
  const text = TEXTS[body.kind];
  if (text === undefined) throw new Error(`no sentence is known for ${body.kind}`);
  const own = text(body.says);
  if (project === null) return own;
  return `${project.name}, Safe ${getAddress(project.safe)} on chain ${chain}: ${own}`;
}

/** The id of a project on a target's chain. */
const projectOf = (project, chain) =>
  project === null ? ZERO : KINDS.words([
    { number: chain }, { address: project.safe }, { string: project.name },
  ]).digest;

/** What each kind speaks of, from its body and project. */
const SUBJECTS = {
  'fund/request': (r) => r.release ?? ZERO,
  'fund/approve': (d) => d.request,
  'fund/deny': (d) => d.request,
  'fund/draw': (t) => t.request,
  'fund/return': (t) => t.request,
  'risk/accept': (r) => r.scopeRoot,
  'soak/sample': (s) => s.release,
  'soak/withdraw': (w) => w.sample,
  result: (r) => r.release,
  go: (g) => g.release,
  'no-go': (n) => n.release,
  bug: (b) => b.release,
  triage: (t) => t.bug,
  freeze: (_, project) => project,
  waiver: (w) => w.release,
  'people/key': () => ZERO,
  postmortem: (p) => p.release,
  'audit/revoke': (r) => r.attestation,
};

const ZERO = '0x' + '00'.repeat(32);

const as = (says) => (says.discipline === undefined ? '' : ` as ${says.discipline}`);

const utc = (seconds) =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const LOWERED = {
  soakSecs: (n) => `soak ${n} s`,
  audits: (n) => `audits ${n}`,
  transactions: (n) => `transactions ${n}`,
  senders: (n) => `senders ${n}`,
  selectorsPercent: (n) => `functions ${n} %`,
};

const lowered = (lowers) =>
  Object.entries(LOWERED)
    .filter(([key]) => lowers[key] !== undefined)
    .map(([key, words]) => words(lowers[key]))
    .join(', ');

const transferText = (verb, t) =>
  `${verb} ${t.amount} wei under fund request ${t.request} in transaction ${t.transaction} ` +
  `on chain ${t.network.chain}`;

/** Times in a file, of which a number here might not hold every digit. */
const TIMES = /"(issuedAt|validUntil|expiresAt|notBefore|retroDueBy|number)":(\d+)/g;

/** How long a no-go holds. */
const NO_GO_SECS = 3_153_600_000n;

/** Errors of the libraries repeat what they were given, however long it is. */
const MESSAGE_CHARS_MAX = 300;

/** How each kind of vector is recomputed: from the preimage to every value that follows. */
const KINDS = {
  /** Canonical JSON. */
  jcs: (document) => {
    const canonical = canonicalize(document);
    return { digest: keccak256(toUtf8Bytes(canonical)), canonical };
  },
  /** Words laid end to end. */
  words: (words) => ({ digest: keccak256(joined(words)) }),
  /** The same, by groups in the order of their keys' bytes. */
  sorted: (groups) => {
    const bytes = (group) => Buffer.from(group.key, 'utf8');
    const ordered = [...groups].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
    return { digest: keccak256(concat(ordered.map((group) => joined(group.words)))) };
  },
  /** Bytes that are sent as they are. */
  bytes: (words) => sent(joined(words)),
  /** Code with some places zeroed, and what stands at each. */
  template: ({ code, masks }) => {
    const bytes = getBytes(code);
    const places = masks.flatMap(({ start, length, kind, name }) => {
      if (start + length > bytes.length) throw new Error('a place is outside the code');
      bytes.fill(0, start, start + length);
      return [{ number: start }, { number: length }, { string: kind }, { string: name }];
    });
    const masked = { keccak: [{ bytes: hexlify(bytes) }] };
    return { digest: keccak256(joined([{ string: 'template/1' }, masked, ...places])) };
  },
  /** An EIP-712 type. */
  type: (text) => ({ digest: id(text) }),
  /** An EIP-712 domain separator. */
  domain: (domain) => ({ digest: TypedDataEncoder.hashDomain(domain) }),
  /** EIP-712 `hashStruct`. */
  struct: (typed) => ({ digest: structHash(typed) }),
  /** An EIP-712 signing digest, with our signature. */
  typed: (typed) => {
    const digest = TypedDataEncoder.hash(typed.domain, typed.types, typed.message);
    const signature = KEY.sign(digest);
    const signer = computeAddress(KEY.publicKey);
    if (recoverAddress(digest, signature) !== signer) throw new Error('the signature is lost');
    if (typed.domain.name === 'Tidegate') checkDomain(typed.domain);
    if (typed.body !== undefined) checkBody(typed);
    return {
      digest,
      domainHash: TypedDataEncoder.hashDomain(typed.domain),
      structHash: structHash(typed),
      signer: signer.toLowerCase(),
      signature: signature.serialized,
    };
  },
  /** A statement's file: its digest, and who signed. */
  file: (text) => {
    const file = JSON.parse(text.replace(TIMES, '"$1":"$2"'));
    const { type, message } = file.statement;
    const named = message.auditor ?? message.guardian ?? message.signer;
    const domain = domainOf(message.at.chain);
    const digest = TypedDataEncoder.hash(domain, fieldsOf(type), messageOf(type, message));
    // A contract says for itself, on its chain, whether it signed.
    if (file.contract !== undefined) return { digest, signer: named };
    const signer = recoverAddress(digest, file.signature).toLowerCase();
    equal('signature', file.signature, KEY.sign(digest).serialized);
    equal('signer', named, signer);
    return { digest, signer };
  },
  /** Values packed without padding. */
  packed: ({ types, values }) => ({ digest: keccak256(solidityPacked(types, values)) }),
  /** What DSSE signs of a payload. */
  pae: ({ type, body }) => {
    const bytes = Buffer.from(body, 'utf8');
    const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${bytes.length} `;
    const encoded = Buffer.concat([Buffer.from(head, 'utf8'), bytes]);
    const text = encoded.toString('utf8');
    return { digest: keccak256(encoded), pae: text, bytes: encoded.toString('hex') };
  },
  /** A function call. */
  call: ({ function: signature, args }) => {
    const name = signature.slice(0, signature.indexOf('('));
    return sent(new Interface([`function ${signature}`]).encodeFunctionData(name, args));
  },
  /** A batch for MultiSend. */
  batch: (calls) => {
    const types = ['uint8', 'address', 'uint256', 'uint256', 'bytes'];
    const pack = (c) => solidityPacked(types, [0, c.to, c.value, dataLength(c.data), c.data]);
    const abi = new Interface(['function multiSend(bytes transactions) payable']);
    return sent(abi.encodeFunctionData('multiSend', [concat(calls.map(pack))]));
  },
  /** ABI-encoded values. */
  abi: ({ types, values }) => ({ digest: keccak256(encoded(types, values)) }),
  /** A contract created by CREATE2: its address, and the digest of which that is the end. */
  create2: ({ from, salt, code, types, args }) => {
    const file = (path) => readFileSync(join(REPOSITORY, path), 'utf8').trim();
    const bytes = code.file === undefined ? code : file(code.file);
    const initcodeHash = keccak256(concat([bytes, encoded(types, args)]));
    const digest = keccak256(concat(['0xff', from, salt, initcodeHash]));
    const address = getCreate2Address(from, salt, initcodeHash).toLowerCase();
    return { digest, initcodeHash, address };
  },
};

const REQUIRED = {
  bytes: ['data'],
  call: ['data'],
  batch: ['data'],
  create2: ['address'],
};

const encoded = (types, values) => AbiCoder.defaultAbiCoder().encode(types, values);

const sent = (data) => ({ digest: keccak256(data), data });

const joined = (words) => concat(words.map(wordBytes));

/** The bytes of one word of a concatenation, by formats.md §1. */
function wordBytes(word) {
  const entries = Object.entries(word);
  if (entries.length !== 1) throw new Error('a word has one kind');
  const [[kind, value]] = entries;
  switch (kind) {
    case 'string': return id(value);
    case 'number': return toBeHex(BigInt(value), 32);
    case 'address': return exactly(20, value);
    case 'digest': return exactly(32, value);
    case 'bytes': return value;
    case 'ascii': return hexlify(toUtf8Bytes(value));
    case 'keccak': return keccak256(joined(value));
    case 'vector': return recomputed(value).digest;
    default: throw new Error(`no word is a ${kind}`);
  }
}

function exactly(length, bytes) {
  if (dataLength(bytes) !== length) throw new Error(`${bytes} is not ${length} bytes long`);
  return bytes;
}

function structHash({ types, primaryType, message }) {
  const encoder = TypedDataEncoder.from(types);
  if (encoder.primaryType !== primaryType) throw new Error(`the type is ${encoder.primaryType}`);
  const type = encoder.encodeType(primaryType);
  const known = [...vectors.values()].some((v) => v.kind === 'type' && v.preimage === type);
  if (!known) throw new Error(`no vector has the type ${type}`);
  return encoder.hashStruct(primaryType, message);
}

/** The fields of a statement's type, from the vector that has it. */
function fieldsOf(type) {
  const [, fields] = vectors.get(`type ${type}`).preimage.match(/^\w+\((.*)\)$/);
  const field = (text) => {
    const [type, name] = text.split(' ');
    return { name, type };
  };
  return { [type]: fields.split(',').map(field) };
}

/** The domain of statements: the target's chain, and the helper as it is created everywhere. */
function domainOf(chainId) {
  const verifyingContract = recomputed(HELPER).address;
  return { name: 'Tidegate', version: '1', chainId, verifyingContract };
}

function checkDomain(domain) {
  equal('domain', JSON.stringify(domain), JSON.stringify(domainOf(domain.chainId)));
}

/** What is signed, from what a file says. */
function messageOf(type, file) {
  const { at, ...fields } = file;
  const block = { blockNumber: at.number, blockHash: at.hash };
  if (type === 'EmergencyWaiver') {
    const { terms, ...rest } = fields;
    return { ...rest, ...terms, ...block };
  }
  if (type !== 'Statement') return { ...fields, ...block };
  const { body, ...rest } = fields;
  const project = projectOf(fields.project, at.chain);
  const text = textOf(body, fields.project, at.chain);
  const subject = SUBJECTS[body.kind](body.says, project);
  const bodyDigest = KINDS.jcs(body).digest;
  return { ...rest, ...block, project, kind: body.kind, text, subject, bodyDigest };
}

/** Kind, sentence, project, subject and digest in a message follow from body and project. */
function checkBody({ message, body, project, domain }) {
  equal('kind', message.kind, body.kind);
  equal('project', message.project, projectOf(project, domain.chainId));
  equal('text', message.text, textOf(body, project, domain.chainId));
  equal('subject', message.subject, SUBJECTS[body.kind](body.says, message.project));
  equal('bodyDigest', message.bodyDigest, KINDS.jcs(body).digest);
  if (body.kind === 'no-go') {
    equal('expiresAt', BigInt(message.expiresAt), BigInt(message.issuedAt) + NO_GO_SECS);
  }
}

function equal(what, found, expected) {
  if (found !== expected) throw new Error(`${what} is ${found}, recomputed ${expected}`);
}

const vectors = new Map();
const done = new Map();

/** The values of a vector, recomputed from preimages alone. */
function recomputed(name) {
  const vector = vectors.get(name);
  if (vector === undefined) throw new Error(`there is no vector ${name}`);
  if (done.has(name)) return done.get(name);
  done.set(name, { digest: 'its own preimage' });
  const kind = KINDS[vector.kind];
  if (kind === undefined) throw new Error(`no vector is a ${vector.kind}`);
  const values = kind(vector.preimage);
  done.set(name, values);
  return values;
}

function check(vector) {
  const values = recomputed(vector.name);
  for (const name of ['digest', ...(REQUIRED[vector.kind] ?? [])]) {
    if (vector[name] === undefined) throw new Error(`${name} is missing`);
  }
  for (const [name, found] of Object.entries(vector)) {
    if (INPUTS.includes(name)) continue;
    if (values[name] === undefined) throw new Error(`nothing says what ${name} must be`);
    equal(name, found, values[name]);
  }
  for (const [path, target] of Object.entries(vector.links ?? {})) {
    const [name, value = 'digest'] = target.split('#');
    const found = path.split('.').reduce((at, key) => at?.[key], vector.preimage);
    equal(path, found, recomputed(name)[value]);
  }
  for (const [name, expected] of Object.entries(PUBLISHED[vector.name] ?? {})) {
    equal(`published ${name}`, vector[name], expected);
  }
}

function main(folder) {
  let wrong = 0;
  const say = (word, line) => process.stdout.write(`${word.padEnd(5)} ${line}\n`);
  const fault = (line) => {
    wrong += 1;
    say('WRONG', line);
  };
  const files = readdirSync(folder).filter((file) => file.endsWith('.json')).sort();
  for (const file of files) {
    for (const vector of JSON.parse(readFileSync(join(folder, file), 'utf8'))) {
      if (vectors.has(vector.name)) fault(`${file} ${vector.name}: there are two of this name`);
      vectors.set(vector.name, vector);
    }
  }
  for (const vector of vectors.values()) {
    try {
      check(vector);
      say('ok', `${vector.name} ${vector.digest}`);
    } catch (error) {
      fault(`${vector.name}: ${error.message.slice(0, MESSAGE_CHARS_MAX)}`);
    }
  }
  for (const name of Object.keys(PUBLISHED)) {
    if (!vectors.has(name)) fault(`${name}: the published vector is missing`);
  }
  process.exitCode = wrong === 0 && vectors.size > 0 ? 0 : 1;
}

main(process.argv[2] ?? HERE);
