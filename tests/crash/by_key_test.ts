// The uploading process is killed between any two requests; the same program, started again, finishes the upload by its key.

import { assert, assertEquals } from "@std/assert";
import { difference, inFolder } from "../e2e/support.ts";
import { chance, randomBytes, slowGoogle, start } from "./support.ts";

const SIZE = 2 * 262_144 + 12_345;

/** The requests of an upload that nothing happens to: a start, two chunks, the last one. */
const REQUESTS = 4;

/** The requests that a session takes anew at the most: a question and what follows, or the reply that was lost. */
const MORE = 5;

Deno.test("a process that is killed before any request, or after any reply, is followed by one that needs its key only", async () => {
  const random = chance("killing between requests");
  const bytes = randomBytes(SIZE, random);
  await inFolder(async (folder) => {
    const file = `${folder}/file`;
    await Deno.writeFile(file, bytes);
    const moments = Array.from(
      { length: REQUESTS },
      (_, i) => [["before", i + 1], ["after", i + 1]],
    );
    const queue = moments.flat() as [string, number][];
    const work = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) await killedAt(...next);
    };
    await Promise.all([work(), work()]);

    async function killedAt(moment: string, number: number): Promise<void> {
      const what = `killed ${moment} request ${number}`;
      await using google = await slowGoogle();
      const state = `${folder}/${moment}-${number}`;
      const program = ["run", "--quiet", "--allow-all", "--no-check", "tests/crash/by_key.ts"];
      const args = [...program, google.origin, file, state];
      await using first = start([...args, moment, `${number}`]);
      assertEquals((await first.ended).signal, "SIGKILL", what);
      const before = google.gcs.requests.length;
      await using second = start(args);
      const { code, output } = await second.ended;
      assertEquals([code, output.trim()], [0, `${SIZE}`], what);
      const object = google.gcs.get("my-bucket", "my file");
      assertEquals(difference(object!.bytes!, bytes), -1, `${what}: the first byte that differs`);
      assertEquals(google.gcs.objects.length, 1, what);
      // Killed before the first checkpoint could be written, there is nothing to go on from.
      const isUnknown = number === 1;
      const sessions = moment === "after" && isUnknown ? 2 : 1;
      assertEquals(google.gcs.sessions.length, sessions, `${what}: sessions`);
      const requests = google.gcs.requests.slice(before).map(({ kind }) => kind);
      assertEquals(requests[0], isUnknown ? "initiate" : "status", what);
      assert(requests.length <= MORE, `${what}: ${requests}`);
      const left = await Array.fromAsync(Deno.readDir(state));
      assertEquals(left.map(({ name }) => name), [], `${what}: what is still kept`);
    }
  });
});
