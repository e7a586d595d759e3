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
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { type Answer, finished, scripted } from "../support/scripted.ts";

const MEDIA =
  "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a";
const MULTIPART =
  "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=multipart";
const DATA = patterned(1000);

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
      finished(),
    );
    const { upload, transmit } = make({ retry: { clock } }, "&ifGenerationMatch=0");
    await transmit(transport);
    assertEquals(clock.sleeps, [1000, 9000]);
    assertEquals(seen[0].body, seen[2].body);
    assertEquals(upload.finished, true);
  });

  Deno.test(`${kind}: the precondition may be a header, too; retry null repeats nothing`, async () => {
    const headers = { "x-goog-if-generation-match": "0" };
    const twice = scripted(new Error("reset"), finished());
    await make({ retry: { clock: fakeClock() }, headers }).transmit(twice.transport);
    assertEquals(twice.seen.length, 2);
    const once = scripted(new Error("reset"), finished());
    await assertRejects(() => make({ retry: null, headers }).transmit(once.transport), UploadError);
    assertEquals(once.seen.length, 1);
  });

  Deno.test(`${kind}: a precondition that fails after a lost reply has the lost reply as its cause`, async () => {
    const emulator = new GcsEmulator();
    emulator.inject({ drop: "after" });
    const { transmit } = make({ retry: { clock: fakeClock() } }, "&ifGenerationMatch=0");
    const error = await assertRejects(() => transmit(emulator.fetch), InvalidResponse);
    assertEquals(error.code, "precondition_failed");
    assert(error.cause instanceof UploadError && error.cause.code === "transport_failed");
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
    const { transport, seen } = scripted(finished());
    await make({ headers }).transmit(transport);
    assertEquals(seen[0].headers.get("x-goog-encryption-algorithm"), "AES256");
    assertEquals(headers, { "x-goog-encryption-algorithm": "AES256" });
  });

  Deno.test(`${kind}: wrong arguments are refused at the door, and nothing is used up`, async () => {
    const { upload, transmit } = make();
    await assertRejects(() => transmit(undefined as unknown as Transport), TypeError, "transport");
    await assertRejects(
      () => transmit(new GcsEmulator().fetch, new ReadableStream() as unknown as Blob),
      TypeError,
      "ResumableUpload",
    );
    await assertRejects(
      () => transmit(new GcsEmulator().fetch, { size: 1, read: () => {} } as unknown as Blob),
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
    crc32c: "AAAAAA==",
  });
  await new MultipartUpload(MULTIPART).transmit(emulator.fetch, DATA, metadata, "image/png");
  const { resource } = emulator.get("my-bucket", "a")!;
  assertEquals([resource.cacheControl, resource.metadata], ["no-store", { k: "v" }]);
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

Deno.test("a large Blob is hashed by slices, never read whole", async () => {
  const blob = new Blob([patterned(9 * 1024 * 1024)]);
  blob.arrayBuffer = () => Promise.reject(new Error("read whole"));
  const emulator = new GcsEmulator();
  const upload = new SimpleUpload(MEDIA, { checksum: "crc32c" });
  await upload.transmit(emulator.fetch, blob, "image/png");
  assertEquals(upload.finished, true);
});
