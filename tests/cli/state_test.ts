// What the command line keeps: locks, records of runs and checkpoints, and what is made of those that are broken.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { lock } from "../../src/cli/lock.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { patterned } from "../support/bytes.ts";
import { type World, world } from "./support.ts";

/** A folder for a lock, which is gone at the end. */
async function inFolder(use: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lock-" });
  try {
    await use(`${folder}/a.lock`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A process that has ended. */
const GONE = 2 ** 22 + 4711;

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("of many that want a lock one gets it, whatever is left of a process that has ended", async () => {
  for (const left of [undefined, `${GONE}`, `${GONE} x`, "", "nonsense", `${Deno.pid} before`]) {
    await inFolder(async (path, folder) => {
      if (left !== undefined) await Deno.writeTextFile(path, left);
      const all = await Promise.allSettled(Array.from({ length: 30 }, () => lock(path)));
      const taken = all.filter(({ status }) => status === "fulfilled");
      assertEquals(taken.length, 1, JSON.stringify(left));
      for (const one of all) {
        if (one.status === "rejected") assert(one.reason instanceof UsageError, String(one.reason));
      }
      assertEquals(names(folder), ["a.lock"], "nothing but the lock is left");
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
      await (taken[0] as PromiseFulfilledResult<() => Promise<void>>).value();
      assertEquals(names(folder), []);
      await (await lock(path))();
    });
  }
});

Deno.test("a lock whose number another process has got since is nobody's", async () => {
  await inFolder(async (path) => {
    const text = `${Deno.ppid} of a process before`;
    await Deno.writeTextFile(path, text);
    const error = await assertRejects(() => lock(path), UsageError);
    assertMatch(error.message, new RegExp(`running already, as process ${Deno.ppid}$`));
    const ago = new Date(Date.now() - 120_000);
    await Deno.utime(path, ago, ago);
    await (await lock(path))();
  });
});

Deno.test("a lock that somebody else has taken over is left to them", async () => {
  await inFolder(async (path) => {
    const unlock = await lock(path);
    await Deno.writeTextFile(path, `${GONE} another`);
    await unlock();
    assertEquals(await Deno.readTextFile(path), `${GONE} another`);
  });
});

/** The record of the last run over many files. */
function recordOf({ env }: World): string {
  const folder = `${env.XDG_STATE_HOME}/resumable-media/runs`;
  return `${folder}/${names(folder).find((name) => name.endsWith(".jsonl"))}`;
}

/** A run over three files of which one fails, so that its record stays. */
async function broken(here: World): Promise<string> {
  await here.write({ "d/a": "a", "d/b": "b", "d/c": "c" });
  here.gcs.inject({ on: "multipart", status: 400, skip: 2 });
  const { code } = await here.run(["cp", "-r", "d", "gs://my-bucket/"]);
  assertEquals(code, 1);
  return recordOf(here);
}

Deno.test("a record is gone by however it was cut: each file is stored, and none that it names as uploaded is sent again", async () => {
  await using here = await world();
  const path = await broken(here);
  const record = await Deno.readTextFile(path);
  const cuts = new Set([0, 1, record.indexOf("\n"), record.indexOf("\n") + 1, record.length - 1]);
  for (let at = 0; at <= record.length; at += 37) cuts.add(at);
  for (const cut of cuts) {
    await Deno.writeTextFile(path, record.slice(0, cut), { mode: 0o600 });
    const lines = record.slice(0, cut).split("\n").slice(1);
    const known = lines.filter((line) => /"uploaded".*\}$/.test(line)).length;
    const before = here.gcs.requests.length;
    const { code, err } = await here.run(["cp", "-r", "d", "gs://my-bucket/"]);
    assertEquals([code, here.gcs.requests.length - before], [0, 3 - known], `${cut}: ${err}`);
    assertEquals(here.names(), ["my-bucket/d/a", "my-bucket/d/b", "my-bucket/d/c"]);
    assertEquals(names(path.slice(0, path.lastIndexOf("/"))), [], "nothing is left");
  }
});

Deno.test("a call whose paths are the same, however they are written, goes on by the record", async () => {
  await using here = await world();
  await broken(here);
  const before = here.gcs.requests.length;
  const { code } = await here.run(["cp", "-r", `${here.folder}/./d`, "gs://my-bucket/"]);
  assertEquals([code, here.gcs.requests.length - before], [0, 1]);
});

Deno.test("the record of another run in the place of this one is not gone by", async () => {
  await using here = await world();
  const path = await broken(here);
  const record = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, record.replace("my-bucket/", "bucket-of-others/"));
  const before = here.gcs.requests.length;
  const { code } = await here.run(["cp", "-r", "d", "gs://my-bucket/"]);
  assertEquals([code, here.gcs.requests.length - before], [0, 3]);
});

Deno.test("records of a week ago are dropped, with the locks of programs that were killed", async () => {
  await using here = await world();
  const path = await broken(here);
  const folder = path.slice(0, path.lastIndexOf("/"));
  await Deno.writeTextFile(`${folder}/${"0".repeat(64)}.jsonl.lock`, `${GONE}`);
  const ago = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  for (const name of names(folder)) await Deno.utime(`${folder}/${name}`, ago, ago);
  const before = here.gcs.requests.length;
  await here.run(["cp", "-r", "d", "gs://my-bucket/"]);
  assertEquals([here.gcs.requests.length - before, names(folder)], [3, []]);
});

Deno.test("a file in the place of a checkpoint that is none is not listed, and replaced by the next run", async () => {
  await using here = await world();
  await here.write({ big: patterned(9 * 1024 * 1024) });
  here.gcs.inject({ on: "chunk", status: 403 });
  await here.run(["cp", "big", "gs://my-bucket/big"]);
  const folder = `${here.env.XDG_STATE_HOME}/resumable-media/checkpoints`;
  const [name] = names(folder);
  const good = await Deno.readTextFile(`${folder}/${name}`);
  const transfer = JSON.stringify(JSON.parse(good).transfer);
  const wrong = [
    "",
    good.slice(0, 100),
    "null",
    `{"transfer":${transfer}}`,
    `{"transfer":${transfer},"parts":7}`,
    `{"transfer":${transfer},"parts":[null],"version":1}`,
    good.replace('"version":1', '"version":2'),
    good.replace(/"sessionUrl":"[^"]*"/, '"sessionUrl":"file:///etc/passwd"'),
    good.replace(transfer, '"nonsense"'),
  ];
  for (const text of wrong) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    const listed = await here.run(["sessions"]);
    assertEquals([listed.code, listed.out], [0, "Nothing to resume.\n"], text);
    if (text.includes('"nonsense"')) continue; // a checkpoint all the same
    const { code, err } = await here.run(["cp", "big", "gs://my-bucket/big"]);
    assertEquals([code, here.gcs.get("my-bucket", "big")?.size], [0, 9 * 1024 * 1024], err);
    assertEquals(names(folder), []);
  }
});

Deno.test("a manifest that cannot be written is a wrong call that says so, and nothing is sent", async () => {
  await using here = await world();
  await here.write({ "d/a": "a" });
  for (const [path, why] of [["d", "EISDIR"], ["nowhere/m", "ENOENT"], ["d/a/m", "ENOTDIR"]]) {
    const { code, err } = await here.run(["cp", "d/a", "gs://my-bucket/", "--manifest", path]);
    assertEquals([code, here.gcs.requests.length], [2, 0]);
    assertMatch(err, new RegExp(`^--manifest: expected a file to append to, got ${why}\n`));
  }
});

Deno.test("the secret of tickets is whole however often the emulator is started at once, and made anew where it is empty", async () => {
  for (const left of [undefined, ""]) {
    await using here = await world();
    const folder = `${here.env.XDG_STATE_HOME}/resumable-media`;
    if (left !== undefined) {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(`${folder}/demo-ticket-secret`, left);
    }
    const start = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      let stop = () => {};
      const ended = here.run(["emulator", "--port", "0", "--proxy", "--json"], {
        onStart: (send) => stop = () => send("SIGINT"),
        onOut: () => resolve(),
      });
      return { told: Promise.race([promise, ended]), stop: () => stop(), ended };
    };
    const all = left === undefined ? [start(), start(), start()] : [start()];
    await Promise.all(all.map(({ told }) => told));
    for (const { stop } of all) stop();
    assertEquals(
      (await Promise.all(all.map(({ ended }) => ended))).map(({ code }) => code),
      all.map(() => 0),
    );
    const path = `${folder}/demo-ticket-secret`;
    assertEquals((await Deno.readTextFile(path)).length, 43);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  }
});
