// What an instance remembers has a bound, and what was used last stays.

import { assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { RecentlyUsed } from "../../src/proxy/recently_used.ts";
import { ask, type Setup, setup, start } from "./support.ts";
import { Q, sample } from "./tus_support.ts";

/** The keys of `all` that are still there; to ask uses each. */
const kept = (values: RecentlyUsed<number>, all: string) =>
  [...all].filter((key) => values.get(key) !== undefined).join("");

function filled(most: number, keys: string): RecentlyUsed<number> {
  const values = new RecentlyUsed<number>(most);
  for (const [number, key] of [...keys].entries()) values.set(key, number);
  return values;
}

Deno.test("as many values stay as there is room for, the newest", () => {
  assertEquals(kept(filled(3, "abcde"), "abcde"), "cde");
});

Deno.test("a value that was asked for stays longer than one that was not", () => {
  const values = filled(3, "abc");
  assertEquals(values.get("a"), 0);
  values.set("d", 3);
  assertEquals(kept(values, "abcd"), "acd");
});

Deno.test("a value that is set again is the newest, and takes no more room", () => {
  const values = filled(3, "abc");
  values.set("a", 7);
  values.set("d", 3);
  assertEquals([kept(values, "abcd"), values.get("a")], ["acd", 7]);
});

Deno.test("sizes count together: a large key takes the place of several, one that is too large of all", () => {
  const values = new RecentlyUsed<number>(10, (key) => key.length);
  for (const key of ["aaa", "bbb", "ccc", "ddddd"]) values.set(key, 1);
  const left = () => ["aaa", "bbb", "ccc", "ddddd"].filter((key) => values.get(key));
  assertEquals(left(), ["ccc", "ddddd"]);
  values.set("e".repeat(11), 1);
  assertEquals([left(), values.get("e".repeat(11))], [[], undefined]);
});

Deno.test("bytes go on where the backend says, though the session is forgotten while it is asked", async () => {
  const gcs = new GcsEmulator();
  const put = (context: Setup, url: string, first: number, end: number) =>
    ask(context, url, {
      method: "PUT",
      headers: {
        "content-range": `bytes ${first}-${end - 1}/${2 * Q}`,
        "content-length": `${end - first}`,
      },
      body: sample(2 * Q).subarray(first, end),
    });
  const before = setup({ transport: gcs.fetch, fetch: gcs.fetch });
  const url = await start(before);
  assertEquals((await put(before, url, 0, Q)).status, 308);
  let others = 0;
  const after: Setup = setup({
    authorize: () => ({ prefix: "" }),
    transport: gcs.fetch,
    fetch: async (input, init) => {
      const reply = await gcs.fetch(input, init);
      const isQuestion = new Headers(init.headers).get("content-range") === "bytes */*";
      while (isQuestion && others < 1001) {
        await start(after, `name=${others++}`, { grant: null });
      }
      return reply;
    },
  });
  assertEquals((await put(after, url, Q, 2 * Q)).status, 200);
  assertEquals([others, gcs.get("my-bucket", "a")!.bytes], [1001, sample(2 * Q)]);
});
