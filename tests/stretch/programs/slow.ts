/**
 * Uploads 24 MiB, and prints which requests it took.
 *
 * Usage: `slow ORIGIN STALL_TIMEOUT`
 *
 * @module
 */

import process from "node:process";
import { upload } from "../../../mod.ts";

const [origin, stallTimeout] = process.argv.slice(2);
const size = 24 * 1_048_576 + 1;
const source = {
  size,
  read: (_: number, length: number): Promise<Uint8Array> => Promise.resolve(new Uint8Array(length)),
};
const kinds: string[] = [];
await upload(source, {
  bucket: "bucket",
  name: "slow",
  endpoint: origin,
  retry: { stallTimeout: Number(stallTimeout) },
  transport: (input, init) => {
    kinds.push(new Headers(init.headers).get("content-range") ?? "start");
    return fetch(input, init);
  },
});
console.log("report", JSON.stringify({ kinds, size }));
