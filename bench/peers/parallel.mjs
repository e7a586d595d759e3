// One upload in parts with @google-cloud/storage in Node, in a process of its own: takes a job as JSON, and prints what it
// measured, as bench/parallel/program.ts does. `meter` is the path of bench/upload/meter.ts as JavaScript.

import { createRequire } from "node:module";
import process from "node:process";
import { Storage, TransferManager } from "@google-cloud/storage";

const { PassThroughClient } = createRequire(import.meta.resolve("@google-cloud/storage"))(
  "google-auth-library",
);

const { origin, warmUp, path, concurrency, meter } = JSON.parse(process.argv[2]);
const { startMeter } = await import(meter);

/** The client names the bucket in the host, without a port: its requests are led to the server. */
function manager(origin) {
  const authClient = new PassThroughClient();
  const send = authClient.request.bind(authClient);
  authClient.request = (options) => {
    const { hostname, pathname, search } = new URL(options.url ?? options.uri);
    const bucket = hostname.split(".")[0];
    return send({ ...options, url: `${origin}/${bucket}${pathname}${search}` });
  };
  const apiEndpoint = origin.replace("127.0.0.1", "localhost");
  const storage = new Storage({ apiEndpoint, authClient, projectId: "any" });
  return new TransferManager(storage.bucket("bucket"));
}

async function send(origin, path) {
  const response = await manager(origin).uploadFileInChunks(path, {
    uploadName: "object",
    concurrencyLimit: concurrency,
  });
  // It resolves with nothing where it has given up.
  if (response?.status !== 200) throw new Error(`resolved with ${response?.status}`);
}

await send(warmUp, process.argv[1]);
const stop = startMeter();
await send(origin, path);
const measured = stop();
const object = await (await fetch(`${warmUp}/storage/v1/b/bucket/o/object`)).json();
console.log(JSON.stringify({ ...measured, crc32c: object.crc32c }));
process.exit();
