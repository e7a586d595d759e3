/**
 * Goes on with an upload after the process has died. Start an emulator, then this, twice: the first run kills
 * itself half way, the second one sends what is missing.
 *
 * ```sh
 * deno run --allow-net --allow-env=PORT examples/emulator/node.ts &
 * deno run --allow-all examples/resume_after_crash.ts http://127.0.0.1:8085 FILE
 * deno run --allow-all examples/resume_after_crash.ts http://127.0.0.1:8085 FILE
 * ```
 *
 * @module
 */

import { type Checkpoint, upload } from "@resumable-media/upload";
import { fileSource } from "@resumable-media/upload/file";

const [endpoint, path] = Deno.args;
if (path === undefined) {
  console.error("usage: deno run --allow-all examples/resume_after_crash.ts ORIGIN FILE");
  Deno.exit(2);
}
const notes = `${path}.upload.json`;

/** The checkpoint of the run before, if there was one. */
async function load(): Promise<Checkpoint | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(notes));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Replaces the file in one step, so that a crash leaves the old one or the new one; it holds a secret. */
async function save(checkpoint: Checkpoint): Promise<void> {
  await Deno.writeTextFile(`${notes}.new`, JSON.stringify(checkpoint), { mode: 0o600 });
  await Deno.rename(`${notes}.new`, notes);
}

const source = await fileSource(path);
const checkpoint = await load();
if (checkpoint) console.log(`going on; ${checkpoint.persisted} bytes were stored`);

const object = await upload(source, {
  ...(checkpoint ? { checkpoint } : { bucket: "my-bucket", name: "my file", endpoint }),
  chunkSize: 1024 * 1024,
  async onCheckpoint(latest) {
    await save(latest);
    // Only for the show: a run that began anew does not live to see the end.
    if (!checkpoint && latest.persisted >= (source.size ?? 0) / 2) Deno.kill(Deno.pid, "SIGKILL");
  },
});
await Deno.remove(notes);
console.log(`${object.name}: ${object.size} bytes, crc32c ${object.crc32c}`);
