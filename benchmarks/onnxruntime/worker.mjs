// SPDX-License-Identifier: MIT
// ONNX Runtime's side of a timing in turns: runs a network that export.py wrote once for every line that it is sent and
// answers with its milliseconds; at the end of its input it says its peak memory in MiB.
//
// usage: worker.mjs PACKAGES FOLDER THREADS [--check]   --check: runs it once, and fails where PyTorch's outputs differ
//        worker.mjs PACKAGES                            the version
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [packages, folder, threads, check] = process.argv.slice(2);
const ort = createRequire(`${packages}/`)("onnxruntime-node");
const arrays = { float32: Float32Array, int64: BigInt64Array };
const tolerance = 1e-5; // of the largest number of an output

/// A tensor that export.py wrote.
function tensor(name, { type, shape }) {
  const bytes = readFileSync(`${folder}/${name}.bin`);
  const numbers = new arrays[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return new ort.Tensor(type, numbers, shape);
}

/// The largest difference of two tensors' numbers over the largest number.
function difference(found, expected) {
  if (String(found.dims) !== String(expected.dims)) return Infinity;
  let apart = 0;
  let largest = 0;
  expected.data.forEach((number, i) => {
    const off = Math.abs(Number(number) - Number(found.data[i]));
    apart = Math.max(apart, Number.isNaN(off) ? Infinity : off);
    largest = Math.max(largest, Math.abs(Number(number)));
  });
  return apart / largest;
}

if (folder === undefined) {
  console.log(`ONNX Runtime ${ort.env.versions.node}`);
  process.exit();
}
const { y: described, ...inputs } = JSON.parse(readFileSync(`${folder}/tensors.json`));
const feeds = Object.fromEntries(Object.entries(inputs).map(([name, of]) => [name, tensor(name, of)]));
const session = await ort.InferenceSession.create(`${folder}/network.onnx`, {
  executionProviders: ["cpu"],
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  enableCpuMemArena: true,
  enableMemPattern: true,
  logSeverityLevel: 3, // a warning for each extent that grows would take time
});
if (check === "--check") {
  const apart = difference((await session.run(feeds)).y, tensor("y", described));
  if (apart <= tolerance) process.exit();
  console.error(`ONNX Runtime is ${apart} from PyTorch in ${folder}, needs ${tolerance}: it is not timed`);
  process.exit(1);
}
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  await session.run(feeds);
  console.log(performance.now() - start);
}
console.log(process.resourceUsage().maxRSS / 1024);
