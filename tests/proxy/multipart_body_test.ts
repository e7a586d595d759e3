import { assert, assertEquals, assertLess } from "@std/assert";
import { ask, inPieces, multipart, outcome, setup } from "./support.ts";

const HEADERS = { "content-type": "multipart/related; boundary=frame" };
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("metadata in the smallest pieces takes time in proportion to its length", async () => {
  const body = inPieces(bytes(`--frame\r\n\r\n${"\r".repeat(32_000)}`), 1);
  const began = performance.now();
  const response = await ask(setup(), "?uploadType=multipart", { headers: HEADERS, body });
  assertEquals(await outcome(response), "400 invalid");
  assertLess(performance.now() - began, 4000, "milliseconds");
});

for (const size of [1000, 65_536, 1_000_000]) {
  Deno.test(`metadata beyond 64 KiB is refused in pieces of ${size} bytes`, async () => {
    const { headers, body } = multipart(
      { name: "a", metadata: { x: "y".repeat(65_536) } },
      "media",
    );
    const context = setup();
    const stream = inPieces(bytes(body), size);
    const response = await ask(context, "?uploadType=multipart", { headers, body: stream });
    assertEquals(await outcome(response), "413 uploadTooLarge");
    assertEquals(context.sent.length, 0);
  });
}

Deno.test("a body whose metadata is refused is cancelled, not left open", async () => {
  let cancelled = false;
  const { headers, body } = multipart({ name: "a", acl: [] }, "media".repeat(1000));
  const stream = inPieces(bytes(body), 200, () => cancelled = true);
  const response = await ask(setup(), "?uploadType=multipart", { headers, body: stream });
  assertEquals(await outcome(response), "400 invalidParameter");
  assert(cancelled);
});
