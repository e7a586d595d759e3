// A folder of files with @google-cloud/storage in Node, in a process of its own: takes a job as JSON, and prints what it
// measured, as bench/many/program.ts does. `meter` is the path of bench/upload/meter.ts as JavaScript.

import { readdir } from "node:fs/promises";
import process from "node:process";
import { Storage, TransferManager } from "@google-cloud/storage";

const { origin, folder, concurrency, how, meter } = JSON.parse(process.argv[2]);
const { startMeter } = await import(meter);
const bucket = new Storage({ apiEndpoint: origin, projectId: "any" }).bucket("bucket");

await bucket.file("warm").save("x", { resumable: false });
const manager = new TransferManager(bucket);
const stop = startMeter();
const paths = (await readdir(folder)).map((name) => `${folder}/${name}`);
const replies = await manager.uploadManyFiles(paths, {
  skipIfExists: true,
  ...(concurrency !== undefined && { concurrencyLimit: concurrency }),
  ...(how === "one request" && { passthroughOptions: { resumable: false } }),
});
const measured = stop();
const uploaded = replies.filter((reply) => reply?.[0]?.metadata?.size !== undefined).length;
console.log(JSON.stringify({ ...measured, uploaded }));
process.exit();
