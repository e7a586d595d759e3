// What an instance remembers has a bound, and what was used last stays.

import { assertEquals } from "@std/assert";
import { RecentlyUsed } from "../../src/proxy/recently_used.ts";

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
