// Several files to Drive, Gemini or YouTube, stopped or killed: the same command uploads each file once, and a later one all of them anew.

import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { type Given, type Said, type World, world } from "./support.ts";

const TARGETS = ["drive:FOLDER", "gemini:", "youtube:"];
const FILES = { "a.mp4": "a", "b.mp4": "bb", "c.mp4": "ccc" };

/** A world with the three files, and the command that uploads them. */
async function withFiles(target: string) {
  const cli = await world(new GcsEmulator());
  cli.env.GEMINI_API_KEY = "AIza-secret";
  await cli.write(FILES);
  const args = ["cp", ...Object.keys(FILES), target, "--endpoint", "http://127.0.0.1:1"];
  return {
    cli,
    args,
    run: (given?: Given) => cli.run(args, given),
    sizes: () => cli.gcs.uploads.map(({ size }) => size),
    [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose](),
  };
}

/** The reply to the request of this number never comes, and then a signal does. */
function stoppedAt(
  { gcs }: World,
  number: number,
  atReply: () => Promise<void> = () => Promise.resolve(),
): Given {
  let [send, requests] = [() => {}, 0];
  return {
    onStart: (signal) => send = () => signal("SIGINT"),
    fetch: async (input, init) => {
      const response = await gcs.fetch(input, init);
      if (++requests !== number) return response;
      await response.body?.cancel();
      await atReply();
      send();
      init!.signal!.throwIfAborted();
      return await new Promise(() => {});
    },
  };
}

/** What is kept, by the names of the files. */
type Kept = ReadonlyMap<string, string>;

function stateOf({ env }: World): string {
  return `${env.XDG_STATE_HOME}/resumable-media`;
}

async function kept(cli: World): Promise<Kept> {
  const files = new Map<string, string>();
  for (const folder of ["checkpoints", "runs"]) {
    try {
      for await (const { name } of Deno.readDir(`${stateOf(cli)}/${folder}`)) {
        if (name.endsWith(".lock")) continue; // of a program that is killed, nobody's
        files.set(
          `${folder}/${name}`,
          await Deno.readTextFile(`${stateOf(cli)}/${folder}/${name}`),
        );
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}

/** Puts back what was kept at a moment, as if the program had been killed then. */
async function putBack(cli: World, files: Kept): Promise<void> {
  await Deno.remove(stateOf(cli), { recursive: true }).catch(() => {});
  for (const folder of ["checkpoints", "runs"]) {
    await Deno.mkdir(`${stateOf(cli)}/${folder}`, { recursive: true });
  }
  for (const [name, text] of files) await Deno.writeTextFile(`${stateOf(cli)}/${name}`, text);
}

const skipped = ({ out }: Said) => out.match(/^skipped \(done before\)/gm)?.length ?? 0;

for (const target of TARGETS) {
  Deno.test(`${target} what is done is skipped by the same command, and uploaded anew by one after a run that has ended well`, async () => {
    await using here = await withFiles(target);
    const first = await here.run(stoppedAt(here.cli, 3));
    assertEquals([first.code, here.sizes()], [5, [1]], first.err);
    assertMatch(first.err, /Stopped. The same command again goes on from here.\n$/);
    assertMatch((await here.cli.run(["sessions"])).out, /1 files done/);
    const second = await here.run();
    assertEquals([second.code, here.sizes(), skipped(second)], [0, [1, 2, 3], 1], second.err);
    assertMatch(second.err, /^2 files uploaded, 5 B in \d+s, 1 skipped\n$/m);
    assertEquals([...await kept(here.cli)], []);
    const third = await here.run();
    assertEquals([third.code, here.sizes(), skipped(third)], [0, [1, 2, 3, 1, 2, 3], 0]);
  });

  Deno.test(`${target} killed at any reply of the server, the same command uploads no file twice`, async () => {
    for (let number = 1; number <= 6; number++) {
      await using here = await withFiles(target);
      let then: Kept = new Map();
      const stopped = stoppedAt(here.cli, number, async () => void (then = await kept(here.cli)));
      assertEquals((await here.run(stopped)).code, 5);
      const done = Math.floor(number / 2);
      assertEquals(here.sizes(), [1, 2, 3].slice(0, done));
      await putBack(here.cli, then);
      const { code, err } = await here.run();
      assertEquals([code, here.sizes()], [0, [1, 2, 3]], `reply ${number}: ${err}`);
      assertEquals([...await kept(here.cli)], []);
    }
  });
}

Deno.test("killed when a file was recorded and its checkpoint was not yet forgotten, it is skipped, and a later run uploads it anew", async () => {
  await using here = await withFiles("drive:");
  let then: Kept = new Map();
  await here.run(stoppedAt(here.cli, 2, async () => void (then = await kept(here.cli))));
  assertEquals((await here.run(stoppedAt(here.cli, 2))).code, 5); // a is asked after, b begins
  const checkpoints = [...then].filter(([name]) => name.startsWith("checkpoints/"));
  await putBack(here.cli, new Map([...await kept(here.cli), ...checkpoints]));
  const again = await here.run();
  assertEquals([again.code, here.sizes(), skipped(again)], [0, [1, 2, 3], 1], again.err);
  assertEquals([...await kept(here.cli)], []);
  await here.run();
  assertEquals(here.sizes(), [1, 2, 3, 1, 2, 3]);
});

Deno.test("one file whose program was killed before it heard that the file is stored is not uploaded twice", async () => {
  for (const target of TARGETS) {
    await using here = await withFiles(target);
    const args = [...here.args.slice(0, 2), ...here.args.slice(4)];
    let then: Kept = new Map();
    const at = stoppedAt(here.cli, 2, async () => void (then = await kept(here.cli)));
    await here.cli.run(args, at);
    await putBack(here.cli, then);
    const { code, err } = await here.cli.run(args);
    assertEquals([code, here.sizes()], [0, [1]], err);
    assertEquals([...await kept(here.cli)], []);
  }
});

Deno.test("a file that is done and has changed since is uploaded anew: by its size, and by its time", async () => {
  for (const content of ["longer", "x"]) {
    await using here = await withFiles("drive:");
    await here.run(stoppedAt(here.cli, 5));
    assertEquals(here.sizes(), [1, 2]);
    await here.cli.write({ "a.mp4": content });
    await Deno.utime(`${here.cli.folder}/a.mp4`, new Date(), new Date(Date.now() - 60_000));
    const again = await here.run();
    assertEquals([again.code, here.sizes()], [0, [1, 2, content.length, 3]], again.err);
    assertEquals(skipped(again), 1);
  }
});

Deno.test("after a failure of one file the same command uploads that one only, and says before that it will", async () => {
  await using here = await withFiles("drive:");
  here.cli.gcs.inject({ status: 400, skip: 2 });
  const first = await here.run();
  assertEquals([first.code, here.sizes()], [1, [1, 3]], first.err);
  assertMatch(first.err, /The same command again goes on from here.\n$/);
  const second = await here.run();
  assertEquals([second.code, here.sizes(), skipped(second)], [0, [1, 3, 2], 2]);
});

const isWindows = Deno.build.os === "windows";

Deno.test(
  "a pipe is another file each time, and never skipped",
  { ignore: isWindows },
  async () => {
    await using here = await withFiles("drive:");
    const { folder } = here.cli;
    await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
    here.cli.gcs.inject({ status: 400, skip: 2 });
    const args = ["cp", "pipe", "a.mp4", "drive:", "--endpoint", "http://127.0.0.1:1"];
    for (const code of [1, 0]) {
      const writer = new Deno.Command("sh", { args: ["-c", "printf 1234 >pipe"], cwd: folder });
      const [said] = await Promise.all([here.cli.run(args), writer.output()]);
      assertEquals(said.code, code, said.err);
    }
    assertEquals(here.sizes(), [4, 4, 1]);
  },
);

Deno.test("where one pipe is uploaded nobody is told that the same command goes on", {
  ignore: isWindows,
}, async () => {
  for (const target of ["drive:", "gs://bucket/pipe"]) {
    await using here = await withFiles(target);
    const { folder } = here.cli;
    await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
    const args = ["cp", "pipe", target, "--endpoint", "http://127.0.0.1:1"];
    const writer = new Deno.Command("sh", { args: ["-c", "printf 1234 >pipe"], cwd: folder });
    const [{ code, err }] = await Promise.all([
      here.cli.run(args, stoppedAt(here.cli, 2)),
      writer.output(),
    ]);
    assertEquals([code, /Stopped\.\n$/.test(err)], [5, true], err);
  }
});

Deno.test("--manifest says what files have become elsewhere, too, and the next run goes by it", async () => {
  for (const target of TARGETS) {
    await using here = await withFiles(target);
    const args = [...here.args, "--manifest", "m.jsonl"];
    const first = await here.cli.run([...args, "--json"]);
    const path = `${here.cli.folder}/m.jsonl`;
    const lines = (text: string) => text.trimEnd().split("\n").map((line) => JSON.parse(line));
    const written = lines(await Deno.readTextFile(path));
    assertEquals(
      written.map(({ bucket, name, status, size, lastModified, id }) => [
        bucket,
        name,
        status,
        size,
        typeof lastModified,
        id,
      ]),
      lines(first.out).map(({ source, size, id }) => [
        target,
        join(here.cli.folder, source),
        "uploaded",
        size,
        "number",
        id,
      ]),
    );
    assert(written.every(({ id }) => typeof id === "string" && id !== ""), "each has its id");
    await Deno.writeTextFile(path, '{"bucket":"', { append: true }); // of a program that was killed
    const again = await here.cli.run(args);
    assertEquals([again.code, skipped(again), here.sizes().length], [0, 3, 3], again.err);
    const text = await Deno.readTextFile(path);
    assert(text.endsWith('{"bucket":"\n'), "a line that was torn is ended before the next one");
  }
});

const isLinux = Deno.build.os === "linux"; // has /dev/full

Deno.test(
  "a manifest that cannot be written ends the run, and the file that was done is not uploaded again",
  { ignore: !isLinux },
  async () => {
    await using here = await withFiles("drive:");
    const { code, err } = await here.cli.run([...here.args, "--manifest", "/dev/full"]);
    assertEquals([code, here.sizes()], [1, [1]], err);
    assertMatch(err, /ENOSPC|No space left/);
    const again = await here.cli.run([...here.args, "--manifest", "m.jsonl"]);
    assertEquals([again.code, here.sizes()], [0, [1, 2, 3]], again.err);
  },
);

Deno.test("what is done at one endpoint is not done at another: there all files are uploaded", async () => {
  for (const target of ["drive:", "gs://bucket/"]) {
    await using here = await withFiles(target);
    const args = [...here.args, ...target === "drive:" ? [] : ["--concurrency", "1"]];
    const number = target === "drive:" ? 3 : 2;
    assertEquals((await here.cli.run(args, stoppedAt(here.cli, number))).code, 5);
    const other = new GcsEmulator();
    const at = args.map((arg) => arg.replace("127.0.0.1:1", "127.0.0.1:2"));
    const { code, err } = await here.cli.run(at, { fetch: other.fetch });
    assertEquals([code, other.uploads.length + other.objects.length], [0, 3], err);
  }
});

Deno.test("where nothing can be kept nobody is told that the same command goes on", async () => {
  for (const target of ["drive:", "gs://bucket/"]) {
    await using here = await withFiles(target);
    await Deno.writeTextFile(here.cli.env.XDG_STATE_HOME!, "no folder");
    const { code, err } = await here.run(stoppedAt(here.cli, 2));
    assertEquals(code, 5);
    assertMatch(err, /cannot keep where uploads stand/);
    assertMatch(err, /Stopped\.\n$/);
  }
});
