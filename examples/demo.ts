/**
 * A whole upload over a network that fails, on this machine and without an account.
 *
 * ```sh
 * deno task demo [FILE]
 * ```
 *
 * It uploads the file with a ticket through the edge proxy to an emulated Google, on real connections. The one to the
 * proxy is cut in the middle of a chunk and once more before the last reply. What was stored is compared with the file:
 * the exit status is 0 only if both are the same, 2 for arguments that it cannot use.
 *
 * @module
 */

import { upload, UPLOAD_CHUNK_SIZE } from "@resumable-media/upload";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { fileSource, type RegularFileSource } from "@resumable-media/upload/file";
import { createUploadProxy, signUploadTicket } from "@resumable-media/upload/worker";
import { compare } from "./demo/compare.ts";
import { narrated, readable, Show } from "./demo/show.ts";
import { unreliable } from "./demo/unreliable.ts";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";

/** Above this, in bytes, what is uploaded is not kept in memory. */
const KEPT = 1024 ** 3;

const [path = Deno.execPath(), ...others] = Deno.args;
if (others.length > 0 || path.startsWith("-")) {
  console.error("usage: deno task demo [FILE]");
  Deno.exit(2);
}
const file = await fileSource(path).catch((error: Error) => {
  console.error(`cannot read ${path}: ${error.message}`);
  Deno.exit(2);
});
if (file.kind !== "file") {
  console.error(`cannot use ${path}: a file is needed, whose size is known`);
  Deno.exit(2);
}
Deno.exitCode = await demo(path, file) ? 0 : 1;

/** Uploads the file; whether the object is the same. */
async function demo(path: string, file: RegularFileSource): Promise<boolean> {
  const show = new Show();
  const kept = file.size <= KEPT;
  // Hashing with MD5 costs time, and is needed only where there are no bytes to compare.
  const gcs = new GcsEmulator({ store: kept ? "keep" : "discard", md5: !kept });
  const chunkSize = chunkSizeFor(file.size);
  const google = await serveEmulator(gcs);
  const secret = crypto.randomUUID();
  const proxy = createUploadProxy({
    endpoint: google.origin,
    transport: fetch, // the emulator wants no credentials
    bucket: "demo-bucket",
    tickets: { secret },
    sessionSecrets: [sessionSecret()],
  });
  const server = await serveEmulator(unreliable(proxy, file.size, chunkSize));
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 }); // a new connection for each request
  try {
    show.say(`${path}: ${readable(file.size)}, in chunks of ${readable(chunkSize)}`);
    if (!kept) show.say("too large to keep: it is counted and hashed, and compared by that");
    show.say(`to the proxy at ${server.origin}, which has an emulated Google at ${google.origin}`);
    show.say("the connection to it is cut in the middle of a chunk, and the last reply is lost");
    // What a backend of yours would hand to its client.
    const ticket = await signUploadTicket(secret, { subject: "demo", prefix: "" }, {
      expiresIn: 60,
    });
    const start = performance.now();
    const object = await upload(file, {
      bucket: "demo-bucket",
      name: path.split(/[\\/]/).at(-1)!,
      endpoint: server.origin,
      headers: { authorization: `Bearer ${ticket}` },
      chunkSize,
      retry: { initialDelay: 200 },
      transport: narrated(
        (input, init) => fetch(input, { ...init, client }),
        (text) => show.say(text),
      ),
      onProgress: (progress) => show.progress(progress),
    });
    const seconds = (performance.now() - start) / 1000;
    show.say(JSON.stringify(object, null, 2));
    const speed = readable(file.size / seconds);
    show.say(`uploaded in ${seconds.toFixed(2)} s, ${speed}/s, client, proxy and server together`);
    show.say(`crc32c ${object.crc32c}: that of the bytes read, as the library has checked`);
    const { same, how, md5 } = await compare(path, gcs.objects[0]);
    show.say(`compared ${how}: ${same ? "the same" : "DIFFERENT"}; MD5 ${md5}`);
    return same;
  } catch (error) {
    show.say(`the upload failed: ${error}`);
    return false;
  } finally {
    client.close();
    await server.close();
    await google.close();
  }
}

/** About ten chunks, so that there is something to see; at most 8 MiB each. */
function chunkSizeFor(size: number): number {
  const units = Math.ceil(size / 10 / UPLOAD_CHUNK_SIZE);
  return Math.min(32, Math.max(1, units)) * UPLOAD_CHUNK_SIZE;
}

/** 32 random bytes in base64url. */
function sessionSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replace(
    /[+/=]/g,
    (c) => ({ "+": "-", "/": "_" })[c] ?? "",
  );
}
