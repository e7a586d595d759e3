// The stores of checkpoints as far as Deno can run them: Deno KV, a stand-in and the real one; wrong arguments.

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  denoKvCheckpoints,
  indexedDbCheckpoints,
  type KeyValueStore,
} from "../../src/checkpoints/mod.ts";
import { upload } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";

const WEEK = 7 * 24 * 3600 * 1000;

/** A Deno KV that writes down what it is asked. */
function noted(): { readonly kv: KeyValueStore; readonly calls: unknown[][] } {
  const calls: unknown[][] = [];
  const values = new Map<string, unknown>();
  const kv: KeyValueStore = {
    get: (key) => Promise.resolve({ value: values.get(key.join()) ?? null }),
    set(key, value, options) {
      calls.push(["set", key, options]);
      return Promise.resolve(values.set(key.join(), value));
    },
    delete(key) {
      calls.push(["delete", key]);
      return Promise.resolve(values.delete(key.join()));
    },
  };
  return { kv, calls };
}

for (const prefix of [undefined, ["app", "uploads"]]) {
  Deno.test(`what is kept in Deno KV is below the prefix, for a week, and forgotten at the end: ${prefix}`, async () => {
    const { kv, calls } = noted();
    await upload(new Uint8Array(600_000), {
      bucket: "my-bucket",
      name: "a",
      key: "the key",
      chunkSize: 262_144,
      checkpoints: denoKvCheckpoints(kv, { prefix }),
      transport: new GcsEmulator().fetch,
    });
    const key = [...prefix ?? ["resumable-media", "checkpoints"], "the key"];
    const set = ["set", key, { expireIn: WEEK }];
    assertEquals(calls, [set, set, set, ["delete", key]]);
  });
}

Deno.test("Deno's own KV keeps what is handed to it, and its type fits", async () => {
  const program = `
    import { denoKvCheckpoints } from "${new URL("../../src/checkpoints/mod.ts", import.meta.url)}";
    using kv = await Deno.openKv(":memory:");
    const store = denoKvCheckpoints(kv);
    const checkpoint = { version: 1 as const, uploadUrl: "u", sessionUrl: "s", chunkSize: 1, persisted: 7,
      contentType: "a/b", checksum: null };
    const before = await store.get("k");
    await store.set("k", checkpoint);
    const kept = await store.get("k");
    await store.delete("k");
    console.log(JSON.stringify([before, kept?.persisted, await store.get("k")]));
  `;
  const script = await Deno.makeTempFile({ prefix: "kv-", suffix: ".ts" });
  await Deno.writeTextFile(script, program);
  try {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--check", "--unstable-kv", "--allow-all", script],
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      env: { NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals([out.trim(), err], ["[null,7,null]", ""]);
  } finally {
    await Deno.remove(script);
  }
});

const wrong: [what: string, call: () => unknown, message: RegExp][] = [
  ["no KV", () => denoKvCheckpoints(undefined!), /expected a Deno.Kv/],
  ["a promise of one", () => denoKvCheckpoints(Promise.resolve(noted().kv) as never), /awaited/],
  [
    "a prefix that is none",
    () => denoKvCheckpoints(noted().kv, { prefix: "a" as never }),
    /prefix/,
  ],
  ["an unknown option", () => denoKvCheckpoints(noted().kv, { ttl: 1 } as never), /"ttl" is not/],
  ["no name", () => indexedDbCheckpoints({ name: "" }), /name: expected a text/],
  ["another option", () => indexedDbCheckpoints({ db: "a" } as never), /"db" is not an option/],
  ["options that are none", () => indexedDbCheckpoints(null!), /expected options as an object/],
];
for (const [what, call, message] of wrong) {
  Deno.test(`${what} is a TypeError at the call`, () => {
    assertMatch(assertThrows(call, TypeError).message, message);
  });
}
