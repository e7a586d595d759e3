// Runs over many files that fail at once, and writes how much memory is in use after a tenth of them and after all.

import { uploadMany } from "../../src/parallel/mod.ts";

const FILES = 200_000;
const collect = (globalThis as { gc?: () => void }).gc!;
const used: number[] = [];
let heard = 0;

function* files() {
  for (let i = 0; i < FILES; i++) {
    yield { name: `folder/file ${i}`, source: () => Promise.reject(new Error(`file ${i}`)) };
  }
}

const { failed } = await uploadMany(files(), {
  bucket: "my-bucket",
  onResult() {
    if (++heard !== FILES / 10 && heard !== FILES) return;
    collect();
    used.push(Deno.memoryUsage().heapUsed);
  },
});
if (failed !== FILES) throw new Error(`${failed} results`);
console.log(JSON.stringify(used));
