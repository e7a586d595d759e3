// The stand-ins for `@std/streams` behave as the standard library does.

import { assertEquals, assertRejects } from "@std/assert";
import {
  concatReadableStreams,
  LimitedBytesTransformStream,
  toArrayBuffer,
  toBlob,
  toJson,
  toText,
} from "@std/streams";

const chunks = () => ReadableStream.from([new Uint8Array([1, 2]), new Uint8Array([3, 4, 5])]);

Deno.test("toArrayBuffer and toBlob keep every byte in order", async () => {
  assertEquals(new Uint8Array(await toArrayBuffer(chunks())), new Uint8Array([1, 2, 3, 4, 5]));
  assertEquals(await (await toBlob(chunks())).bytes(), new Uint8Array([1, 2, 3, 4, 5]));
  assertEquals((await toArrayBuffer(ReadableStream.from([]))).byteLength, 0);
});

Deno.test("toText takes strings, and UTF-8 cut anywhere", async () => {
  const euro = new TextEncoder().encode("€");
  assertEquals(await toText(ReadableStream.from(["a", "b"])), "ab");
  assertEquals(await toText(ReadableStream.from([euro.slice(0, 1), euro.slice(1)])), "€");
  assertEquals(await toJson(ReadableStream.from(['{"a":', "1}"])), { a: 1 });
});

Deno.test("concatReadableStreams reads one stream after the other, and none is fine", async () => {
  const streams = [[1, 2], [], [3]].map((items) => ReadableStream.from(items));
  assertEquals(await Array.fromAsync(concatReadableStreams(...streams)), [1, 2, 3]);
});

Deno.test("cancelling concatenated streams cancels the one being read and the ones to come", async () => {
  const cancelled: string[] = [];
  const named = (name: string) =>
    new ReadableStream<string>({
      pull: (controller) => controller.enqueue(name),
      cancel: (reason) => void cancelled.push(`${name} ${reason}`),
    });
  const reader = concatReadableStreams(named("first"), named("second")).getReader();
  assertEquals((await reader.read()).value, "first");
  await reader.cancel("enough");
  assertEquals(cancelled, ["first enough", "second enough"]);
});

Deno.test("LimitedBytesTransformStream never cuts a chunk: one too large ends it, or fails it", async () => {
  const lengths = async (size: number, error = false) => {
    const limited = chunks().pipeThrough(new LimitedBytesTransformStream(size, { error }));
    return (await Array.fromAsync(limited)).map((chunk) => chunk.length);
  };
  assertEquals(await lengths(5), [2, 3]);
  assertEquals(await lengths(4), [2]);
  await assertRejects(() => lengths(4, true), RangeError, "4");
});
