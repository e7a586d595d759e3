/**
 * Uploads so many bytes, which are made when they are asked for, and prints the peak of the memory (RSS, in bytes; Linux only).
 *
 * Usage: `memory ORIGIN session|media|multipart BYTES`
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { MultipartUpload, SimpleUpload, upload } from "../../../mod.ts";

const [origin, way, bytes] = process.argv.slice(2);
const size = Number(bytes);
let read = 0;
const source = {
  size,
  read(offset: number, length: number): Promise<Uint8Array> {
    read += length;
    return Promise.resolve(new Uint8Array(length).fill(offset >>> 20));
  },
};

const url = `${origin}/upload/storage/v1/b/bucket/o?uploadType=${way}&name=${way}`;
if (way === "session") await upload(source, { bucket: "bucket", name: way, endpoint: origin });
if (way === "media") await new SimpleUpload(url).transmit(fetch, source, "a/b");
if (way === "multipart") await new MultipartUpload(url).transmit(fetch, source, {}, "a/b");
if (read !== size) throw new Error(`${read} of ${size} bytes were read`);
// Not what getrusage says: there a process begins with the peak of the one that has started it.
const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1];
console.log("report", JSON.stringify({ peak: Number(peak) * 1024 }));
