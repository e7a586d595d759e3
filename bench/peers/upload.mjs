// One upload with @google-cloud/storage in Node, in a process of its own: takes a job as JSON, and prints what it measured,
// as bench/upload/program.ts does. `meter` is the path of bench/upload/meter.ts as JavaScript.

import process from "node:process";
import { Storage } from "@google-cloud/storage";

const { origin, warmUp, path, validation, meter } = JSON.parse(process.argv[2]);
const { startMeter } = await import(meter);
const bucket = (apiEndpoint) => new Storage({ apiEndpoint, projectId: "any" }).bucket("bucket");

await bucket(warmUp).file("object").save("x", { resumable: false, validation });
const target = bucket(origin);
const stop = startMeter();
const [file] = await target.upload(path, { destination: "object", resumable: true, validation });
console.log(JSON.stringify({ ...stop(), crc32c: file.metadata.crc32c }));
process.exit();
