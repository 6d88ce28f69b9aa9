// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs `soljson.js`, which is the compiler of Solidity as WebAssembly, so that it answers like the native `solc`
// binary. Nothing else of an npm package is read: the file's SHA-256 is an argument, and a file with another one is not
// run. It runs in a context of its own, which has neither modules nor a process, no files and no network.
//
//   node solcjs.cjs SOLJSON SHA256 (--version | --standard-json | --standard-json-frames)
//
// `--standard-json-frames` is several inputs, answered in their order by one compiler, as loading it and warming it up
// takes most of a short compilation. Each input and each answer is its length in bytes as decimal digits, a line feed,
// and the bytes.

"use strict";

const fs = require("node:fs");
const vm = require("node:vm");
const { createHash } = require("node:crypto");

// What is recognised and has no meaning here, since every source is inline: true where a value follows.
const IGNORED = new Map([
  ["--base-path", true],
  ["--include-path", true],
  ["--allow-paths", true],
  ["-", false],
]);

/** The compiler in this file, if it is the one with this digest. */
function load(path, sha256) {
  const bytes = fs.readFileSync(path);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) throw new Error(`the SHA-256 of ${path} is ${found}, not ${sha256}`);
  // It says on the console what it also answers; and older ones decode themselves slowly without `atob`.
  const console = { log() {}, warn() {}, error() {} };
  const context = vm.createContext({ console, atob });
  vm.runInContext(bytes.toString("utf8"), context, { filename: "soljson.js" });
  const { Module } = context;
  if (!Module?._solidity_compile || !Module?._solidity_version) {
    throw new Error("this compiler is too old: versions from 0.5.0 on can be asked");
  }
  const compile = Module.cwrap("solidity_compile", "string", ["string", "number", "number"]);
  return {
    version: Module.cwrap("solidity_version", "string", []),
    // Without a callback, what is not among the inline sources is missing, as it is for the native binary.
    compile(input) {
      const answer = compile(input, 0, 0);
      // The answer was copied; only this frees it.
      Module._solidity_reset?.();
      return Buffer.from(answer, "utf8");
    },
  };
}

async function stdin() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The inputs of standard input, each as soon as it is whole. */
async function* frames() {
  let [rest, wanted, chunks, have] = [Buffer.alloc(0), null, [], 0];
  for await (const chunk of process.stdin) {
    if (wanted === null) rest = Buffer.concat([rest, chunk]);
    else [chunks, have] = [[...chunks, chunk], have + chunk.length];
    for (;;) {
      if (wanted === null) {
        const end = rest.indexOf(10);
        if (end < 0) break;
        const digits = rest.subarray(0, end).toString("latin1");
        if (!/^[0-9]{1,10}$/.test(digits)) throw new Error(`${JSON.stringify(digits)} is no length`);
        wanted = Number(digits);
        [chunks, have] = [[rest.subarray(end + 1)], rest.length - end - 1];
      }
      if (have < wanted) break;
      const all = Buffer.concat(chunks);
      yield all.subarray(0, wanted);
      [rest, wanted] = [all.subarray(wanted), null];
    }
  }
  if (wanted !== null || rest.length > 0) throw new Error("an input ends early");
}

/** Writes one part of the output; resolves when there is room for the next. */
function write(part) {
  return new Promise((resolve) => process.stdout.write(part, resolve));
}

/** The one thing that is asked for. */
function request(args) {
  let asked = null;
  for (let i = 0; i < args.length; i++) {
    const [name, value] = args[i].split("=", 2);
    if (REQUESTS.has(args[i])) asked ??= args[i];
    else if (!IGNORED.has(name)) throw new Error(`option ${JSON.stringify(args[i])} is not known here`);
    else if (IGNORED.get(name) && value === undefined) i++;
  }
  if (!asked) throw new Error("either --version or --standard-json is needed");
  return REQUESTS.get(asked);
}

const REQUESTS = new Map([
  [
    "--version",
    async (compiler) => write(`solc, the solidity compiler commandline interface\nVersion: ${compiler.version()}\n`),
  ],
  [
    "--standard-json",
    async (compiler) => {
      await write(compiler.compile((await stdin()).toString("utf8")));
      await write("\n");
    },
  ],
  [
    "--standard-json-frames",
    async (compiler) => {
      for await (const input of frames()) {
        const answer = compiler.compile(input.toString("utf8"));
        await write(`${answer.length}\n`);
        await write(answer);
      }
    },
  ],
]);

async function main([path, sha256, ...args]) {
  const answer = request(args);
  await answer(load(path, sha256));
}

// One compilation is short: optimising all of the compiler first takes longer than it saves. A flag that another version
// of node does not know costs a line on stderr.
require("node:v8").setFlagsFromString("--wasm-tiering-budget=20000000");
// A reader that has seen enough closes the pipe; that ends this process without a trace of its own.
process.stdout.on("error", () => process.exit(1));
main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`solc: ${String(error.message).split("\n", 1)[0]}\n`, () => process.exit(1));
  },
);
