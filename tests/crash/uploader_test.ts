// The uploading process is killed at random moments; another one goes on with its checkpoint.

import { assert, assertEquals } from "@std/assert";
import type { Checkpoint } from "../../mod.ts";
import { difference } from "../e2e/support.ts";
import { inFolder } from "../e2e/support.ts";
import {
  chance,
  CHUNK,
  CRASHES,
  type Program,
  randomBytes,
  slowGoogle,
  start,
  wait,
} from "./support.ts";
import { until } from "../support/until.ts";

const PROGRAM = ["run", "--quiet", "--allow-all", "--no-check", "examples/resume_after_crash.ts"];
const SIZE = 10 * CHUNK + 12_345;
const KILLS = Math.ceil(CRASHES * 0.6);

/** The checkpoint on disk; a torn one would not be JSON. */
async function noted(file: string): Promise<Checkpoint | undefined> {
  const text = await Deno.readTextFile(`${file}.upload.json`).catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

Deno.test("a process killed at any moment leaves what another one needs to finish the exact object", async () => {
  const random = chance("killing the uploader");
  await using google = await slowGoogle();
  await inFolder(async (folder) => {
    let kills = 0;
    let uploads = 0;
    while (kills < KILLS) {
      const bytes = randomBytes(SIZE, random);
      const file = `${folder}/file-${uploads++}`;
      await Deno.writeFile(file, bytes);
      google.gcs.reset();
      let sessions = 0;
      for (let done = false; !done;) {
        const before = await noted(file);
        await using program = start([...PROGRAM, google.origin, file]);
        if (kills < KILLS && await killSomewhere(program, before)) kills++;
        const { code, output } = await program.ended;
        assert(code === 0 || !/error/i.test(output), output); // the example kills its first run half way
        await wait(5); // what it sent in its last moment arrives
        if (!before) sessions = Math.max(sessions, google.gcs.sessions.length);
        const after = await noted(file);
        assertEquals(
          google.gcs.sessions.length,
          sessions,
          "with a checkpoint, no session is begun",
        );
        if (after) {
          const stored = google.gcs.sessions.at(-1)!.persisted;
          assert(after.persisted <= stored, `${after.persisted} noted, ${stored} stored`);
          assert(after.persisted >= (before?.persisted ?? 0), "a checkpoint never goes back");
        }
        done = code === 0;
      }
      const object = google.gcs.get("my-bucket", "my file");
      assertEquals(difference(object!.bytes!, bytes), -1, "the object is the file, byte for byte");
    }
    console.log(`${kills} processes killed, ${uploads} uploads exact`);

    /** Kills by the clock, or after so many more bytes have arrived, a little later or at once. */
    async function killSomewhere(
      program: Program,
      before: Checkpoint | undefined,
    ): Promise<boolean> {
      if (random() < 0.2) return await wait(random() * 400).then(program.kill);
      const from = google.received();
      const more = Math.floor(random() * (SIZE - (before?.persisted ?? 0)));
      await until(() => program.over() || google.received() - from >= more, "bytes arrive");
      await wait(random() < 0.5 ? 0 : random() * 15);
      return program.kill();
    }
  });
});
