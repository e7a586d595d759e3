// Uploads of one request: what arrives, which results are accepted, and when they may be repeated.

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  DataCorruption,
  InvalidResponse,
  MultipartUpload,
  SimpleUpload,
  type Transport,
  UploadError,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { type Answer, finished, scripted } from "../support/scripted.ts";

const MEDIA =
  "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a";
const MULTIPART =
  "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=multipart";
const DATA = patterned(1000);
const crcOf = (bytes: Uint8Array) => encodeCrc32c(crc32c(bytes));

const uploads = {
  simple: (options = {}, query = "") => {
    const upload = new SimpleUpload(MEDIA + query, options);
    return {
      upload,
      transmit: (
        transport: Transport,
        data: Blob | BufferSource | string = DATA,
        signal?: AbortSignal,
      ) => upload.transmit(transport, data, "image/png", { signal }),
    };
  },
  multipart: (options = {}, query = "") => {
    const upload = new MultipartUpload(MULTIPART + query, options);
    return {
      upload,
      transmit: (
        transport: Transport,
        data: Blob | BufferSource | string = DATA,
        signal?: AbortSignal,
      ) => upload.transmit(transport, data, { name: "a" }, "image/png", { signal }),
    };
  },
};

for (const [kind, make] of Object.entries(uploads)) {
  for (
    const [what, data] of [
      ["bytes", DATA],
      ["a view", new DataView(patterned(1100).buffer, 50, 1000)],
      ["a Blob", new Blob([DATA])],
      ["a string", "text ä"],
      ["nothing", new Uint8Array(0)],
    ] as const
  ) {
    for (const checksum of ["auto", "crc32c", "md5", null] as const) {
      Deno.test(`${kind}: ${what} with checksum ${checksum} arrives`, async () => {
        const emulator = new GcsEmulator();
        const { upload, transmit } = make({ checksum });
        assertEquals(upload.finished, false);
        const response = await transmit(emulator.fetch, data);
        const expected = new Uint8Array(await new Blob([data as BlobPart]).arrayBuffer());
        assertEquals(emulator.get("my-bucket", "a")?.bytes, expected);
        assertEquals(emulator.get("my-bucket", "a")?.resource.contentType, "image/png");
        assertEquals([upload.finished, upload.object?.name, response.status], [true, "a", 200]);
        assertEquals((await response.json()).size, String(expected.length));
      });
    }
  }

  Deno.test(`${kind}: an upload can only be used once`, async () => {
    const { transmit } = make();
    await transmit(new GcsEmulator().fetch);
    const error = await assertRejects(
      () => transmit(new GcsEmulator().fetch),
      UploadError,
      "only be used once",
    );
    assertEquals(error.code, "invalid_state");
  });

  Deno.test(`${kind}: 201 is success`, async () => {
    const { upload, transmit } = make();
    await transmit(scripted(Response.json({ size: "1000" }, { status: 201 })).transport);
    assertEquals(upload.finished, true);
  });

  const refusals: [rule: string, answer: Answer, code: string][] = [
    ["400", new Response("", { status: 400 }), "rejected"],
    ["404 for the bucket", new Response("", { status: 404 }), "rejected"],
    ["412", new Response("", { status: 412 }), "precondition_failed"],
    ["304", new Response(null, { status: 304 }), "precondition_failed"],
    ["204", new Response(null, { status: 204 }), "invalid_response"],
    ["503", new Response("", { status: 503 }), "unavailable"],
    ["a page instead of the object", new Response("<html>"), "invalid_response"],
  ];
  for (const [rule, answer, code] of refusals) {
    Deno.test(`${kind}: ${rule} is an InvalidResponse with code ${code}, and the upload is not finished`, async () => {
      const { upload, transmit } = make();
      const error = await assertRejects(
        () => transmit(scripted(answer).transport),
        InvalidResponse,
      );
      assertEquals([error.code, error.response.status, upload.finished], [
        code,
        (answer as Response).status,
        false,
      ]);
    });
  }

  for (const object of [{ size: "999" }, { size: "1000", crc32c: "AAAAAA==" }]) {
    Deno.test(`${kind}: an object ${JSON.stringify(object)} is DataCorruption`, async () => {
      const { upload, transmit } = make();
      await assertRejects(() => transmit(scripted(finished(object)).transport), DataCorruption);
      assertEquals(upload.finished, false);
    });
  }

  Deno.test(`${kind}: a required checksum that is not reported is an InvalidResponse`, async () => {
    await assertRejects(
      () => make({ checksum: "md5" }).transmit(scripted(finished()).transport),
      InvalidResponse,
      "md5",
    );
  });

  Deno.test(`${kind}: without a generation precondition nothing is repeated`, async () => {
    const { transport, seen } = scripted(new Error("reset"));
    const error = await assertRejects(
      () => make({ retry: { clock: fakeClock() } }).transmit(transport),
      UploadError,
    );
    assertEquals([error.code, seen.length], ["transport_failed", 1]);
  });

  Deno.test(`${kind}: with ifGenerationMatch it is repeated, byte for byte, after failures that may pass`, async () => {
    const clock = fakeClock();
    const { transport, seen } = scripted(
      new Error("reset"),
      new Response("", { status: 503, headers: { "retry-after": "9" } }),
      finished({ size: "1000" }),
    );
    const { upload, transmit } = make({ retry: { clock } }, "&ifGenerationMatch=0");
    await transmit(transport);
    assertEquals(clock.sleeps, [1000, 9000]);
    assertEquals(seen[0].body, seen[2].body);
    assertEquals(upload.finished, true);
  });

  Deno.test(`${kind}: retry null repeats nothing, whatever the precondition`, async () => {
    for (const retry of [null, false]) {
      const once = scripted(new Error("reset"));
      await assertRejects(
        () => make({ retry }, "&ifGenerationMatch=0").transmit(once.transport),
        UploadError,
      );
      assertEquals(once.seen.length, 1);
    }
  });

  Deno.test(`${kind}: as a header the precondition belongs to the XML API: nothing is repeated with it`, async () => {
    const headers = { "x-goog-if-generation-match": "0" };
    const once = scripted(new Error("reset"));
    await assertRejects(
      () => make({ retry: { clock: fakeClock() }, headers }).transmit(once.transport),
      UploadError,
    );
    assertEquals(once.seen.length, 1);
  });

  Deno.test(`${kind}: a precondition that fails after a lost reply: the object is looked at, and it is ours`, async () => {
    const emulator = new GcsEmulator();
    emulator.inject({ drop: "after" });
    const { upload, transmit } = make({ retry: { clock: fakeClock() } }, "&ifGenerationMatch=0");
    await transmit(emulator.fetch);
    assertEquals(emulator.requests.map(({ kind, status }) => [kind, status]), [
      [kind === "simple" ? "media" : "multipart", null],
      [kind === "simple" ? "media" : "multipart", 412],
      ["get", 200],
    ]);
    assertEquals([upload.finished, upload.object?.size], [true, "1000"]);
    assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
  });

  Deno.test(`${kind}: where the object is another one, the failed precondition has the lost reply as its cause`, async () => {
    const emulator = new GcsEmulator();
    const other = make();
    await other.transmit(emulator.fetch, patterned(1000, 7));
    emulator.inject({ drop: "before" });
    const { upload, transmit } = make({ retry: { clock: fakeClock() } }, "&ifGenerationMatch=0");
    const error = await assertRejects(() => transmit(emulator.fetch), InvalidResponse);
    assertEquals([error.code, upload.finished], ["precondition_failed", false]);
    assert(error.cause instanceof UploadError && error.cause.code === "transport_failed");
  });

  Deno.test(`${kind}: a precondition that fails at once is not looked into`, async () => {
    const { transport, seen } = scripted(new Response("", { status: 412 }));
    await assertRejects(
      () => make({}, "&ifGenerationMatch=0").transmit(transport),
      InvalidResponse,
    );
    assertEquals(seen.length, 1);
  });

  Deno.test(`${kind}: an abort stops at once with its own reason`, async () => {
    const own = new Error("enough");
    const abort = new AbortController();
    const running = make().transmit(() => new Promise(() => {}), DATA, abort.signal);
    await Promise.resolve();
    abort.abort(own);
    assertEquals(await assertRejects(() => running), own);
  });

  Deno.test(`${kind}: the caller's headers are sent and not changed`, async () => {
    const headers = { "x-goog-encryption-algorithm": "AES256" };
    const { transport, seen } = scripted(finished({ size: "1000" }));
    await make({ headers }).transmit(transport);
    assertEquals(seen[0].headers.get("x-goog-encryption-algorithm"), "AES256");
    assertEquals(headers, { "x-goog-encryption-algorithm": "AES256" });
  });

  Deno.test(`${kind}: wrong arguments are refused at the call, and nothing is used up`, async () => {
    const { upload, transmit } = make();
    await assertRejects(() => transmit(undefined as unknown as Transport), TypeError, "transport");
    await assertRejects(
      () => transmit(new GcsEmulator().fetch, new ReadableStream() as unknown as Blob),
      TypeError,
      "ResumableUpload",
    );
    await assertRejects(
      () => transmit(new GcsEmulator().fetch, { read: () => {} } as unknown as Blob),
      TypeError,
      "data",
    );
    await transmit(new GcsEmulator().fetch);
    assertEquals(upload.finished, true);
    assertThrows(() => make({ checksum: "sha1" }), TypeError, "checksum");
    assertThrows(() => make({ retry: { maxAttempts: 0 } }), RangeError, "maxAttempts");
  });
}

for (const url of ["", "/relative", "ftp://a.example/", "storage.googleapis.com/x"]) {
  Deno.test(`${JSON.stringify(url)} is no upload URL`, () => {
    assertThrows(() => new SimpleUpload(url), TypeError, "uploadUrl");
    assertThrows(() => new MultipartUpload(url), TypeError, "uploadUrl");
  });
}

for (
  const contentType of ["", "png", "image/png\r\nx: y", "image/ä", undefined as unknown as string]
) {
  Deno.test(`${JSON.stringify(contentType)} is no media type`, async () => {
    const { transport, seen } = scripted();
    await assertRejects(
      () => new SimpleUpload(MEDIA).transmit(transport, "x", contentType),
      TypeError,
      "contentType",
    );
    await assertRejects(
      () => new MultipartUpload(MULTIPART).transmit(transport, "x", {}, contentType),
      TypeError,
      "contentType",
    );
    assertEquals(seen.length, 0);
  });
}

Deno.test("multipart: the metadata arrives, and is not changed", async () => {
  const emulator = new GcsEmulator();
  const metadata = Object.freeze({
    name: "a",
    cacheControl: "no-store",
    metadata: { k: "v" },
    crc32c: crcOf(DATA),
  });
  await new MultipartUpload(MULTIPART).transmit(emulator.fetch, DATA, metadata, "image/png");
  const { resource } = emulator.get("my-bucket", "a")!;
  assertEquals([resource.cacheControl, resource.metadata], ["no-store", { k: "v" }]);
});

Deno.test("multipart: bytes that are not those that the metadata speaks of are not sent", async () => {
  const { transport, seen } = scripted();
  const error = await assertRejects(
    () =>
      new MultipartUpload(MULTIPART).transmit(
        transport,
        DATA,
        { name: "a", crc32c: "AAAAAA==" },
        "image/png",
      ),
    UploadError,
  );
  assertEquals([error.code, seen.length], ["source_changed", 0]);
});

for (const size of [0, 1, 1000, 9 * 1024 * 1024]) {
  for (const type of ["simple", "multipart"] as const) {
    Deno.test(`${type}: { size, read } of ${size} bytes arrives, and is closed once`, async () => {
      const data = patterned(size), emulator = new GcsEmulator();
      let closed = 0;
      const source = {
        size,
        read: (offset: number, length: number) =>
          Promise.resolve(data.slice(offset, offset + Math.min(length, 300_000))),
        close: () => void closed++,
      };
      const { upload, transmit } = uploads[type]();
      await transmit(emulator.fetch, source as unknown as Blob);
      assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
      assertEquals([upload.finished, closed], [true, 1]);
    });
  }
}

Deno.test("simple: with auto the object has to report its size or a checksum; with null nothing", async () => {
  const bare = () => scripted(finished({ name: "a" }));
  await assertRejects(
    () => new SimpleUpload(MEDIA).transmit(bare().transport, DATA, "a/b"),
    InvalidResponse,
    "its size or a checksum",
  );
  await new SimpleUpload(MEDIA, { checksum: null }).transmit(bare().transport, DATA, "a/b");
  for (const object of [{ size: "1000" }, { crc32c: crcOf(DATA) }]) {
    await new SimpleUpload(MEDIA).transmit(scripted(finished(object)).transport, DATA, "a/b");
  }
});

Deno.test("multipart: metadata must be an object", async () => {
  for (const metadata of [null, undefined, "a", []]) {
    const running = () =>
      new MultipartUpload(MULTIPART).transmit(
        scripted().transport,
        "x",
        metadata as unknown as Record<string, unknown>,
        "a/b",
      );
    await assertRejects(running, TypeError, "metadata");
  }
});

Deno.test("multipart: bytes damaged on the way are refused by the server, and nothing is stored", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ corrupt: true });
  const upload = new MultipartUpload(MULTIPART);
  const error = await assertRejects(
    () => upload.transmit(emulator.fetch, DATA, { name: "a" }, "image/png"),
    DataCorruption,
  );
  assertStringIncludes(error.message, "CRC32C");
  assertEquals([upload.finished, emulator.get("my-bucket", "a")], [false, undefined]);
});

Deno.test("multipart: each upload has a boundary of its own", async () => {
  const { transport, seen } = scripted(finished(), finished());
  for (let i = 0; i < 2; i++) {
    await new MultipartUpload(MULTIPART).transmit(transport, DATA, {}, "image/png");
  }
  const [first, second] = seen.map(({ headers }) => headers.get("content-type"));
  assert(/^multipart\/related; boundary="[0-9a-f-]{36}"$/.test(first!), first!);
  assert(first !== second);
});

Deno.test("multipart: what is repeated is the same request, its boundary too", async () => {
  const { transport, seen } = scripted(new Error("reset"), finished());
  const upload = new MultipartUpload(`${MULTIPART}&ifGenerationMatch=0`, {
    retry: { clock: fakeClock() },
  });
  await upload.transmit(transport, DATA, { name: "a" }, "image/png");
  assertEquals(seen[0].body, seen[1].body);
  assertEquals(seen[0].headers.get("content-type"), seen[1].headers.get("content-type"));
});

Deno.test("a large Blob is hashed by slices, never read whole", async () => {
  const blob = new Blob([patterned(9 * 1024 * 1024)]);
  blob.arrayBuffer = () => Promise.reject(new Error("read whole"));
  const emulator = new GcsEmulator();
  const upload = new SimpleUpload(MEDIA, { checksum: "crc32c" });
  await upload.transmit(emulator.fetch, blob, "image/png");
  assertEquals(upload.finished, true);
});

const LONG = patterned(9 * 1024 * 1024);
const longSource = (reads: number[] = []) => ({
  size: LONG.length,
  read: (offset: number, length: number) => {
    reads.push(length);
    return Promise.resolve(LONG.slice(offset, offset + length));
  },
});

/** Reads the first piece of a body, and no more. */
async function readFirst(body: unknown): Promise<void> {
  if (body instanceof ReadableStream) await body.getReader().read();
}

Deno.test("a success that comes before all was taken, with nothing to compare, is none", async () => {
  const transport: Transport = async (_, { body }) => {
    await readFirst(body);
    return Response.json({ name: "a" });
  };
  const uploads = [
    new SimpleUpload("https://api.example/files?uploadType=media", { retry: null }),
    new SimpleUpload(MEDIA, { retry: null, checksum: null }),
  ];
  for (const upload of uploads) {
    const error = await assertRejects(
      () => upload.transmit(transport, longSource(), "a/b"),
      InvalidResponse,
      "answered before",
    );
    assertEquals([error.code, upload.finished], ["invalid_response", false]);
  }
});

Deno.test("after a lost reply the object is found, although the repetition is refused before all was taken", async () => {
  const gcs = new GcsEmulator();
  let uploads = 0;
  const transport: Transport = async (input, init) => {
    if (init.method === "GET") return await gcs.fetch(input, init);
    if (uploads++ === 0) {
      await gcs.fetch(input, init);
      throw new TypeError("the reply is lost");
    }
    await readFirst(init.body);
    return new Response(null, { status: 412 });
  };
  const retry = { clock: fakeClock() };
  const upload = new SimpleUpload(`${MEDIA}&ifGenerationMatch=0`, { retry });
  await upload.transmit(transport, longSource(), "a/b");
  assertEquals([uploads, upload.object?.crc32c], [2, crcOf(LONG)]);
});

Deno.test("a connection that is refused says nothing about streams: what is long is streamed again", async () => {
  const gcs = new GcsEmulator();
  const bodies: unknown[] = [];
  const transport: Transport = async (input, init) => {
    bodies.push(init.body);
    if (bodies.length <= 4) throw new TypeError("connection refused");
    return await gcs.fetch(input, init);
  };
  const retry = { clock: fakeClock() };
  const upload = new SimpleUpload(`${MEDIA}&ifGenerationMatch=0`, { retry });
  await upload.transmit(transport, longSource(), "a/b");
  assertEquals(upload.object?.crc32c, crcOf(LONG));
  assert(bodies.at(-1) instanceof ReadableStream, "it is streamed");
});

Deno.test("what is too long to be held is not read at once when a connection is refused", async () => {
  const reads: number[] = [];
  const transport: Transport = () => Promise.reject(new TypeError("connection refused"));
  const source = {
    size: 2 ** 40,
    read: (_: number, length: number) => {
      reads.push(length);
      return Promise.resolve(new Uint8Array(length));
    },
  };
  const upload = new SimpleUpload(`${MEDIA}&ifGenerationMatch=0`, {
    retry: { clock: fakeClock(), maxAttempts: 3 },
  });
  const error = await assertRejects(() => upload.transmit(transport, source, "a/b"), UploadError);
  assertEquals(error.code, "transport_failed");
  assert(Math.max(...reads) <= 1024 * 1024, `${Math.max(...reads)} bytes were read at once`);
});

Deno.test("a checksum that the caller gives is compared with what is long, too", async () => {
  for (const [given, isRight] of [[crcOf(LONG), true], ["AAAAAQ==", false]] as const) {
    const gcs = new GcsEmulator();
    const upload = new SimpleUpload(MEDIA, { headers: { "x-goog-hash": `crc32c=${given}` } });
    const sent = upload.transmit(gcs.fetch, longSource(), "a/b");
    if (isRight) await sent;
    else await assertRejects(() => sent, DataCorruption, given);
    assertEquals(upload.finished, isRight);
  }
});
