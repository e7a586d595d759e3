// One upload with tus-js-client in Node, in a process of its own: takes a job as JSON, and prints what it measured, as
// bench/upload/program.ts does. tus says nothing of the bytes: the sink is asked for their CRC32C.

import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import process from "node:process";
import * as tus from "tus-js-client";

const { origin, warmUp, path, meter } = JSON.parse(process.argv[2]);
const { startMeter } = await import(meter);

/** Uploads; the URL where the upload is. */
function upload(source, endpoint) {
  return new Promise((resolve, reject) => {
    const one = new tus.Upload(source, {
      endpoint: `${endpoint}/tus/`,
      onSuccess: () => resolve(one.url),
      onError: reject,
    });
    one.start();
  });
}

await upload(Buffer.from("x"), warmUp);
const stop = startMeter();
const url = await upload(createReadStream(path), origin);
const measured = stop();
const { crc32c } = await (await fetch(url)).json();
console.log(JSON.stringify({ ...measured, crc32c }));
process.exit();
