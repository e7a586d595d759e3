// Nobody waits for a body to be let go: the stream of a server's adaptor may never say that it is done.

import { assertEquals, assertRejects } from "@std/assert";
import { discard } from "../../src/auth/with_credential.ts";
import { readBody } from "../../src/net/read_body.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { finishWebhook } from "../../src/worker.ts";
import { type Ask, ask, multipart, outcome, type Setup, setup, start } from "./support.ts";

/** A body that begins with a text and never ends, and that never says that it has been cancelled. */
function stuck(text = ""): {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly cancels: () => number;
} {
  let cancels = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      if (text !== "") controller.enqueue(new TextEncoder().encode(text));
    },
    pull: () => new Promise(() => {}),
    cancel: () => {
      cancels++;
      return new Promise(() => {});
    },
  });
  return { stream, cancels: () => cancels };
}

const framed = multipart({ name: "a" }, "x".repeat(100));

/** Requests whose bodies are let go at different places, and what their clients hear. */
const refused: readonly {
  readonly rule: string;
  readonly begins?: string;
  readonly ask: (setup: Setup, body: BodyInit) => Promise<readonly [to: string, ask: Ask]>;
  readonly options?: Parameters<typeof setup>[0];
  readonly expected: string;
}[] = [
  {
    rule: "that is refused before its body is looked at",
    ask: (_, body) => Promise.resolve(["?uploadType=media&name=a", { body, grant: null }]),
    expected: "401 authError",
  },
  {
    rule: "whose path is none",
    ask: (_, body) => Promise.resolve(["https://proxy.example/", { body }]),
    expected: "404 notFound",
  },
  {
    rule: "whose metadata are too long",
    begins: "{".repeat(100_000),
    ask: (_, body) => Promise.resolve(["?uploadType=resumable", { body }]),
    expected: "413 uploadTooLarge",
  },
  {
    rule: "whose metadata do not come in time",
    options: { startTimeout: 1 },
    ask: (_, body) => Promise.resolve(["?uploadType=resumable", { body }]),
    expected: "408 requestTimeout",
  },
  {
    rule: "whose multipart head is too long",
    begins: framed.body.split("\r\n")[0] + "-".repeat(100_000),
    ask: (_, body) => Promise.resolve(["?uploadType=multipart", { body, headers: framed.headers }]),
    expected: "413 uploadTooLarge",
  },
  {
    rule: "whose multipart metadata are refused",
    begins: framed.body.slice(0, -60),
    ask: (_, body) =>
      Promise.resolve(["?uploadType=multipart", {
        body,
        headers: framed.headers,
        grant: { prefix: "other/" },
      }]),
    expected: "403 forbidden",
  },
  {
    rule: "without a length that has more bytes than its range says",
    begins: "more than that",
    ask: async (here, body) => {
      const headers = { "content-range": "bytes 0-3/4" };
      return [await start(here), { method: "PUT", body, headers }];
    },
    expected: "400 invalid",
  },
  {
    rule: "of which only whole quanta go on, and that Google does not take",
    begins: "the first bytes",
    ask: async (here, body) => {
      const url = await start(here);
      here.gcs.inject({ on: "chunk", status: 503 });
      const headers = {
        "upload-draft-interop-version": "6",
        "upload-complete": "?0",
        "upload-offset": "0",
        "content-length": "300000",
        "content-type": "application/partial-upload",
      };
      return [url, { method: "PATCH", body, headers }];
    },
    expected: "503 backendError",
  },
];

for (const { rule, begins, ask: asking, options, expected } of refused) {
  Deno.test(`a request ${rule} gets its answer although its body is never let go of`, async () => {
    const here = setup(options);
    const { stream, cancels } = stuck(begins);
    const [to, more] = await asking(here, stream);
    assertEquals(await outcome(await ask(here, to, more)), expected);
    assertEquals(cancels(), 1);
  });
}

Deno.test("a reply that is too long is an end although its body is never let go of", async () => {
  const { stream, cancels } = stuck("too long");
  assertEquals([await readBody(new Response(stream), 3), cancels()], [undefined, 1]);
});

Deno.test("the webhook has been told when its receiver answers, whatever becomes of the answer's body", async () => {
  const { stream, cancels } = stuck();
  const tell = finishWebhook({
    url: "https://app.example/finished",
    secret: `whsec_${btoa("a secret of at least 24 bytes")}`,
    fetch: () => Promise.resolve(new Response(stream)),
  });
  await tell({ id: "1" } as Parameters<typeof tell>[0]);
  assertEquals(cancels(), 1);
});

Deno.test("a reply that nobody reads is let go of once, and not waited for", () => {
  const { stream, cancels } = stuck();
  discard(new Response(stream));
  assertEquals(cancels(), 1);
});

Deno.test("as with fetch, the emulator's reply does not wait for what becomes of the body", async () => {
  const { stream, cancels } = stuck();
  const signal = AbortSignal.abort(new Error("stopped"));
  const init = { method: "PUT", body: stream, duplex: "half", signal } as RequestInit;
  await assertRejects(() => new GcsEmulator().fetch("https://storage.googleapis.com/a", init));
  assertEquals(cancels(), 1);
});
