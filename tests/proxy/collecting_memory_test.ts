// The memory for bodies that are collected is bounded, shared, and given back once.

import { assert, assertEquals } from "@std/assert";
import { Room } from "../../src/proxy/collecting_memory.ts";
import { setup } from "./support.ts";
import { created, offsetOf, patch, Q, sample, told } from "./tus_support.ts";

const MiB = 1_048_576;
const time = () => 60_000;

Deno.test("however many requests want room, no more is held than there is, and each gets whole units", () => {
  const room = new Room();
  const leases = [];
  for (let lease = room.take(4 * MiB, Q, 0, time); lease; lease = room.take(4 * MiB, Q, 0, time)) {
    leases.push(lease);
  }
  const held = leases.reduce((sum, { bytes }) => sum + bytes, 0);
  assertEquals(held, 24 * MiB);
  assert(leases.length > 20, `${leases.length} requests find some`);
  assertEquals(leases.filter(({ bytes }) => bytes % Q !== 0 || bytes === 0), []);
  assertEquals(leases[0].bytes, 4 * MiB);
});

Deno.test("what is given back can be taken again, once, and so can what nobody has given back in time", () => {
  const room = new Room();
  const take = (now: number) => room.take(24 * MiB, 24 * MiB, now, time);
  const first = take(0)!;
  assertEquals([first.bytes, take(1)], [24 * MiB, undefined]);
  first.end();
  assert(take(2));
  first.end();
  assertEquals(take(60_001), undefined);
  assert(take(60_002));
});

Deno.test("bodies without a length that find no room are a 503, and go on later from where they stand", async () => {
  const context = setup();
  const endless = () => {
    let pieces = 0;
    return new ReadableStream({
      pull(controller) {
        if (pieces++ < 4) controller.enqueue(sample(Q / 8));
        else return new Promise(() => {}); // a client that is slow
      },
    });
  };
  const urls = await Promise.all(
    Array.from({ length: 80 }, (_, at) => created(context, 2 * Q, { grant: { name: `${at}` } })),
  );
  const last = urls.pop()!;
  const slow = urls.map((url) => patch(context, url, 0, endless(), { isChunked: true }));
  const refused = await Promise.race(slow);
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  await refused.body?.cancel();
  // A body with a length is not collected.
  assertEquals(await told(await patch(context, last, 0, sample(Q))), `204 at ${Q}`);
  assertEquals(await offsetOf(context, urls[0]), await offsetOf(context, urls[1]));
});
