// The older versions of the IETF's resumable uploads that clients in the field speak, and interim replies.

import { assertEquals, assertMatch } from "@std/assert";
import { inPieces, type Setup, setup, UPLOAD } from "./support.ts";
import {
  append,
  assertStored,
  create,
  created,
  offsetOf,
  Q,
  sample,
  send,
  told,
} from "./resumable_http_support.ts";

const EARLY = [3, 4, 5, 6] as const;

for (const version of EARLY) {
  Deno.test(`version ${version}: an upload in three requests, each success with its offset`, async () => {
    const context = setup();
    const bytes = sample(2 * Q + 5);
    const reply = await create(context, false, { version });
    const url = reply.headers.get("location")!;
    assertEquals(await told(reply), "201 at 0");
    const ask = { version };
    assertEquals(
      await told(await append(context, url, 0, false, bytes.subarray(0, Q), ask)),
      `201 at ${Q}`,
    );
    assertEquals(await offsetOf(context, url, ask), `204 at ${Q}`);
    assertEquals(
      await told(await append(context, url, Q, false, bytes.subarray(Q, 2 * Q), ask)),
      `201 at ${2 * Q}`,
    );
    const last = await append(context, url, 2 * Q, true, bytes.subarray(2 * Q), ask);
    assertEquals((await last.clone().json()).size, `${bytes.length}`);
    assertEquals(await told(last), `201 at ${bytes.length} complete`);
    assertEquals(
      await offsetOf(context, url, ask),
      `204 at ${bytes.length} of ${bytes.length} complete`,
    );
    assertStored(context, bytes);
  });

  Deno.test(`version ${version}: all in one request`, async () => {
    const context = setup();
    const reply = await create(context, true, { version, body: sample(Q + 5) });
    assertEquals(await told(reply), `201 at ${Q + 5} complete`);
    assertStored(context, sample(Q + 5));
  });

  for (const isChunked of [false, true]) {
    const how = isChunked ? "chunks" : "a length";
    Deno.test(`version ${version}: no success carries a lower offset; what is stored is asked for (${how})`, async () => {
      const context = setup();
      const url = await created(context, { version });
      const body = isChunked ? inPieces(sample(Q + 100), 60_000) : sample(Q + 100);
      const reply = await append(context, url, 0, false, body, { version, isChunked });
      assertEquals(await told(reply), "503 backendError");
      assertEquals(await offsetOf(context, url, { version }), `204 at ${Q}`);
    });
  }

  Deno.test(`version ${version}: an end without bytes may leave out that it is one`, async () => {
    const context = setup();
    const url = await created(context, { version });
    await append(context, url, 0, false, sample(Q), { version });
    const headers = { "upload-offset": `${Q}`, "content-type": "application/partial-upload" };
    const on = await send(context, "PATCH", url, undefined, { version, headers });
    assertEquals(await told(on), `201 at ${Q}`);
    const end = { ...headers, "upload-length": `${Q}` };
    const last = await send(context, "PATCH", url, undefined, { version, headers: end });
    assertEquals(await told(last), `201 at ${Q} complete`);
    assertStored(context, sample(Q));
  });

  Deno.test(`version ${version}: a finished upload takes no more bytes`, async () => {
    const context = setup();
    const url = await created(context, { version });
    await append(context, url, 0, true, sample(5), { version });
    for (const offset of [0, 5]) {
      const reply = await append(context, url, offset, true, sample(5), { version });
      assertEquals(await told(reply), "400 completed-upload");
    }
  });

  Deno.test(`version ${version}: a finished upload that is sent nothing, and told that more follows, is a problem`, async () => {
    const context = setup();
    const url = await created(context, { version });
    await append(context, url, 0, true, sample(5), { version });
    assertEquals(
      await told(await append(context, url, 5, false, undefined, { version })),
      "400 completed-upload",
    );
  });

  Deno.test(`version ${version}: asking for the offset with a header of bytes is a 400`, async () => {
    const context = setup();
    const url = await created(context, { version });
    for (
      const [isComplete, headers] of [[true, {}], [undefined, { "upload-offset": "0" }]] as const
    ) {
      const reply = await send(context, "HEAD", url, isComplete, { version, headers });
      assertEquals(reply.status, 400);
    }
  });

  Deno.test(`version ${version}: each reply is in that version`, async () => {
    const context = setup();
    const url = await created(context, { version });
    const replies = [
      await create(context, false, { version }),
      await create(context, false, { version, grant: null }),
      await send(context, "HEAD", url, undefined, { version }),
      await append(context, url, 0, true, sample(5), { version }),
    ];
    const name = version === 3 ? "upload-incomplete" : "upload-complete";
    const other = version === 3 ? "upload-complete" : "upload-incomplete";
    const [no, yes] = version === 3 ? ["?1", "?0"] : ["?0", "?1"];
    assertEquals(replies.map(({ headers }) => headers.get(name)), [no, no, no, yes]);
    for (const { headers } of replies) {
      assertEquals(headers.get("upload-draft-interop-version"), String(version));
      assertEquals(headers.has(other), false);
    }
  });
}

for (
  const [version, status] of [[3, 201], [5, 201], [6, 415], [7, 415], [8, 415], [9, 415], [
    null,
    415,
  ]] as const
) {
  Deno.test(`version ${version}: bytes of another media type are answered with ${status}`, async () => {
    const context = setup();
    const url = await created(context, { version });
    const headers = { "content-type": "image/png" };
    const reply = await append(context, url, 0, true, sample(5), { version, headers });
    assertEquals(reply.status, status);
  });
}

Deno.test("version 7 is as 8: a lower offset in a success", async () => {
  const context = setup();
  const url = await created(context, { version: 7 });
  assertEquals(
    await told(await append(context, url, 0, false, sample(Q + 1), { version: 7 })),
    `204 at ${Q}`,
  );
});

Deno.test("the fields of version 3 are enough to know it by", async () => {
  const context = setup();
  const headers = { "upload-incomplete": "?0" };
  const reply = await create(context, false, { version: null, headers, body: sample(5) });
  // Both fields contradict each other here; the one of the version counts.
  assertEquals(reply.headers.get("upload-incomplete"), "?0");
  assertEquals(reply.status, 201);
});

for (const version of [0, 2]) {
  Deno.test(`version ${version} is a 400 that says so, and nothing is done`, async () => {
    const context = setup();
    const reply = await create(context, true, { version, body: sample(5) });
    const { message } = (await reply.json()).error;
    assertEquals([reply.status, message], [
      400,
      "Upload-Draft-Interop-Version: expected 3 or later",
    ]);
    assertEquals(context.sent.length, 0);
  });
}

/** Creates an upload, and gives the interim replies along with the final one. */
async function informed(
  context: Setup,
  isComplete: boolean,
  ask: Parameters<typeof create>[2] = {},
) {
  const interim: [status: number, headers: Record<string, string>][] = [];
  const reply = await create(context, isComplete, {
    ...ask,
    informational: (status, headers) => interim.push([status, Object.fromEntries(headers)]),
  });
  return { reply, interim };
}

for (const version of [3, 4, 5, 6, 7, 8]) {
  Deno.test(`version ${version}: before the bytes are read a 104 says where the upload is, in that version`, async () => {
    const context = setup();
    for (const isComplete of [true, false]) {
      const grant = { name: isComplete ? "a" : "b" };
      const { reply, interim } = await informed(context, isComplete, {
        version,
        grant,
        body: sample(Q),
      });
      const [[status, headers], ...others] = interim;
      assertEquals([status, others], [104, []]);
      assertEquals(headers.location, reply.headers.get("location"));
      assertEquals(headers["upload-draft-interop-version"], String(version));
      assertMatch(headers["upload-limit"], /min-append-size=262144/);
    }
  });
}

Deno.test("a client that names no version, or another, or brings no bytes, gets no 104", async () => {
  for (const ask of [{ version: null, body: sample(5) }, { version: 9, body: sample(5) }, {}]) {
    const { reply, interim } = await informed(setup(), true, ask);
    assertEquals([reply.status, interim], [200, []]);
  }
});

Deno.test("a creation that is refused gets no 104", async () => {
  const { reply, interim } = await informed(setup(), true, { grant: null, body: sample(5) });
  assertEquals([reply.status, interim], [401, []]);
});

Deno.test("while a long body of unknown length goes on, each 104 says how much is stored", async () => {
  const context = setup();
  const { reply, interim } = await informed(context, true, {
    body: inPieces(sample(33 * Q), 100_000),
  });
  assertEquals(reply.status, 200);
  const [, ...progress] = interim.map(([, headers]) => headers);
  const offsets = progress.map((headers) => Number(headers["upload-offset"]));
  assertEquals(offsets, [...new Set(offsets)].sort((a, b) => a - b));
  assertEquals(offsets.length > 0 && offsets.every((offset) => offset % Q === 0), true);
  for (const headers of progress) assertEquals("location" in headers, false);
});

Deno.test("versions up to 6 are told the place of an upload, and not its progress", async () => {
  const { reply, interim } = await informed(setup(), true, {
    version: 6,
    body: inPieces(sample(33 * Q), 100_000),
  });
  assertEquals([reply.status, interim.length], [201, 1]);
});

Deno.test("a server that cannot send an interim reply is no reason to fail", async () => {
  const context = setup();
  const reply = await create(context, true, {
    body: sample(5),
    informational() {
      throw new Error("the socket is closed");
    },
  });
  assertEquals(reply.status, 200);
});

Deno.test("what servers hand to fetch beside the request is passed over", async () => {
  const { proxy } = setup();
  const info = { remoteAddr: { hostname: "127.0.0.1" }, informational: "no function" };
  const reply = await proxy.fetch(new Request(UPLOAD, { method: "OPTIONS" }), info as never);
  assertEquals(reply.status, 204);
});
