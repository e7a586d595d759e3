// The command line as a program, in Deno, Node and Bun: killed in the middle, with a pipe that nobody reads, and in a terminal.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { wait } from "../crash/support.ts";
import { content, ended, inRuntime, isWhole, SIZE, start } from "./programs_support.ts";
import { until } from "../support/until.ts";

for (const runtime of ["deno", "node", "bun"]) {
  Deno.test(`${runtime}: killed in the middle, the same command goes on and stores the file once`, async () => {
    await inRuntime(runtime, async (program) => {
      const args = ["cp", "big", "gs://my-bucket/big"];
      const first = start(program, args);
      await first.stdin.close();
      await until(() => program.google.received() > 2_000_000, "bytes arrive");
      first.kill("SIGKILL");
      await ended(first);
      const second = start(program, args);
      await second.stdin.close();
      const { code, err } = await ended(second);
      assertEquals(code, 0, err);
      assertMatch(err, /big: going on after /);
      assertEquals([isWhole(program, "big"), program.google.gcs.sessions.length], [true, 1]);
    });
  });

  Deno.test(`${runtime}: SIGINT ends it with exit code 5, and says how to go on`, async () => {
    await inRuntime(runtime, async (program) => {
      const child = start(program, ["cp", "big", "gs://my-bucket/big"]);
      await child.stdin.close();
      await until(() => program.google.received() > 1_000_000, "bytes arrive");
      child.kill("SIGINT");
      const { code, err } = await ended(child);
      assertEquals(code, 5, err);
      assertMatch(err, /The same command again goes on from here/);
    });
  });

  Deno.test(`${runtime}: SIGTERM ends it also where standard input stays open`, async () => {
    await inRuntime(runtime, async (program) => {
      for (const args of [["cp", "-I", "gs://my-bucket/"], ["cp", "-", "gs://my-bucket/in"]]) {
        const child = start(program, args);
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode("big\n"));
        if (args.includes("-I")) await until(() => program.google.received() > 0, "bytes arrive");
        else await wait(1500);
        child.kill("SIGTERM");
        const { code, err } = await ended(child);
        assertEquals(code, 5, err);
        await writer.close().catch(() => {});
      }
    });
  });

  Deno.test(`${runtime}: standard input is uploaded to its end`, async () => {
    await inRuntime(runtime, async (program) => {
      const child = start(program, ["cp", "-", "gs://my-bucket/in"]);
      const writer = child.stdin.getWriter();
      for (let at = 0; at < SIZE; at += 1_000_000) {
        await writer.write(content.subarray(at, at + 1_000_000));
      }
      await writer.close();
      const { code, err } = await ended(child);
      assertEquals([code, isWhole(program, "in")], [0, true], err);
    });
  });

  Deno.test(`${runtime}: results that nobody reads are no failure`, async () => {
    await inRuntime(runtime, async (program) => {
      for (let i = 0; i < 40; i++) await Deno.writeTextFile(`${program.folder}/f${i}`, "x");
      const child = start(program, ["cp", "--concurrency", "2", "f*", "gs://my-bucket/f/"]);
      await child.stdin.close();
      await child.stdout.cancel();
      const errors = new Response(child.stderr).text();
      const { code } = await child.status;
      assertEquals([code, program.google.gcs.objects.length], [0, 40], await errors);
    });
  });
}

Deno.test("5,000 files of a folder are 5,000 objects, with one request each", async () => {
  await inRuntime("node", async (program) => {
    for (const folder of ["a b", "ü€😀"]) {
      await Deno.mkdir(`${program.folder}/d/${folder}`, { recursive: true });
    }
    for (let i = 0; i < 5000; i++) {
      await Deno.writeTextFile(
        `${program.folder}/d/${i % 2 === 0 ? "a b" : "ü€😀"}/${i} %41.txt`,
        `${i}`,
      );
    }
    const child = start(program, ["cp", "-r", "-q", "d", "gs://my-bucket/"]);
    await child.stdin.close();
    const { code, err } = await ended(child);
    const { gcs } = program.google;
    assertEquals([code, gcs.objects.length, gcs.requests.length], [0, 5000, 5000], err);
    assertEquals(gcs.get("my-bucket", "d/ü€😀/4999 %41.txt")?.size, 4);
  });
});

/** Whether a program is there that makes a terminal. */
const TMUX = await new Deno.Command("tmux", { args: ["-V"] }).output().then(
  ({ success }) => success,
  () => false,
);

Deno.test({
  name: "in a terminal there is a bar that follows its width, and Ctrl-C stops the run",
  ignore: !TMUX,
  async fn() {
    await inRuntime("node", async (program) => {
      const socket = `cli-${crypto.randomUUID()}`;
      const tmux = async (...args: string[]) => {
        const command = new Deno.Command("tmux", {
          args: ["-L", socket, ...args],
          cwd: program.folder,
          env: program.env,
        });
        return new TextDecoder().decode((await command.output()).stdout);
      };
      const screen = () => tmux("capture-pane", "-p");
      const line = [...program.command, "cp", "big", "gs://my-bucket/big"].join(" ");
      const variables = Object.entries(program.env).map(([name, value]) => `${name}=${value}`).join(
        " ",
      );
      await tmux("new-session", "-d", "-x", "90", "-y", "20", "env -u NO_COLOR PS1=ready: sh");
      try {
        await tmux(
          "send-keys",
          `cd ${program.folder}; clear; ${variables} ${line}; echo code=$?`,
          "Enter",
        );
        await until(async () => /big +█*░+ +\d+% 12\.0 MiB/.test(await screen()), "a bar");
        await tmux("resize-window", "-x", "60", "-y", "20");
        await until(async () => {
          const bars = (await screen()).split("\n").filter((line) => /░/.test(line));
          return bars.length === 1 && bars[0].length <= 60;
        }, "one bar, and no rests of wider ones");
        await tmux("send-keys", "C-c");
        await until(async () => /code=5/.test(await screen()), "the exit code");
        const last = await screen();
        assertMatch(last, /The same command again goes on from here/);
        assert(!last.includes("░"), "the bar is gone");
      } finally {
        await tmux("kill-server");
      }
    });
  },
});
