// The command line as a program, under what happens to programs: killed at random, a full disk, and several of the same at once.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { chance, CRASHES, wait } from "../crash/support.ts";
import { difference } from "../e2e/support.ts";
import { content, ended, inRuntime, isWhole, type Program, start } from "./programs_support.ts";
import { until } from "../support/until.ts";

const RUNTIMES = ["node", "deno", "bun"];

/** Writes small files beside `big`, whose content is their name. */
async function fill({ folder }: Program, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `d/${i % 3}/${i}`);
  for (const i of [0, 1, 2]) await Deno.mkdir(`${folder}/d/${i}`, { recursive: true });
  for (const name of names) await Deno.writeTextFile(`${folder}/${name}`, name);
  return names;
}

/** What is kept for another run; what was being written when a program was killed is nobody's, and goes after a week. */
async function kept({ env }: Program): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["checkpoints", "runs"]) {
    const path = `${env.XDG_STATE_HOME}/resumable-media/${folder}`;
    try {
      for await (const { name } of Deno.readDir(path)) {
        if (!/\.tmp$|\.lock\./.test(name)) found.push(`${folder}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

/** Every object is what its file is, and there is no other one. */
function assertStored({ google: { gcs } }: Program, names: readonly string[]): void {
  const objects = gcs.objects.map(({ name }) => name);
  assertEquals(
    objects.filter((name) => name !== "p/big").sort(),
    names.map((n) => `p/${n}`).sort(),
  );
  for (const name of names) {
    assertEquals(new TextDecoder().decode(gcs.get("my-bucket", `p/${name}`)!.bytes!), name);
  }
}

Deno.test("killed and stopped at random, again and again, the same call stores each file as it is and leaves nothing behind", async () => {
  const random = chance("kills of the command line");
  for (let round = 0; round * 5 < CRASHES; round++) {
    const runtime = RUNTIMES[round % RUNTIMES.length];
    await inRuntime(runtime, async (program) => {
      const names = await fill(program, 60);
      const args = ["cp", "-r", "--json", "--concurrency", "4", "d", "big", "gs://my-bucket/p/"];
      let last = { code: -1, err: "" };
      for (let attempt = 0; last.code !== 0; attempt++) {
        assert(attempt < 60, `it does not come to its end: ${last.err}`);
        const child = start(program, args);
        await child.stdin.close();
        const ending = ended(child);
        let isOver = false;
        void ending.then(() => isOver = true);
        if (attempt < 8) {
          const limit = program.google.received() + Math.floor(random() * 4_000_000);
          const late = Date.now() + 300 + random() * 1500;
          await until(
            () => isOver || Date.now() > late || program.google.received() >= limit,
            "it runs",
          );
          const signal = (["SIGKILL", "SIGKILL", "SIGINT", "SIGTERM"] as const)[
            Math.floor(random() * 4)
          ];
          try {
            child.kill(signal);
          } catch { /* it has just ended */ }
        }
        const { code, out, err } = await ending;
        assert([0, 5, 130, 137, 143].includes(code), `code ${code}: ${err}`);
        for (const line of `${out}${err}`.split("\n").filter((line) => line !== "")) {
          const { status } = JSON.parse(line);
          assert(["uploaded", "skipped"].includes(status), line);
        }
        last = { code, err };
      }
      assertStored(program, names);
      assert(isWhole(program, "p/big"));
      assertEquals(await kept(program), []);
      assertEquals(program.google.gcs.sessions.filter(({ name }) => name !== "p/big"), []);
    });
  }
});

Deno.test("killed and stopped at random, the same call puts each file on Drive once", async () => {
  const random = chance("kills of uploads to Drive");
  for (let round = 0; round * 5 < CRASHES; round++) {
    const runtime = RUNTIMES[round % RUNTIMES.length];
    await inRuntime(runtime, async (program) => {
      const { google, folder } = program;
      const names = Array.from({ length: 12 }, (_, i) => `${i}.txt`);
      for (const name of names) await Deno.writeTextFile(`${folder}/${name}`, name);
      const args = ["cp", "--json", ...names.slice(0, 6), "big", ...names.slice(6), "drive:"];
      // It is over when the record is gone, even if the program was killed when it had nothing left to do but to end.
      const isOver = async () =>
        google.gcs.uploads.length > names.length && (await kept(program)).length === 0;
      for (let attempt = 0; !await isOver(); attempt++) {
        assert(attempt < 60, "it does not come to its end");
        const child = start(program, [...args, "--endpoint", google.origin]);
        await child.stdin.close();
        const ending = ended(child);
        let hasEnded = false;
        void ending.then(() => hasEnded = true);
        if (attempt < 8) { // at a reply, or some milliseconds later
          const limit = google.gcs.requests.length + 1 + Math.floor(random() * 8);
          await until(() => hasEnded || google.gcs.requests.length >= limit, "it sends");
          await wait(random() * 30);
          const signal = (["SIGKILL", "SIGKILL", "SIGINT"] as const)[Math.floor(random() * 3)];
          try {
            child.kill(signal);
          } catch { /* it has just ended */ }
        }
        const { code, err } = await ending;
        assert([0, 5, 130, 137].includes(code), `code ${code}: ${err}`);
        if (code === 0) break;
      }
      const stored = google.gcs.uploads.map(({ resource, bytes }) => ({
        name: (resource as { name: string }).name,
        bytes: bytes!,
      }));
      assertEquals(stored.map(({ name }) => name).sort(), ["big", ...names].sort());
      for (const { name, bytes } of stored) {
        if (name === "big") assertEquals(difference(bytes, content), -1);
        else assertEquals(new TextDecoder().decode(bytes), name);
      }
      assertEquals(await kept(program), []);
    });
  }
});

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: a disk that is full ends no upload: what cannot be kept is said once`, async () => {
    await inRuntime(runtime, async (program) => {
      const names = await fill(program, 60);
      for (const blocks of [0, 4]) { // of 512 or 1024 bytes: nothing fits, or the first lines
        const [command, ...first] = program.command;
        const limited = `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`;
        const shell = {
          ...program,
          command: ["sh", "-c", limited, "sh", command, ...first] as const,
        };
        const child = start(shell as Program, ["cp", "-r", "d", "big", "gs://my-bucket/p/"]);
        await child.stdin.close();
        const { code, err } = await ended(child);
        assertEquals(code, 0, err);
        assertEquals(err.match(/cannot keep where uploads stand: /g)?.length, 1, err);
        assertStored(program, names);
        assert(isWhole(program, "p/big"));
      }
    });
  });

  Deno.test(`${runtime}: of several that make the same call at once one runs, and the others say which`, async () => {
    await inRuntime(runtime, async (program) => {
      const names = await fill(program, 30);
      const args = ["cp", "-r", "d", "big", "gs://my-bucket/p/"];
      const first = start(program, args); // leaves a lock of a process that is gone
      await first.stdin.close();
      await until(() => program.google.received() > 1_000_000, "bytes arrive");
      first.kill("SIGKILL");
      await ended(first);
      const children = Array.from({ length: 4 }, () => start(program, args));
      const all = await Promise.all(children.map(async (child) => {
        await child.stdin.close();
        return await ended(child);
      }));
      const done = all.filter(({ code }) => code === 0);
      assert(done.length >= 1, all.map(({ err }) => err).join("\n"));
      for (const { code, err } of all) {
        if (code === 0) continue;
        assertEquals(code, 2, err);
        assertMatch(err, /the same command is running already, as process \d+/);
      }
      assertStored(program, names);
      assert(isWhole(program, "p/big"));
      assertEquals(await kept(program), []);
    });
  });

  Deno.test(`${runtime}: two that upload the same file at once both end with it, or one says why not`, async () => {
    await inRuntime(runtime, async (program) => {
      const children = [];
      for (let i = 0; i < 2; i++) {
        const child = start(program, ["cp", "big", "gs://my-bucket/big"]);
        await child.stdin.close();
        children.push(ended(child));
        await wait(150);
      }
      const all = await Promise.all(children);
      const codes = all.map(({ code }) => code);
      assert(codes.includes(0) && codes.every((code) => code === 0 || code === 1), codes.join());
      assert(isWhole(program, "big"));
      assertEquals(await kept(program), []);
    });
  });
}
