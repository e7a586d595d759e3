// Uploads with @google-cloud/storage, in Node: `node google_cloud_storage.mjs '{"proxy": …}'` prints what came of it.

import process from "node:process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Storage } from "@google-cloud/storage";

const { proxy, ticket, size, isStream, options } = JSON.parse(process.argv[2]);

// docs/clients.md shows what is between these two lines.
const storage = new Storage({
  apiEndpoint: proxy, // such as https://upload.example.com
  projectId: "any",
  retryOptions: { maxRetryDelay: 1 }, // in seconds
});
storage.interceptors.push({
  request: (request) => ({
    ...request,
    headers: { ...request.headers, Authorization: `Bearer ${ticket}` },
  }),
});
const file = storage.bucket("my-bucket").file("uploads/a photo.png");
// docs/clients.md shows what is between these two lines.

const bytes = Buffer.alloc(size);
for (let at = 0; at < size; at++) bytes[at] = at % 251;
const settings = { metadata: { contentType: "image/png", metadata: { by: "me" } }, ...options };

function* pieces() {
  for (let at = 0; at < size; at += 50_000) yield bytes.subarray(at, at + 50_000);
}

try {
  if (isStream) await pipeline(Readable.from(pieces()), file.createWriteStream(settings));
  else await file.save(bytes, settings);
  console.log(`${file.metadata.size} ${file.metadata.contentType}`);
} catch (error) {
  console.log(`${error.code ?? error.name}: ${error.message}`);
}
