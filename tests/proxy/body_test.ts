// Bodies on their way through the proxy have the length that was said, and none is longer than allowed.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type BodyBounds, byteCount, passBody, readText } from "../../src/proxy/request_body.ts";
import { HttpError } from "../../src/proxy/http_error.ts";
import { inPieces } from "./support.ts";

const bytes = (size: number) => new Uint8Array(size).fill(7);
const request = (size: number | null, length?: string) => ({
  headers: new Headers(length === undefined ? {} : { "content-length": length }),
  body: size === null ? null : inPieces(bytes(size), 2),
});
const size = async (body: ReadableStream<Uint8Array<ArrayBuffer>> | null) =>
  (await new Response(body).arrayBuffer()).byteLength;

Deno.test("a body whose length is known goes through as it is, the same stream", () => {
  const given = request(5, "5");
  const passed = passBody(given, { max: 5 });
  assert(passed.body === given.body);
  assert(passed.native);
  assertEquals(passed.length, 5);
});

Deno.test("no body is a body of no bytes", () => {
  const { body, length } = passBody(request(null), { exact: 0, max: 10 });
  assertEquals([body, length], [null, 0]);
});

const known: readonly [rule: string, length: string, bounds: BodyBounds, status: number][] = [
  ["longer than allowed", "6", { max: 5 }, 413],
  ["longer than it should be", "6", { exact: 5, max: 10 }, 400],
  ["shorter than it should be", "4", { exact: 5, max: 10 }, 400],
  ["as long as it should be, and longer than allowed", "6", { exact: 6, max: 5 }, 413],
];
for (const [rule, length, bounds, status] of known) {
  Deno.test(`a body that says that it is ${rule} is refused before a byte is read`, () => {
    let pulled = false;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: () => void (pulled = true) }, {
      highWaterMark: 0,
    });
    const headers = new Headers({ "content-length": length });
    const error = assertThrows(() => passBody({ headers, body }, bounds), HttpError);
    assertEquals([error.status, pulled], [status, false]);
  });
}

const counted: readonly [rule: string, size: number, bounds: BodyBounds, status: number | null][] =
  [
    ["exactly as long as allowed", 5, { max: 5 }, null],
    ["exactly as long as it should be", 5, { exact: 5, max: 10 }, null],
    ["empty, as it should be", 0, { exact: 0, max: 10 }, null],
    ["a byte longer than allowed", 6, { max: 5 }, 413],
    ["a byte longer than it should be", 6, { exact: 5, max: 10 }, 400],
    ["a byte shorter than it should be", 4, { exact: 5, max: 10 }, 400],
    ["empty, where bytes should be", 0, { exact: 5, max: 10 }, 400],
  ];
for (const [rule, length, bounds, status] of counted) {
  Deno.test(`a body without a length that is ${rule} ends ${status ? `with ${status}` : "well"}`, async () => {
    const { body, length: said, problem } = passBody(request(length), bounds);
    assertEquals(said, undefined);
    if (status === null) {
      assertEquals([await size(body), problem()], [length, undefined]);
    } else {
      await assertRejects(() => size(body));
      assertEquals(problem()?.status, status);
    }
  });
}

for (const bounds of [{ max: 10 }, { exact: 10, max: 1000 }] as BodyBounds[]) {
  const rule = bounds.exact === undefined ? "allowed" : "it should be";
  Deno.test(`of a body that is longer than ${rule}, nothing beyond goes on, and its source is cancelled`, async () => {
    const cancelled = Promise.withResolvers<void>();
    const body = inPieces(bytes(100), 3, () => cancelled.resolve());
    const passed = passBody({ headers: new Headers(), body }, bounds);
    let count = 0;
    await assertRejects(async () => {
      for await (const piece of passed.body!) count += piece.length;
    });
    assertEquals(count, 9);
    await cancelled.promise;
  });
}

for (const length of ["-1", "+5", "5.0", "1e3", "0x5", "5, 5", "five", "1".repeat(16)]) {
  Deno.test(`"${length}" is no Content-Length`, () => {
    const headers = new Headers({ "content-length": length });
    assertEquals(assertThrows(() => byteCount(headers, "Content-Length"), HttpError).status, 400);
  });
}

Deno.test("a small text is read whole, also where a piece ends inside a character", async () => {
  const text = "a – € – 😀";
  assertEquals(await readText(inPieces(new TextEncoder().encode(text), 1), 100), text);
});

Deno.test("a text that is longer than allowed is no longer read", async () => {
  let cancelled = false;
  const body = inPieces(bytes(1000), 10, () => cancelled = true);
  const error = await assertRejects(() => readText(body, 25), HttpError);
  assertEquals([error.status, cancelled], [413, true]);
});
