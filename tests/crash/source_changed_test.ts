// Between two processes the file becomes another one.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Checkpoint, upload, UploadError } from "../../mod.ts";
import { fileSource } from "../../src/file/mod.ts";
import { difference } from "../e2e/support.ts";
import { inFolder } from "../e2e/support.ts";
import { chance, CHUNK, randomBytes, slowGoogle, start } from "./support.ts";
import { until } from "../support/until.ts";

const PROGRAM = ["run", "--quiet", "--allow-all", "--no-check", "examples/resume_after_crash.ts"];

const CHANGES: Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>> = {
  "one bit of what is stored": (bytes) => flipped(bytes, CHUNK / 2),
  "the first byte": (bytes) => flipped(bytes, 0),
  "more bytes": (bytes) => new Uint8Array([...bytes, 1, 2, 3]),
  "fewer bytes": (bytes) => bytes.slice(0, -1),
  "no bytes": () => new Uint8Array(),
};

function flipped(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy[at] ^= 1;
  return copy;
}

/** Writes the file so that nothing but its bytes and its size can tell. */
async function write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await Deno.writeFile(file, bytes);
  await Deno.utime(file, 981_173_106, 981_173_106);
}

Deno.test("after a kill, a file that is another one is refused, and the true one can still go on", async () => {
  const random = chance("changing the file");
  await using google = await slowGoogle();
  await inFolder(async (folder) => {
    const file = `${folder}/file`;
    const bytes = randomBytes(6 * CHUNK, random);
    await write(file, bytes);
    {
      await using program = start([...PROGRAM, google.origin, file]);
      await until(() => program.over() || google.received() > 2.5 * CHUNK, "bytes arrive");
      program.kill();
    }
    const checkpoint: Checkpoint = JSON.parse(await Deno.readTextFile(`${file}.upload.json`));
    assert(checkpoint.persisted >= CHUNK, `${checkpoint.persisted} bytes were noted`);

    for (const [what, change] of Object.entries(CHANGES)) {
      await write(file, change(bytes));
      const error = await assertRejects(
        async () => await upload(await fileSource(file), { checkpoint }),
        UploadError,
      );
      assertEquals(`${what}: ${error.code}`, `${what}: source_changed`);
    }
    {
      await using program = start([...PROGRAM, google.origin, file]);
      const { code, output } = await program.ended;
      assert(code !== 0 && output.includes("source"), output);
    }
    assertEquals(google.gcs.objects, []);

    await write(file, bytes);
    await using program = start([...PROGRAM, google.origin, file]);
    const { code, output } = await program.ended;
    assertEquals(code, 0, output);
    assertEquals(difference(google.gcs.get("my-bucket", "my file")!.bytes!, bytes), -1);
    assertEquals(google.gcs.sessions.length, 1);
  });
});
