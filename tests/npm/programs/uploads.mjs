// What somebody does with the package who has installed it from npm, with every entry point: in Node and Bun.

import process from "node:process";
import { driveFile, upload, UploadError, xGoogUpload } from "@resumable-media/upload";
import { staticTokenTransport } from "@resumable-media/upload/auth";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";
import worker, { createUploadProxy, signUploadTicket } from "@resumable-media/upload/worker";

const gcs = new GcsEmulator();
const server = await serveEmulator(gcs);
const bytes = new Uint8Array(1_000_003).map((_, i) => i * 7);
const target = { bucket: "my-bucket", name: "a b/ü.bin", endpoint: server.origin };

const transport = staticTokenTransport("ya29.a0", { origins: [server.origin] });
const object = await upload(bytes, { ...target, transport, chunkSize: 262_144, checksum: "md5" });
const stored = gcs.get("my-bucket", "a b/ü.bin");

const secret = crypto.randomUUID();
const proxy = createUploadProxy({
  transport: gcs.fetch,
  fetch: gcs.fetch,
  bucket: "my-bucket",
  tickets: { secret },
  sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"],
});
const ticket = await signUploadTicket(secret, { subject: "me", prefix: "p/" }, { expiresIn: 60 });
const proxied = await upload("hello", {
  endpoint: "https://proxy.example",
  bucket: "my-bucket",
  name: "p/hello.txt",
  headers: { authorization: `Bearer ${ticket}` },
  transport: (url, init) => proxy.fetch(new Request(url, init)),
});
await server.close();

const holds = {
  "the bytes are stored": stored.bytes.every((byte, i) => byte === bytes[i]) &&
    stored.bytes.length === bytes.length,
  "the reply is the object": object.size === String(bytes.length) || object.size === bytes.length,
  "MD5 is there": typeof object.md5Hash === "string",
  "the proxy passes bytes on": Number(proxied.size) === 5,
  "values are exported": typeof driveFile === "object" && typeof xGoogUpload === "object",
  "errors are exported": typeof UploadError === "function",
  "the worker is the default export": typeof worker.fetch === "function",
};
for (const [what, held] of Object.entries(holds)) {
  if (!held) {
    console.error(`does not hold: ${what}`);
    process.exitCode = 1;
  }
}
console.log("uploaded", object.size);
