// What screen readers are told: what matters, once, and not the progress.

import { assertEquals } from "@std/assert";
import { announcement, announcer, type Spoken } from "../../examples/page/announce.ts";

const uploading: Spoken = {
  name: "a.png",
  size: 5_000_000,
  phase: "uploading",
  steady: true,
  problem: undefined,
};
const problem = { what: "It broke.", advice: "Mend it.", remedy: "retry" } as const;

Deno.test("progress is not announced", () => {
  assertEquals(announcement(uploading, uploading), undefined);
  for (const phase of ["waiting", "starting", "checking", "cancelling", "gone"] as const) {
    assertEquals(announcement(uploading, { ...uploading, phase }), undefined);
  }
  assertEquals(announcement(undefined, uploading), undefined);
});

Deno.test("what matters is announced once, in words", () => {
  const say = (change: Partial<Spoken>, before = uploading) =>
    announcement(before, { ...uploading, ...change });
  assertEquals(say({ phase: "paused" }), "a.png: paused");
  assertEquals(say({ phase: "done" }), "a.png: stored, 5.0 MB");
  assertEquals(say({ phase: "failed", problem }), "a.png: It broke. Mend it.");
  assertEquals(say({ phase: "needs-file", problem }), "a.png: It broke. Mend it.");
  assertEquals(say({ phase: "needs-file" }), "a.png: choose the file again to go on");
  assertEquals(say({ steady: false }), "a.png: interrupted, trying again");
  assertEquals(say({}, { ...uploading, steady: false }), "a.png: goes on");
});

Deno.test("what comes together is said together, and not too much of it", () => {
  const said: string[] = [];
  let flush = () => {};
  const say = announcer((text) => said.push(text), (callback) => flush = callback);
  say("one");
  say("two. ");
  assertEquals(said, []);
  flush();
  for (let i = 0; i < 6; i++) say(`message ${i}`);
  flush();
  assertEquals(said, [
    "one. two.",
    "message 0. message 1. message 2. message 3. And 2 more changes.",
  ]);
});
