/**
 * A whole upload over a network that fails, on this machine and without an account.
 *
 * ```sh
 * deno task demo [FILE]
 * ```
 *
 * It uploads the file to an emulated Google on a real connection, which is cut in the middle of a chunk and once more
 * before the last reply, and compares what was stored with the file. The exit status is 0 only if both are the same,
 * 2 for arguments that it cannot use.
 *
 * @module
 */

import { upload, UPLOAD_CHUNK_SIZE } from "@resumable-media/upload";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { compare } from "./demo/compare.ts";
import { narrated, readable, Show } from "./demo/show.ts";
import { serveEmulator } from "./emulator/node.ts";
import { type FileSource, fileSource } from "./file_source.ts";

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
Deno.exitCode = await demo(path, file) ? 0 : 1;

/** Uploads the file; whether the object is the same. */
async function demo(path: string, file: FileSource): Promise<boolean> {
  const show = new Show();
  const kept = file.size <= KEPT;
  // Hashing with MD5 costs time, and is needed only where there are no bytes to compare.
  const gcs = new GcsEmulator({ store: kept ? "keep" : "discard", md5: !kept });
  const chunkSize = chunkSizeFor(file.size);
  breakThings(gcs, file.size, chunkSize);
  const server = await serveEmulator(gcs);
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 }); // a new connection for each request
  try {
    show.say(`${path}: ${readable(file.size)}, in chunks of ${readable(chunkSize)}`);
    if (!kept) show.say("too large to keep: it is counted and hashed, and compared by that");
    show.say(`to ${server.origin}, an emulated Google Cloud Storage in this process`);
    show.say(
      "on the way the connection is cut in the middle of a chunk, and the last reply is lost",
    );
    const start = performance.now();
    const object = await upload(file, {
      bucket: "demo-bucket",
      name: path.split(/[\\/]/).at(-1)!,
      endpoint: server.origin,
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
    show.say(`uploaded in ${seconds.toFixed(2)} s, ${speed}/s, client and server together`);
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
  }
}

/** About ten chunks, so that there is something to see; at most 8 MiB each. */
function chunkSizeFor(size: number): number {
  const units = Math.ceil(size / 10 / UPLOAD_CHUNK_SIZE);
  return Math.min(32, Math.max(1, units)) * UPLOAD_CHUNK_SIZE;
}

/** Cuts the connection in the middle of a chunk that is neither the first nor the last, and loses the last reply. */
function breakThings(gcs: GcsEmulator, size: number, chunkSize: number): void {
  const skip = Math.floor(0.4 * Math.floor(size / chunkSize));
  const cut = Math.floor(0.6 * Math.min(size, chunkSize));
  gcs.inject(
    { on: ["chunk", "final"], skip, cut },
    { on: ["final", "finalize"], drop: "after" },
  );
}
