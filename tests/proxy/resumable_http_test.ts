// The IETF's resumable uploads, interop version 8: creation, offset retrieval, append, cancellation and discovery.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { ask, inPieces, ORIGIN, setup, UPLOAD } from "./support.ts";
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

/** `Upload-Limit` of an upload that ends in an hour. */
const LIMIT =
  "max-size=5497558138880, max-append-size=104857600, min-append-size=262144, max-age=3600";

/** A clock that stands still, so that `max-age` does. */
const NOW = Date.now();
const still = { now: () => NOW, sessionTtl: 3600 };

Deno.test("OPTIONS says the limits, to anybody and with or without an upload", async () => {
  const context = setup({ maxUploadBytes: 1000, maxChunkBytes: Q + 5, sessionTtl: 60 });
  for (const url of [UPLOAD, await created(context)]) {
    const reply = await ask(context, url, { method: "OPTIONS", grant: null });
    assertEquals(reply.status, 204);
    assertEquals(
      reply.headers.get("upload-limit"),
      `max-size=1000, max-append-size=${Q}, min-append-size=${Q}, max-age=60`,
    );
    assertEquals(reply.headers.get("accept-patch"), "application/partial-upload");
    assert(reply.headers.has("tus-version"), "the other protocols are there as well");
  }
});

Deno.test("a page may send and read what a client needs", async () => {
  const context = setup({ allowedOrigins: ["https://app.example"] });
  const origin = { origin: "https://app.example" };
  const preflight = await ask(context, UPLOAD, { method: "OPTIONS", headers: origin, grant: null });
  const list = (reply: Response, name: string) => reply.headers.get(name)!.split(", ");
  const allowed = list(preflight, "access-control-allow-headers");
  const sent = [
    "authorization",
    "content-digest",
    "content-disposition",
    "content-type",
    "repr-digest",
    "upload-complete",
    "upload-draft-interop-version",
    "upload-incomplete",
    "upload-length",
    "upload-offset",
  ];
  assertEquals(sent.filter((name) => !allowed.includes(name)), []);
  for (const method of ["POST", "PUT", "PATCH", "HEAD", "DELETE"]) {
    assert(list(preflight, "access-control-allow-methods").includes(method), method);
  }
  const exposed = list(
    await create(context, false, { headers: origin }),
    "access-control-expose-headers",
  );
  const read = [
    "location",
    "upload-complete",
    "upload-draft-interop-version",
    "upload-incomplete",
    "upload-length",
    "upload-limit",
    "upload-offset",
  ];
  assertEquals(read.filter((name) => !exposed.includes(name)), []);
});

Deno.test("an upload is created without bytes, sent in two requests, and asked about between and after them", async () => {
  const context = setup(still);
  const bytes = sample(Q + 5);
  const reply = await create(context, false, {
    headers: { "upload-length": String(bytes.length) },
  });
  assertEquals(reply.headers.get("upload-limit"), LIMIT);
  assertEquals(await told(reply), "201 at 0");
  const url = reply.headers.get("location")!;
  assert(url.startsWith(`${UPLOAD}?uploadType=resumable&upload_id=`), url);
  assertEquals(await offsetOf(context, url), `204 at 0 of ${Q + 5}`);
  assertEquals(
    await told(await append(context, url, 0, false, bytes.subarray(0, Q))),
    `204 at ${Q}`,
  );
  assertEquals(await offsetOf(context, url), `204 at ${Q} of ${Q + 5}`);
  const last = await append(context, url, Q, true, bytes.subarray(Q));
  assertEquals(last.headers.get("content-type"), "application/json; charset=UTF-8");
  assertEquals((await last.clone().json()).size, `${Q + 5}`);
  assertEquals(await told(last), `200 at ${Q + 5} complete`);
  assertEquals(await offsetOf(context, url), `204 at ${Q + 5} of ${Q + 5} complete`);
  assertStored(context, bytes);
  assertEquals(context.log.map(({ event, status }) => `${event} ${status}`), [
    "start 201",
    "status 204",
    "chunk 204",
    "status 204",
    "finish 200",
    "finish 204",
  ]);
});

Deno.test("HEAD and GET say offset, length and limits, and are never kept", async () => {
  const context = setup(still);
  const url = await created(context, { headers: { "upload-length": "5" } });
  for (const method of ["HEAD", "GET"]) {
    for (const version of [8, null]) {
      const { status, headers } = await send(context, method, url, undefined, { version });
      assertEquals(status, 204);
      assertEquals(
        ["cache-control", "upload-offset", "upload-complete", "upload-length", "upload-limit"]
          .map((name) => headers.get(name)),
        ["no-store", "0", "?0", "5", LIMIT],
      );
    }
  }
});

Deno.test("the limits of an upload are those of its ticket, and its age goes down", async () => {
  let now = NOW;
  const context = setup({ now: () => now });
  const grant = { name: "a", maxBytes: 100, minBytes: 10, sessionTtl: 50 };
  const url = await created(context, { grant });
  now += 20_000;
  const { headers } = await send(context, "HEAD", url, undefined);
  assertEquals(
    headers.get("upload-limit"),
    `max-size=100, min-size=10, max-append-size=104857600, min-append-size=${Q}, max-age=30`,
  );
});

for (const method of ["POST", "PUT"]) {
  for (
    const [what, body, isChunked] of [
      ["a length", sample(3 * Q + 5), false],
      ["chunks", inPieces(sample(3 * Q + 5), 50_000), true],
      ["chunks of whole quanta", inPieces(sample(20 * Q), 50_000), true],
      ["fewer bytes than a quantum", sample(5), false],
      ["no bytes", undefined, false],
    ] as const
  ) {
    Deno.test(`all in one ${method}, with ${what}: the reply is that of the object`, async () => {
      const context = setup();
      const size = what.endsWith("quanta")
        ? 20 * Q
        : what === "no bytes"
        ? 0
        : what.startsWith("fewer")
        ? 5
        : 3 * Q + 5;
      const reply = await create(context, true, { method, body: body!, isChunked });
      assertEquals((await reply.clone().json()).size, `${size}`);
      assertEquals(await told(reply), `200 at ${size} complete`);
      assertStored(context, sample(size));
      assertEquals(context.log.map(({ event, bytes }) => `${event} ${bytes}`), [`finish ${size}`]);
    });
  }
}

Deno.test("the first bytes come with the creation", async () => {
  const context = setup();
  const bytes = sample(2 * Q + 5);
  const reply = await create(context, false, { body: bytes.subarray(0, Q) });
  const url = reply.headers.get("location")!;
  assertEquals(await told(reply), `201 at ${Q}`);
  assertEquals(
    await told(await append(context, url, Q, true, bytes.subarray(Q))),
    `200 at ${bytes.length} complete`,
  );
  assertStored(context, bytes);
});

for (const isChunked of [false, true]) {
  const how = isChunked ? "in chunks" : "with a length";
  Deno.test(`of bytes that are no whole quanta, ${how}, the reply says how many are stored, and no more`, async () => {
    const context = setup();
    const bytes = sample(3 * Q + 100);
    const body = (from: number, to: number) =>
      isChunked ? inPieces(bytes.slice(from, to), 70_000) : bytes.slice(from, to);
    const reply = await create(context, false, { body: body(0, Q + 7), isChunked });
    const url = reply.headers.get("location")!;
    assertEquals(await told(reply), `201 at ${Q}`);
    assertEquals(
      await told(await append(context, url, Q, false, body(Q, 3 * Q - 1), { isChunked })),
      `204 at ${2 * Q}`,
    );
    assertEquals(await offsetOf(context, url), `204 at ${2 * Q}`);
    // A client that has passed over the offset is told once more.
    assertEquals(
      await told(
        await append(context, url, 3 * Q - 1, true, body(3 * Q - 1, bytes.length), { isChunked }),
      ),
      `409 at ${2 * Q} mismatching-upload-offset`,
    );
    assertEquals(
      await told(await append(context, url, 2 * Q, true, body(2 * Q, bytes.length), { isChunked })),
      `200 at ${bytes.length} complete`,
    );
    assertStored(context, bytes);
  });
}

Deno.test("another offset than that of the upload is a problem that says both, and no byte goes on", async () => {
  const context = setup();
  const url = await created(context);
  await append(context, url, 0, false, sample(Q));
  for (const offset of [0, Q - 1, Q + 1]) {
    const before = context.log.length;
    const reply = await append(context, url, offset, true, sample(5));
    const { headers, status } = reply;
    assertEquals(status, 409);
    assertEquals(headers.get("content-type"), "application/problem+json");
    assertEquals([headers.get("upload-complete"), headers.get("upload-offset")], ["?0", `${Q}`]);
    const { detail, ...problem } = await reply.json();
    assertMatch(detail, new RegExp(`${Q}.*${offset}`));
    assertEquals(problem, {
      type: "https://iana.org/assignments/http-problem-types#mismatching-upload-offset",
      title: "The offset of the request is not that of the upload",
      status: 409,
      "expected-offset": Q,
      "provided-offset": offset,
    });
    assertEquals(context.log[before].bytes, 0);
  }
  assertEquals(await offsetOf(context, url), `204 at ${Q}`);
});

const inconsistent = "400 inconsistent-upload-length";
for (
  const [what, length, run] of [
    [
      "another length than at the creation",
      "10",
      (url) => append(context(), url, 0, false, sample(5), { headers: { "upload-length": "11" } }),
    ],
    ["an end before the length", "10", (url) => append(context(), url, 0, true, sample(9))],
    [
      "an end before the length, in chunks",
      "10",
      (url) => append(context(), url, 0, true, inPieces(sample(9), 4)),
    ],
    ["bytes beyond the length", "10", (url) => append(context(), url, 0, false, sample(11))],
    [
      "bytes beyond the length, in chunks",
      "10",
      (url) => append(context(), url, 0, true, inPieces(sample(11), 4)),
    ],
    [
      "an end before a length that is said by then",
      undefined,
      (url) => append(context(), url, 0, true, sample(9), { headers: { "upload-length": "10" } }),
    ],
  ] as readonly [string, string | undefined, (url: string) => Promise<Response>][]
) {
  Deno.test(`lengths that contradict each other are a problem, and nothing is stored: ${what}`, async () => {
    current = setup();
    const url = await created(current, {
      headers: { ...(length !== undefined && { "upload-length": length }) },
    });
    assertEquals(await told(await run(url)), inconsistent);
    // What is beyond the recorded length ends the upload: the drafts want it so since the sixth.
    const isBeyond = what.startsWith("bytes beyond");
    assertEquals(
      await offsetOf(current, url),
      isBeyond ? "410 gone" : `204 at 0${length === undefined ? "" : " of 10"}`,
    );
    assertEquals(current.gcs.objects.length, 0);
  });
}
let current = setup();
const context = () => current;

Deno.test("bytes that do not fit the length, for another place than where the stored ones end, are a mismatch, and end nothing", async () => {
  const context = setup();
  const url = await created(context, { headers: { "upload-length": "10" } });
  const mismatch = "409 at 0 mismatching-upload-offset";
  for (const isChunked of [false, true]) {
    for (const size of [1, 5]) {
      const reply = await append(context, url, 7, true, sample(size), { isChunked });
      assertEquals(await told(reply), mismatch);
    }
  }
  assertEquals(await told(await append(context, url, 0, true, sample(10))), "200 at 10 complete");
  // Nor do they end what is finished.
  assertEquals(await told(await append(context, url, 10, true, sample(1))), inconsistent);
  assertEquals(await offsetOf(context, url), "204 at 10 of 10 complete");
});

for (const isComplete of [true, false]) {
  Deno.test(`a creation in chunks that bring more than its length ends the upload, ${isComplete ? "with" : "before"} its end`, async () => {
    const context = setup();
    const headers = { "upload-length": `${17 * Q}` };
    const body = inPieces(sample(17 * Q + 1), 500_000);
    let url = "";
    const informational = (_status: number, headers: Headers) => {
      url = headers.get("location") ?? url;
    };
    const reply = await create(context, isComplete, { headers, body, informational });
    assertEquals(await told(reply), inconsistent);
    assertEquals(await offsetOf(context, url), "410 gone");
    assertEquals(context.gcs.objects.length, 0);
  });
}

Deno.test("bytes beyond a length that comes with them are refused, and the upload goes on: none was recorded", async () => {
  const context = setup();
  const url = await created(context);
  const headers = { "upload-length": "4" };
  assertEquals(
    await told(await append(context, url, 0, true, sample(5), { headers })),
    inconsistent,
  );
  assertEquals(await told(await append(context, url, 0, true, sample(5))), "200 at 5 complete");
});

Deno.test("a creation whose length is not that of its bytes is a problem, and starts nothing", async () => {
  const context = setup();
  for (const [isLast, length] of [[true, "4"], [true, "6"], [false, "4"]] as const) {
    const headers = { "upload-length": length };
    assertEquals(
      await told(await create(context, isLast, { body: sample(5), headers })),
      inconsistent,
    );
  }
  assertEquals(context.sent.length, 0);
});

Deno.test("fewer bytes than a quantum that are not the end are a 400 with the limits, and nothing is stored", async () => {
  const context = setup(still);
  const url = await created(context);
  const before = context.sent.length;
  for (
    const reply of [
      await append(context, url, 0, false, sample(Q - 1)),
      await create(context, false, { body: sample(Q - 1) }),
    ]
  ) {
    assertEquals(reply.headers.get("upload-limit"), LIMIT);
    assertEquals(await told(reply), "400 invalid");
  }
  // It was asked whether the offset was right.
  assertEquals(
    context.sent.slice(before).map(({ headers }) => headers.get("content-range")),
    ["bytes */*"],
  );
});

Deno.test("a client that counts its bytes itself is told the offset, and not that its bytes are too few", async () => {
  const context = setup();
  const url = await created(context);
  await append(context, url, 0, false, sample(Q + 9));
  const reply = await append(context, url, Q + 9, false, sample(Q - 9));
  assertEquals(await told(reply), `409 at ${Q} mismatching-upload-offset`);
});

Deno.test("more bytes than a request may have are a 413 with the limits", async () => {
  const context = setup({ maxChunkBytes: 2 * Q, ...still });
  const url = await created(context);
  for (const body of [sample(2 * Q + 1), inPieces(sample(2 * Q + 1), 60_000)]) {
    const reply = await append(context, url, 0, false, body);
    assertEquals(reply.headers.get("upload-limit"), LIMIT.replace("104857600", `${2 * Q}`));
    assertEquals(await told(reply), "413 uploadTooLarge");
  }
});

Deno.test("an upload that is larger than its ticket allows is a 413 with the limits", async () => {
  const context = setup(still);
  const creation = { grant: { name: "a", maxBytes: 100 } };
  const url = await created(context, creation);
  for (
    const reply of [
      await create(context, false, { ...creation, headers: { "upload-length": "101" } }),
      await append(context, url, 0, true, sample(101)),
    ]
  ) {
    assert(reply.headers.has("upload-limit"));
    assertEquals(await told(reply), "413 uploadTooLarge");
  }
});

Deno.test("bytes of another media type are a 415 that says which, and no byte goes on", async () => {
  const context = setup();
  const url = await created(context);
  for (const type of ["application/octet-stream", "application/partial-uploads", ""]) {
    const reply = await append(context, url, 0, true, sample(5), {
      headers: { "content-type": type },
    });
    assertEquals(reply.headers.get("accept-patch"), "application/partial-upload");
    assertEquals(await told(reply), "415 unsupportedMediaType");
  }
  const headers = { "content-type": "Application/Partial-Upload; v=1" };
  assertEquals(
    await told(await append(context, url, 0, true, sample(5), { headers })),
    "200 at 5 complete",
  );
});

Deno.test("an append without its offset, or without saying whether it is the end, is a 400", async () => {
  const context = setup();
  const url = await created(context);
  const headers = { "content-type": "application/partial-upload", "upload-offset": "0" };
  const bad = [
    send(context, "PATCH", url, undefined, { body: sample(5), headers }),
    send(context, "PATCH", url, true, {
      body: sample(5),
      headers: { ...headers, "upload-offset": "-1" },
    }),
    send(context, "PATCH", url, true, {
      body: sample(5),
      headers: { ...headers, "upload-offset": "0, 0" },
    }),
    send(context, "PATCH", url, undefined, {
      body: sample(5),
      headers: { ...headers, "upload-complete": "1" },
    }),
  ];
  for (const reply of await Promise.all(bad)) assertEquals(await told(reply), "400 invalid");
  assertEquals(context.sent.length, 1);
});

Deno.test("parameters of a field say nothing", async () => {
  const context = setup();
  const url = await created(context);
  const headers = { "upload-offset": `0;a="b;c"; d=:AA==:`, "upload-complete": "?1;x" };
  assertEquals(
    await told(await append(context, url, 0, true, sample(5), { headers })),
    "200 at 5 complete",
  );
});

Deno.test("an end without bytes completes what is stored", async () => {
  const context = setup();
  const url = await created(context);
  await append(context, url, 0, false, sample(2 * Q));
  assertEquals(await told(await append(context, url, 2 * Q, false)), `204 at ${2 * Q}`);
  assertEquals(
    await told(await append(context, url, Q, true)),
    `409 at ${2 * Q} mismatching-upload-offset`,
  );
  assertEquals(await told(await append(context, url, 2 * Q, true)), `200 at ${2 * Q} complete`);
  assertStored(context, sample(2 * Q));
});

Deno.test("the reply to the end of an upload is there again for a client that did not get it", async () => {
  const context = setup();
  const url = await created(context);
  const first = await append(context, url, 0, true, sample(5));
  const again = await append(context, url, 5, true);
  assertEquals(again.headers.get("upload-complete"), "?1");
  assertEquals(await again.json(), await first.json());
});

Deno.test("a finished upload that is sent nothing, and told that more follows, tells what was made of it", async () => {
  const context = setup();
  const url = await created(context);
  const first = await append(context, url, 0, true, sample(5));
  const again = await append(context, url, 5, false);
  assertEquals([again.status, again.headers.get("upload-complete")], [200, "?1"]);
  assertEquals(await again.json(), await first.json());
  const elsewhere = await append(context, url, 4, false);
  assertEquals(await told(elsewhere), "409 at 5 mismatching-upload-offset");
});

Deno.test("a length that comes with bytes that are not the end is told to Google, which alone can remember it", async () => {
  const context = setup();
  const url = await created(context);
  const headers = { "upload-length": `${2 * Q + 5}` };
  await append(context, url, 0, false, sample(Q), { headers });
  assertEquals(
    context.sent.at(-1)!.headers.get("content-range"),
    `bytes 0-${Q - 1}/${2 * Q + 5}`,
  );
  assertEquals(await offsetOf(context, url), `204 at ${Q}`);
});

Deno.test("a finished upload takes no more bytes", async () => {
  const context = setup();
  const url = await created(context);
  await append(context, url, 0, true, sample(5));
  assertEquals(await told(await append(context, url, 5, true, sample(3))), inconsistent);
  assertEquals(
    await told(await append(context, url, 0, true, sample(5))),
    "409 at 5 mismatching-upload-offset",
  );
  assertStored(context, sample(5));
});

for (const size of [2 * Q + 5, 2 * Q]) {
  Deno.test(`an upload of ${size} bytes ends where its length is reached, also where the end comes later`, async () => {
    const context = setup();
    const bytes = sample(size);
    const url = await created(context, { headers: { "upload-length": `${size}` } });
    assertEquals(
      await told(await append(context, url, 0, false, bytes.subarray(0, Q))),
      `204 at ${Q}`,
    );
    assertEquals(
      await told(await append(context, url, Q, false, bytes.subarray(Q))),
      `204 at ${size}`,
    );
    assertStored(context, bytes);
    assertEquals(await offsetOf(context, url), `204 at ${size} of ${size} complete`);
    const end = await append(context, url, size, true);
    assertEquals((await end.clone().json()).size, `${size}`);
    assertEquals(await told(end), `200 at ${size} complete`);
  });
}

Deno.test("an upload whose bytes are all there by another protocol is finished when it is asked about", async () => {
  const context = setup();
  const url = await created(context, { headers: { "upload-length": `${Q}` } });
  const headers = { "content-range": `bytes 0-${Q - 1}/*` };
  await ask(context, url, { method: "PUT", headers, body: sample(Q) });
  assertEquals(context.gcs.objects.length, 0);
  assertEquals(await offsetOf(context, url), `204 at ${Q} of ${Q} complete`);
  assertStored(context, sample(Q));
});

Deno.test("an upload of no bytes is there with its creation, whether that is the end or not", async () => {
  for (const isLast of [true, false]) {
    const context = setup();
    const reply = await create(context, isLast, { headers: { "upload-length": "0" } });
    const url = reply.headers.get("location")!;
    assertEquals(await told(reply), isLast ? "200 at 0 complete" : "201 at 0");
    assertStored(context, sample(0));
    assertEquals(await told(await append(context, url, 0, true)), "200 at 0 complete");
  }
});

Deno.test("where a checksum has to come, the end waits for it", async () => {
  const context = setup();
  const creation = {
    grant: { name: "a", requireChecksum: true },
    headers: { "upload-length": `${Q}` },
  };
  const url = await created(context, creation);
  assertEquals(await told(await append(context, url, 0, false, sample(Q))), `204 at ${Q}`);
  assertEquals(await offsetOf(context, url), `204 at ${Q} of ${Q}`);
  const headers = { "repr-digest": digestOf(sample(Q)) };
  assertEquals(
    await told(await append(context, url, Q, true, undefined, { headers })),
    `200 at ${Q} complete`,
  );
  assertStored(context, sample(Q));
});

Deno.test("DELETE ends an upload, with and without a header of the protocol", async () => {
  for (const version of [8, null]) {
    const context = setup();
    const url = await created(context);
    assertEquals(await told(await send(context, "DELETE", url, undefined, { version })), "204");
    assertEquals(await offsetOf(context, url), "410 gone");
    assertEquals(await told(await append(context, url, 0, true, sample(5))), "410 gone");
  }
});

Deno.test("DELETE of a finished upload is a 403: the object stays", async () => {
  const context = setup();
  const url = await created(context);
  await append(context, url, 0, true, sample(5));
  assertEquals(await told(await send(context, "DELETE", url, undefined)), "403 forbidden");
  assertStored(context, sample(5));
});

Deno.test("an object that exists is a 412 that says there is nothing to go on with", async () => {
  const context = setup();
  await create(context, true, { body: sample(5) });
  assertEquals(
    await told(await create(context, true, { body: sample(6) })),
    "412 complete conditionNotMet",
  );
  const url = await created(context);
  assertEquals(
    await told(await append(context, url, 0, true, sample(6))),
    "412 complete conditionNotMet",
  );
  assertStored(context, sample(5));
});

for (
  const [what, query, headers, grant, name] of [
    ["the query", "?name=photos/1", {}, { prefix: "" }, "photos/1"],
    ["the ticket", "", { "content-disposition": 'inline; filename="b"' }, { name: "a" }, "a"],
    ["Content-Disposition", "", { "content-disposition": 'inline; filename="a \\"b\\".png"' }, {
      prefix: "p/",
    }, 'p/a "b".png'],
    ["Content-Disposition as a token", "", { "content-disposition": "attachment;filename=b.png" }, {
      prefix: "p/",
    }, "p/b.png"],
    [
      "Content-Disposition in UTF-8",
      "",
      { "content-disposition": "inline; filename=x; filename*=UTF-8''%C3%A9.png" },
      { prefix: "p/" },
      "p/é.png",
    ],
    [
      "Upload-Metadata, which some clients send here too",
      "",
      { "upload-metadata": `filename ${btoa("c.png")}` },
      { prefix: "p/" },
      "p/c.png",
    ],
  ] as const
) {
  Deno.test(`the object's name comes from ${what}`, async () => {
    const context = setup();
    const reply = await create(context, true, { query, headers, grant, body: sample(5) });
    assertEquals(await told(reply), "200 at 5 complete");
    assertEquals(context.gcs.objects.map(({ name }) => name), [name]);
  });
}

Deno.test("without a name anywhere a creation is a 400", async () => {
  const context = setup();
  for (const disposition of ["inline", "inline; filename=", "inline; filename*=UTF-8''%FF"]) {
    const headers = { "content-disposition": disposition };
    assertEquals(
      await told(await create(context, false, { grant: { prefix: "" }, headers })),
      "400 required",
    );
  }
});

for (
  const [type, expected] of [
    ["image/png", "image/png"],
    ["application/partial-upload", "application/octet-stream"],
    [undefined, "application/octet-stream"],
  ] as const
) {
  Deno.test(`a creation with the media type ${type} makes an object with ${expected}`, async () => {
    const context = setup();
    await create(context, true, {
      body: sample(5),
      headers: { ...(type && { "content-type": type }) },
    });
    assertEquals(context.gcs.objects[0].contentType, expected);
  });
}

/** The CRC32C of bytes, and that of others. */
const digestOf = (bytes: Uint8Array) => `crc32c=:${encodeCrc32c(crc32c(bytes))}:`;
const RIGHT = digestOf(sample(5)), WRONG = "crc32c=:AAAAAA==:";

for (
  const [what, run] of [
    ["at the creation", async (context, digest) => {
      const url = await created(context, { headers: { "repr-digest": digest } });
      return await append(context, url, 0, true, sample(5));
    }],
    ["with all bytes", (context, digest) =>
      create(context, true, {
        body: sample(5),
        headers: { "repr-digest": `sha-256=:AAAA:, ${digest}` },
      })],
    [
      "of the content of the only request",
      (context, digest) =>
        create(context, true, { body: sample(5), headers: { "content-digest": digest } }),
    ],
    [
      "with the last bytes",
      async (context, digest) =>
        append(context, await created(context), 0, true, sample(5), {
          headers: { "repr-digest": digest },
        }),
    ],
  ] as readonly [string, (context: ReturnType<typeof setup>, digest: string) => Promise<Response>][]
) {
  Deno.test(`a CRC32C in Repr-Digest is compared by Google: ${what}`, async () => {
    const right = setup();
    assertEquals(await told(await run(right, RIGHT)), "200 at 5 complete");
    const wrong = setup();
    assertMatch(await told(await run(wrong, WRONG)), /^400 complete /);
    assertEquals(wrong.gcs.objects.length, 0);
  });
}

Deno.test("a CRC32C in Repr-Digest is compared by Google: with the end, without bytes", async () => {
  for (
    const [digest, said] of [[digestOf(sample(Q)), /^200 .* complete$/], [
      WRONG,
      /^400 complete /,
    ]] as const
  ) {
    const context = setup();
    const url = await created(context);
    await append(context, url, 0, false, sample(Q));
    const headers = { "repr-digest": digest };
    assertMatch(await told(await append(context, url, Q, true, undefined, { headers })), said);
  }
});

Deno.test("digests that Google does not know are passed over", async () => {
  const context = setup();
  const headers = { "repr-digest": "sha-256=:AAAA:", "content-digest": "sha-512=:AAAA:, crc32c=x" };
  assertEquals(
    await told(await create(context, true, { body: sample(5), headers })),
    "200 at 5 complete",
  );
});

Deno.test("a ticket that wants a checksum gets it with the creation or with the end", async () => {
  const creation = { grant: { name: "a", requireChecksum: true } };
  const context = setup();
  assertEquals(
    await told(await create(context, true, { ...creation, body: sample(5) })),
    "400 required",
  );
  assertEquals(context.sent.length, 0);
  const url = await created(context, creation);
  assertEquals(await told(await append(context, url, 0, true, sample(5))), "400 required");
  const headers = { "repr-digest": RIGHT };
  assertEquals(
    await told(await append(context, url, 0, true, sample(5), { headers })),
    "200 at 5 complete",
  );
});

Deno.test("each reply to a client says whether the upload is complete, and in which version, errors too", async () => {
  const context = setup();
  const url = await created(context);
  const replies = [
    await create(context, false),
    await create(context, false, { grant: null }),
    await append(context, url, 3, true, sample(2)),
    await send(context, "HEAD", url, undefined),
    await send(context, "POST", url, true),
    await send(context, "HEAD", `${UPLOAD}?upload_id=x`, undefined),
    await send(context, "HEAD", `${ORIGIN}/nowhere`, undefined),
  ];
  assertEquals(replies.map(({ status }) => status), [201, 401, 409, 204, 405, 404, 404]);
  for (const { headers } of replies) {
    assertEquals(headers.get("upload-draft-interop-version"), "8");
    assertEquals(headers.get("upload-complete"), "?0");
    assertEquals(headers.get("cache-control"), "no-store");
    assertEquals(headers.has("tus-resumable"), false);
  }
});

Deno.test("no reply to a client is a 3xx", async () => {
  const context = setup();
  const url = await created(context);
  const replies = [
    await append(context, url, 0, false, sample(Q)),
    await append(context, url, Q, false),
    await send(context, "HEAD", url, undefined),
    await send(context, "GET", url, undefined, { version: null }),
  ];
  for (const { status } of replies) assertEquals(status, 204);
});

Deno.test("the upload's URL is that of other protocols: a client of Google's goes on, and ends it", async () => {
  const context = setup();
  const bytes = sample(2 * Q + 5);
  const url = await created(context, { headers: { "upload-length": String(bytes.length) } });
  await append(context, url, 0, false, bytes.subarray(0, Q));
  const google = await ask(context, url, {
    method: "PUT",
    headers: { "content-range": `bytes ${Q}-${2 * Q - 1}/${bytes.length}` },
    body: bytes.subarray(Q, 2 * Q),
  });
  assertEquals([google.status, google.headers.get("upload-complete")], [308, null]);
  assertEquals(
    await told(await append(context, url, 2 * Q, true, bytes.subarray(2 * Q))),
    `200 at ${bytes.length} complete`,
  );
  assertStored(context, bytes);
});

Deno.test("a bare DELETE of an upload that a client of Google's has started is answered as Google does", async () => {
  const context = setup();
  const reply = await ask(context, "?uploadType=resumable&name=a");
  const deleted = await ask(context, reply.headers.get("location")!, { method: "DELETE" });
  assertEquals(deleted.status, 499);
});

Deno.test("a method that is none of the protocol is a 405 that says which are", async () => {
  const context = setup();
  const url = await created(context);
  const onUpload = await send(context, "POST", url, true, { body: sample(5) });
  const onEndpoint = await send(context, "PATCH", UPLOAD, true, { body: sample(5) });
  assertEquals([onUpload.status, onEndpoint.status], [405, 405]);
  assertEquals(onUpload.headers.get("allow"), "HEAD, GET, PATCH, DELETE, OPTIONS");
  assertEquals(onEndpoint.headers.get("allow"), "POST, PUT, OPTIONS");
});
