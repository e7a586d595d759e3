// Uploads with tus-js-client, in Node: `node upload.mjs '{"version": "v4", …}'` prints what came of it.

import { Buffer } from "node:buffer";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { Readable } from "node:stream";

const { version, proxy, bucket, ticket, size, source, options, abortAfter, then } = JSON.parse(
  process.argv[2],
);
const require = createRequire(new URL(`${version}/`, import.meta.url));
const tus = require("tus-js-client");

const bytes = Buffer.alloc(size);
for (let at = 0; at < size; at++) bytes[at] = at % 251;

function* pieces() {
  for (let at = 0; at < size; at += 50_000) yield bytes.subarray(at, at + 50_000);
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "tus-"));
const sources = {
  buffer: () => bytes,
  stream: () => Readable.from(pieces(), { objectMode: false }), // else each piece is a request
  blob: () => new Blob([bytes]),
  webStream: () => new Blob([bytes]).stream(),
  file: () => {
    fs.writeFileSync(path.join(folder, "file"), bytes);
    return fs.createReadStream(path.join(folder, "file"));
  },
};

// docs/clients.md shows what is between these two lines.
const settings = {
  endpoint: `${proxy}/upload/storage/v1/b/${bucket}/o`, // of https://upload.example.com, say
  headers: { Authorization: `Bearer ${ticket}` },
  metadata: { filename: "a photo.png", filetype: "image/png" },
  chunkSize: 8 * 1024 * 1024, // a multiple of 262144, not above the proxy's MAX_CHUNK_BYTES
};
// docs/clients.md shows what is between these two lines.

/** Where the URLs of unfinished uploads are kept. */
const urlStorage = then === "find" ? new tus.FileUrlStorage(path.join(folder, "urls")) : undefined;

/** Uploads, and gives the upload and how it ended; it is aborted when so many bytes are stored. */
function run(others, abortAt = Infinity) {
  return new Promise((resolve) => {
    const upload = new tus.Upload(sources[source](), {
      ...settings,
      retryDelays: [0, 10, 50, 100],
      ...(urlStorage && { urlStorage }),
      ...others,
      onSuccess: () => resolve({ upload, said: "success" }),
      onError: (error) => resolve({ upload, said: `error: ${error.message}` }),
      onChunkComplete: (_size, stored) => {
        if (stored < abortAt || stored === size) return;
        upload.abort().then(() => resolve({ upload, said: "aborted" }));
      },
    });
    if (!urlStorage) return upload.start();
    upload.findPreviousUploads().then(([previous]) => {
      if (previous) upload.resumeFromPreviousUpload(previous);
      upload.start();
    });
  });
}

let { upload, said } = await run(options, abortAfter);
const all = [said];
if (then === "resume") {
  ({ upload, said } = await run({ ...options, uploadUrl: upload.url }));
  all.push(said);
} else if (then === "find") {
  ({ said } = await run(options));
  all.push(said);
} else if (then === "terminate") {
  await upload.abort(true).then(() => all.push("terminated"), (error) => all.push(error.message));
  ({ said } = await run({ ...options, endpoint: undefined, uploadUrl: upload.url }));
  all.push(said);
}
console.log(all.join(", "));
fs.rmSync(folder, { recursive: true });
