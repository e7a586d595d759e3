// One upload with @google-cloud/storage in Node, in a process of its own: `node upload.mjs '{"origin": …}'` prints what it
// measured, as bench/upload/program.ts does.

import process from "node:process";
import { Storage } from "@google-cloud/storage";

const { origin, path, chunkSize, validation } = JSON.parse(process.argv[2]);
const storage = new Storage({ apiEndpoint: origin, projectId: "any" });

const cpu = process.cpuUsage();
const start = performance.now();
const options = { destination: "object", resumable: true, chunkSize, validation };
const [file] = await storage.bucket("bucket").upload(path, options);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({
  seconds,
  cpuSeconds: (user + system) / 1e6,
  peakRss: process.resourceUsage().maxRSS * 1024,
  crc32c: file.metadata.crc32c,
}));
process.exit();
