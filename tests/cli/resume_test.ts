// A run that was stopped: the same command goes on where it was, says so, and keeps nothing when it is done.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { patterned } from "../support/bytes.ts";
import { type Given, type World, world } from "./support.ts";

const SIZE = 9 * 1024 * 1024;

async function kept({ env }: World): Promise<string[]> {
  const names: string[] = [];
  for (const folder of ["checkpoints", "runs"]) {
    const path = `${env.XDG_STATE_HOME}/resumable-media/${folder}`;
    for await (const { name } of Deno.readDir(path)) names.push(`${folder}/${name}`);
  }
  return names;
}

/** Sends a signal when a request hangs. */
function stoppedAt(gcs: GcsEmulator, where: RegExp, signals = 1): Given {
  let send = () => {};
  return {
    onStart: (signal) => send = () => signal("SIGINT"),
    fetch: async (input, init) => {
      if (!where.test(`${init?.method} ${input}`)) return await gcs.fetch(input, init);
      setTimeout(() => {
        for (let i = 0; i < signals; i++) send();
      }, 20);
      return await new Promise((_, reject) =>
        init!.signal!.addEventListener("abort", () => reject(init!.signal!.reason))
      );
    },
  };
}

Deno.test("a large file that was stopped goes on in its session, and says from where", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(SIZE) });
  const first = await cli.run(["cp", "big", "gs://bucket/big"], stoppedAt(cli.gcs, /PUT/));
  assertEquals(first.code, 5, first.err);
  assertMatch(first.err, /Stopped. The same command again goes on/);
  const listed = await cli.run(["sessions"]);
  assertMatch(listed.out, /^[0-9a-f]{8} .*\/big -> gs:\/\/bucket\/big\n$/);
  assert(!listed.out.includes("upload_id"));
  const second = await cli.run(["cp", "big", "gs://bucket/big"]);
  assertEquals([second.code, cli.gcs.sessions.length], [0, 1], second.err);
  assertMatch(second.err, /big: going on after 0 B/);
  assertEquals(cli.gcs.get("bucket", "big")?.size, SIZE);
  assertEquals((await cli.run(["sessions"])).out, "Nothing to resume.\n");
});

Deno.test("what is kept is for its owner only", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(SIZE), small: "1" });
  await cli.run(["cp", "big", "small", "gs://bucket/"], stoppedAt(cli.gcs, /PUT/));
  const state = `${cli.env.XDG_STATE_HOME}/resumable-media`;
  const names = await kept(cli);
  assertEquals(names.length, 2);
  for (const name of names) {
    assertEquals((await Deno.stat(`${state}/${name}`)).mode! & 0o777, 0o600);
  }
  for (const name of ["checkpoints", "runs"]) {
    assertEquals((await Deno.stat(`${state}/${name}`)).mode! & 0o777, 0o700);
  }
});

Deno.test("a file that has changed since starts anew, and says so", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(SIZE) });
  await cli.run(["cp", "big", "gs://bucket/big"], stoppedAt(cli.gcs, /PUT/));
  await cli.write({ big: patterned(SIZE + 1) });
  const { code, err } = await cli.run(["cp", "big", "gs://bucket/big"]);
  assertEquals([code, cli.gcs.get("bucket", "big")?.size], [0, SIZE + 1]);
  assertMatch(err, /big: starting anew: the file has changed since/);
});

Deno.test("--no-resume neither goes on nor keeps anything", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(SIZE) });
  const args = ["cp", "--no-resume", "big", "gs://bucket/big"];
  const { code, err } = await cli.run(args, stoppedAt(cli.gcs, /PUT/));
  assertEquals([code, err.includes("goes on")], [5, false]);
  assertEquals((await cli.run(["sessions"])).out, "Nothing to resume.\n");
});

Deno.test("of many files those that are done are not sent again", async () => {
  await using cli = await world();
  await cli.write(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`d/${i}`, `${i}`])));
  const args = ["cp", "-r", "--concurrency", "1", "d", "gs://bucket/p/"];
  let requests = 0;
  const stopping = stoppedAt(cli.gcs, /never/);
  const halfway: Given = {
    ...stoppedAt(cli.gcs, /POST/),
    fetch: async (input, init) => {
      const fetch = ++requests > 10 ? hanging.fetch! : cli.gcs.fetch;
      return await fetch(input, init);
    },
  };
  const hanging = stoppedAt(cli.gcs, /POST/);
  const first = await cli.run(args, { ...halfway, onStart: hanging.onStart! });
  assertEquals([first.code, cli.gcs.objects.length], [5, 10], first.err);
  assertMatch((await cli.run(["sessions"])).out, /10 files done/);
  const second = await cli.run(args, { fetch: stopping.fetch! });
  assertEquals([second.code, cli.gcs.requests.length], [0, 20], second.err);
  assertMatch(second.err, /10 files uploaded.*10 skipped/);
  assertEquals(await kept(cli).catch(() => []), []);
  const third = await cli.run(args);
  assertMatch(third.err, /20 files uploaded/);
});

Deno.test("the second signal ends the program at once, with the same code", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(SIZE) });
  const { exits } = await cli.run(["cp", "big", "gs://bucket/big"], stoppedAt(cli.gcs, /PUT/, 2));
  assertEquals(exits, [5]);
});

Deno.test("sessions cancel gives a session up at the server, and forgets it", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(SIZE) });
  await cli.run(["cp", "big", "gs://bucket/big"], stoppedAt(cli.gcs, /PUT/));
  const { code, out } = await cli.run(["sessions", "cancel", "--all"]);
  assertEquals(code, 0);
  assertMatch(out, /^cancelled [0-9a-f]{8} /);
  assertEquals(cli.gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
  assertEquals((await cli.run(["sessions"])).out, "Nothing to resume.\n");
});

Deno.test("where the server of a session is gone, cancel says that forget helps, and forget sends nothing", async () => {
  for (const which of ["id", "--all"]) {
    await using cli = await world();
    await cli.write({ big: patterned(SIZE), small: "1" });
    const run = await cli.run(["cp", "big", "small", "gs://bucket/"], stoppedAt(cli.gcs, /PUT/));
    assertEquals(run.code, 5, run.err);
    const listed = (await cli.run(["sessions"])).out.trimEnd().split("\n");
    const ids = listed.map((line) => line.slice(0, 8));
    assertEquals(ids.length, 2);
    let requests = 0;
    const gone: Given = {
      fetch: () => {
        requests++;
        return Promise.resolve(new Response("", { status: 400 }));
      },
    };
    const cancelled = await cli.run(["sessions", "cancel", "--all"], gone);
    assertEquals([cancelled.code, requests], [1, 1]);
    const [session] = ids.filter((id) => cancelled.err.startsWith(id));
    assertMatch(
      cancelled.err,
      new RegExp(`; \`sessions forget ${session}\` forgets it here only\\n$`),
    );
    assertEquals((await cli.run(["sessions"])).out.slice(0, 8), session, "the record is gone");
    const args = ["sessions", "forget", which === "id" ? session : which];
    const { code, out } = await cli.run(args, gone);
    assertEquals([code, requests], [0, 1]);
    assertMatch(
      out,
      /^forgotten [0-9a-f]{8} .*big: its session may live on at the server for a week\n$/,
    );
    assertEquals(cli.gcs.sessions.map(({ phase }) => phase), ["open"]);
    assertEquals((await cli.run(["sessions"])).out, "Nothing to resume.\n");
  }
});

Deno.test("sessions forget says of a file in parts that these stay, and of a run over many files nothing", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(65 * 1024 * 1024), small: "1" });
  const args = ["cp", "big", "small", "gs://bucket/", "--parallel"];
  await cli.run(args, stoppedAt(cli.gcs, /partNumber=3/));
  const { code, out } = await cli.run(["sessions", "forget", "--all"]);
  assertEquals(code, 0);
  assertMatch(out, /^forgotten [0-9a-f]{8} .*big: its parts may stay at the server, and cost, /m);
  assertMatch(out, /^forgotten [0-9a-f]{8} .*small$/m);
  assertEquals(cli.gcs.multipartUploads.map(({ phase }) => phase), ["open"]);
});

Deno.test("sessions cancel removes the parts of a file where they are: at the emulator of the variable, or at Google with credentials", async () => {
  for (const isGoogle of [false, true]) {
    const authorize = (request: Request) =>
      !isGoogle || request.headers.get("authorization") === "Bearer ya29.secret";
    await using cli = await world(new GcsEmulator({ md5: false, authorize }));
    const { STORAGE_EMULATOR_HOST } = cli.env;
    if (isGoogle) {
      cli.env.CLOUDSDK_AUTH_ACCESS_TOKEN = "ya29.secret";
      cli.env.STORAGE_EMULATOR_HOST = undefined;
    }
    await cli.write({ big: patterned(65 * 1024 * 1024) });
    const args = ["cp", "big", "gs://bucket/big", "--parallel"];
    const stopped = await cli.run(args, stoppedAt(cli.gcs, /partNumber=3/));
    assertEquals(stopped.code, 5, stopped.err);
    Object.assign(cli.env, { STORAGE_EMULATOR_HOST, CLOUDSDK_CONFIG: "/nowhere" });
    const { code, err } = await cli.run(["sessions", "cancel", "--all"]);
    assertEquals(code, 0, err);
    assertEquals(cli.gcs.multipartUploads.map(({ phase }) => phase), ["aborted"]);
  }
});

Deno.test("a file in parts goes on in parts, also without --parallel", async () => {
  await using cli = await world();
  await cli.write({ big: patterned(65 * 1024 * 1024) });
  const args = ["cp", "big", "gs://bucket/big"];
  const first = await cli.run([...args, "--parallel"], stoppedAt(cli.gcs, /partNumber=3/));
  assertEquals(first.code, 5, first.err);
  const second = await cli.run(args);
  assertEquals(second.code, 0, second.err);
  assertMatch(second.err, /going on after/);
  assertEquals(cli.gcs.sessions.length, 0);
});
