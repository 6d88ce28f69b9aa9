#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Makes the npm package `solc`, which is the compiler as WebAssembly, answer like the native `solc` binary, so
// that whoever drives a compiler by its path (this tool, forge) can drive this one. Only what such a driver asks
// for is here: `--version` and `--standard-json`. For this tool alone there is `--standard-json-frames`: several
// inputs, answered in their order by one compiler, as loading it and warming it up takes most of a short
// compilation. Each input and each answer is its length in bytes as decimal digits, a line feed, and the bytes.
//
// The tool writes this file into its cache with the package's folder in place of the one placeholder below.

"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { isMainThread, parentPort, Worker, workerData } = require("node:worker_threads");

const SOLC_PACKAGE = __SOLC_PACKAGE__;

// What is recognised and has no meaning here, since every source is inline: true where a value follows.
const IGNORED = new Map([
  ["--base-path", true],
  ["--include-path", true],
  ["--allow-paths", true],
  ["-", false],
]);

// WebAssembly frames live on the thread's stack, and the code generator recurses along the source's nesting. The
// main thread's stack is bound by the shell's limit, and raising V8's idea of it beyond that limit crashes, so the
// compiler runs in a worker, whose stack is really allocated at this size.
const STACK_MB = 256;

/** Loads the compiler, which takes most of a second. */
function load() {
  const wrapper = require(path.join(SOLC_PACKAGE, "wrapper.js"));
  return wrapper(require(path.join(SOLC_PACKAGE, "soljson.js")));
}

/** Serves in the worker, until the port is closed: the version if asked for, or one answer an input. */
function serve() {
  const compiler = load();
  if (workerData === "version") {
    parentPort.postMessage(compiler.version());
    return;
  }
  const callbacks = { import: (name) => ({ error: `${name} is not among the inline sources` }) };
  parentPort.on("message", (input) => {
    const answer = new TextEncoder().encode(compiler.compile(new TextDecoder().decode(input), callbacks));
    parentPort.postMessage(answer, [answer.buffer]);
  });
}

/** A compiler in a worker. One that crashes, or stops without having answered, is an error. */
class Compiler {
  constructor(request) {
    this.worker = new Worker(__filename, { workerData: request, resourceLimits: { stackSizeMb: STACK_MB } });
    this.stopped = new Promise((_, reject) => {
      this.worker.once("error", reject);
      this.worker.once("exit", (code) => reject(new Error(`the compiler stopped with code ${code}`)));
    });
    this.stopped.catch(() => {});
  }

  /** The next message. */
  answer() {
    return Promise.race([new Promise((resolve) => this.worker.once("message", resolve)), this.stopped]);
  }

  /** The answer to an input, both as bytes. */
  compile(input) {
    this.worker.postMessage(input);
    return this.answer();
  }
}

/**
 * The compiler's long version. It is compressed inside the compiler and nowhere else in the package, so reading it
 * means loading the compiler; as drivers ask for it at every start, the answer is kept beside this file, bound to
 * the compiler's own bytes so that it can never speak of another one.
 */
async function version() {
  const bytes = fs.readFileSync(path.join(SOLC_PACKAGE, "soljson.js"));
  const digest = require("node:crypto").createHash("sha256").update(bytes).digest("hex");
  const kept = `${__filename}.version`;
  try {
    const [of, answer] = fs.readFileSync(kept, "utf8").trim().split(" ");
    if (of === digest && answer) return answer;
  } catch {
    // Nothing kept yet.
  }
  const answer = await new Compiler("version").answer();
  try {
    // Renamed into place, so that another process never reads half a line.
    const draft = `${kept}.${process.pid}`;
    fs.writeFileSync(draft, `${digest} ${answer}\n`);
    fs.renameSync(draft, kept);
  } catch {
    // A folder that cannot be written costs time, not the answer.
  }
  return answer;
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

async function main(args) {
  let request = null;
  for (let i = 0; i < args.length; i++) {
    const [name, value] = args[i].split("=", 2);
    if (REQUESTS.has(args[i])) {
      request ??= args[i];
    } else if (IGNORED.has(name)) {
      if (IGNORED.get(name) && value === undefined) i++;
    } else {
      throw new Error(`option ${JSON.stringify(args[i])} is not known to the WebAssembly compiler's wrapper`);
    }
  }
  const answer = REQUESTS.get(request);
  if (!answer) throw new Error("either --version or --standard-json is needed");
  await answer();
}

const REQUESTS = new Map([
  ["--version", async () => write(`solc, the solidity compiler commandline interface\nVersion: ${await version()}\n`)],
  [
    "--standard-json",
    async () => {
      const compiler = new Compiler("compile");
      await write(await compiler.compile(await stdin()));
      await write("\n");
    },
  ],
  [
    "--standard-json-frames",
    async () => {
      const compiler = new Compiler("compile");
      for await (const input of frames()) {
        const answer = await compiler.compile(input);
        await write(`${answer.length}\n`);
        await write(answer);
      }
    },
  ],
]);

if (isMainThread) {
  // One compilation is short: optimising all of the compiler first takes longer than it saves. A flag that another
  // version of node does not know costs a line on stderr.
  require("node:v8").setFlagsFromString("--wasm-tiering-budget=20000000");
  // A reader that has seen enough closes the pipe; that ends this process without a trace of its own.
  process.stdout.on("error", () => process.exit(1));
  main(process.argv.slice(2)).then(
    // The worker would wait for more.
    () => process.exit(0),
    (error) => {
      process.stderr.write(`solc: ${String(error.message).split("\n", 1)[0]}\n`, () => process.exit(1));
    },
  );
} else {
  serve();
}
