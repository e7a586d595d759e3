// Standard input that goes on: a run that is stopped, or has failed, does not wait for the rest of it.

import { assertEquals } from "@std/assert";
import { world } from "./support.ts";

/** Names or bytes of which more is to come, which never does. */
async function* endless(first: string): AsyncGenerator<Uint8Array, undefined> {
  if (first !== "") yield new TextEncoder().encode(first);
  await new Promise<never>(() => {});
}

const calls: Readonly<Record<string, [args: string[], first: string]>> = {
  "names for a bucket": [["cp", "-I", "gs://my-bucket/"], "a\n"],
  "names that are only shown": [["cp", "-I", "--dry-run", "gs://my-bucket/"], "a\n"],
  "names for another API": [["cp", "-I", "gemini:", "--endpoint", "http://localhost"], "a\n"],
  "names of which none has come": [["cp", "-I", "gemini:", "--endpoint", "http://localhost"], ""],
  "the bytes of an object": [["cp", "-", "gs://my-bucket/a"], "abc"],
  "a file for another API": [["cp", "-", "gemini:", "--endpoint", "http://localhost"], "abc"],
};

for (const [what, [args, first]] of Object.entries(calls)) {
  Deno.test(`a signal ends a run that waits for standard input at once: ${what}`, async () => {
    await using here = await world();
    await here.write({ a: "a" });
    here.env.GEMINI_API_KEY = "key";
    const onStart = (send: (signal: "SIGTERM") => void) =>
      void setTimeout(() => send("SIGTERM"), 50);
    const { code, err, closed } = await here.run(args, { stdin: endless(first), onStart });
    assertEquals([code, closed], [5, 1], err);
  });
}

Deno.test("a failure that ends the run lets go of standard input, too", async () => {
  await using here = await world();
  await here.write({ a: "a" });
  here.gcs.inject({ status: 403 });
  const { code, closed } = await here.run(["cp", "-I", "gs://my-bucket/"], {
    stdin: endless("a\n"),
  });
  assertEquals([code, closed], [3, 1]);
});
