// Uploads a file with @google-cloud/storage, in Node: `node round_trips.mjs '{"origin": …, "bucket": …, "name": …,
// "path": …}'`, perhaps with `chunkSize`, prints why it failed, if it does.

import process from "node:process";
import { Storage } from "@google-cloud/storage";

const { origin, bucket, name, path, chunkSize } = JSON.parse(process.argv[2]);

const storage = new Storage({
  apiEndpoint: origin,
  projectId: "any",
  retryOptions: { maxRetryDelay: 1 }, // in seconds; it refuses less
});
try {
  await storage.bucket(bucket).upload(path, {
    destination: name,
    chunkSize,
    validation: "crc32c",
    preconditionOpts: { ifGenerationMatch: 0 },
  });
} catch (error) {
  console.log(`${error.code ?? error.name}: ${error.message}`);
}
