// One upload with @google/genai in Node, in a process of its own: takes a job as JSON, and prints what it measured, as
// bench/upload/program.ts does. The sink says its CRC32C where the API has a SHA-256, which the client hands on.

import process from "node:process";
import { GoogleGenAI } from "@google/genai";

const { origin, warmUp, path, meter } = JSON.parse(process.argv[2]);
const { startMeter } = await import(meter);
const files = (baseUrl) => new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl } }).files;
const config = { mimeType: "application/octet-stream" };

await files(warmUp).upload({ file: new Blob(["x"]), config });
const target = files(origin);
const stop = startMeter();
const { sha256Hash } = await target.upload({ file: path, config });
console.log(JSON.stringify({ ...stop(), crc32c: sha256Hash }));
process.exit();
