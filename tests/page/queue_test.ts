// Uploads wait for their turn: so many at once, in order, and whoever gives up takes nobody's place.

import { assertEquals, assertRejects } from "@std/assert";
import { slots } from "../../examples/page/queue.ts";

const always = new AbortController().signal;

/** Lets everything go on that can. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("only so many have a turn at once, the others in the order in which they came", async () => {
  const take = slots(2);
  const got: string[] = [];
  const ends = new Map<string, () => void>();
  for (const name of ["a", "b", "c", "d"]) {
    void take(always).then((end) => {
      got.push(name);
      ends.set(name, end);
    });
  }
  await settle();
  assertEquals(got, ["a", "b"]);
  ends.get("b")!();
  ends.get("b")!(); // a turn ends once
  await settle();
  assertEquals(got, ["a", "b", "c"]);
  ends.get("a")!();
  await settle();
  assertEquals(got, ["a", "b", "c", "d"]);
});

Deno.test("who stops waiting takes no turn", async () => {
  const take = slots(1);
  const end = await take(always);
  const leaving = new AbortController();
  const left = take(leaving.signal);
  const next = take(always);
  leaving.abort(new Error("left"));
  await assertRejects(() => left, Error, "left");
  end();
  (await next)();
  (await take(always))();
  await assertRejects(() => take(leaving.signal), Error, "left");
});
