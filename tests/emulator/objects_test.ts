// Objects of the emulator: their resources, generations, checksums, lists and removal.

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, OBJECTS, ORIGIN, put, start, UPLOAD } from "./helpers.ts";

async function store(gcs: GcsEmulator, name: string, body = "123456789"): Promise<Response> {
  return await gcs.fetch(`${UPLOAD}?uploadType=media&name=${encodeURIComponent(name)}`, {
    method: "POST",
    body,
    headers: { "content-type": "text/plain" },
  });
}

Deno.test("the object resource has Google's properties in Google's order", async () => {
  const gcs = new GcsEmulator({ now: () => 1_726_500_000_123 });
  const body = JSON.stringify({
    name: "dir/x.bin",
    metadata: { marker: "gcs-resumable" },
    cacheControl: "no-store",
    contentDisposition: "inline",
    storageClass: "NEARLINE",
  });
  const session = await start(gcs, "", { body });
  const object = await (await put(gcs, session, "bytes 0-8/9", "123456789")).json();
  const time = "2024-09-16T15:20:00.123Z";
  const expected = {
    kind: "storage#object" as const,
    id: "bucket/dir/x.bin/1726500000123000",
    selfLink: "https://www.googleapis.com/storage/v1/b/bucket/o/dir%2Fx.bin",
    mediaLink: "https://storage.googleapis.com/download/storage/v1/b/bucket/o/dir%2Fx.bin" +
      "?generation=1726500000123000&alt=media",
    name: "dir/x.bin",
    bucket: "bucket",
    generation: "1726500000123000",
    metageneration: "1",
    contentType: "application/octet-stream",
    storageClass: "NEARLINE",
    size: "9",
    md5Hash: "JfnnlDI7RTiF9RgfG2JNCw==",
    cacheControl: "no-store",
    contentDisposition: "inline",
    crc32c: "4waSgw==",
    etag: "CPiQ2dnhx4gDEAE=",
    timeCreated: time,
    updated: time,
    timeStorageClassUpdated: time,
    timeFinalized: time,
    metadata: { marker: "gcs-resumable" },
  };
  assertEquals(object, expected);
  assertEquals(Object.keys(object), Object.keys(expected));
  assertEquals(gcs.get("bucket", "dir/x.bin")?.resource, expected);
});

Deno.test("an object without custom metadata has no metadata property", async () => {
  const object = await (await store(new GcsEmulator(), "n")).json();
  assertEquals("metadata" in object, false);
});

Deno.test("generations have 16 digits and grow, even when the clock stands still", async () => {
  const gcs = new GcsEmulator({ now: () => 1_800_000_000_000 });
  const first = await (await store(gcs, "n")).json();
  const second = await (await store(gcs, "n")).json();
  assertMatch(first.generation, /^\d{16}$/);
  assertEquals(Number(second.generation) > Number(first.generation), true);
  assertNotEquals(first.etag, second.etag);
  assertEquals(gcs.objects.length, 1);
});

Deno.test("the empty object has the checksums of nothing", async () => {
  const object = await (await store(new GcsEmulator(), "n", "")).json();
  assertEquals(
    [object.size, object.crc32c, object.md5Hash],
    ["0", "AAAAAA==", "1B2M2Y8AsgTpgAmY7PhCfg=="],
  );
});

Deno.test("objects are what a test looks at", async () => {
  const gcs = new GcsEmulator();
  await store(gcs, "b");
  await store(gcs, "a");
  assertEquals(gcs.objects.map((object) => object.name), ["a", "b"]);
  const object = gcs.get("bucket", "a")!;
  assertEquals([object.bucket, object.size, object.contentType], ["bucket", 9, "text/plain"]);
  assertEquals([object.crc32c, object.md5Hash], ["4waSgw==", "JfnnlDI7RTiF9RgfG2JNCw=="]);
  assertEquals(object.metadata, {});
  assertEquals(object.bytes, new TextEncoder().encode("123456789"));
  assertEquals(gcs.get("bucket", "c"), undefined);
});

for (
  const [fields, expected] of [
    ["size", { size: "9" }],
    ["size,name", { name: "n", size: "9" }],
    ["name,metadata(a)", { name: "n", metadata: { a: "1" } }],
    ["metadata/b", { metadata: { b: "2" } }],
    ["metadata/a,metadata/b", { metadata: { a: "1", b: "2" } }],
    ["metadata,metadata/a", { metadata: { a: "1", b: "2" } }],
    ["metadata(a,b),size", { size: "9", metadata: { a: "1", b: "2" } }],
    ["metadata/*", { metadata: { a: "1", b: "2" } }],
    ["nothing", {}],
  ] as const
) {
  Deno.test(`fields=${fields} trims the replies about an object`, async () => {
    const gcs = new GcsEmulator();
    const body = JSON.stringify({ metadata: { a: "1", b: "2" } });
    const session = await start(gcs, `name=n&fields=${encodeURIComponent(fields)}`, { body });
    const last = await (await put(gcs, session, null, "123456789")).json();
    assertEquals(last, expected);
    assertEquals(Object.keys(last), Object.keys(expected));
    const url = `${OBJECTS}/n?fields=${encodeURIComponent(fields)}`;
    assertEquals(await (await gcs.fetch(url)).json(), expected);
  });
}

for (const fields of ["", ",", "a,", "a(", "a()", "a)", "a/", "/a", "a(b", "a(b))", "(a)"]) {
  Deno.test(`fields=${fields} is no selection`, async () => {
    const gcs = new GcsEmulator();
    await store(gcs, "n");
    const response = await gcs.fetch(`${OBJECTS}/n?fields=${encodeURIComponent(fields)}`);
    const { error } = await response.json();
    assertEquals([response.status, error.errors[0].reason], [400, "invalidParameter"]);
  });
}

Deno.test("projection=full adds acl and owner, noAcl does not", async () => {
  const gcs = new GcsEmulator();
  const full = await start(gcs, "name=n&projection=full&predefinedAcl=private");
  const object = await (await put(gcs, full, null, "x")).json();
  assertEquals([object.acl.length, typeof object.owner.entity], [1, "string"]);
  const none = await (await gcs.fetch(`${OBJECTS}/n?projection=noAcl`)).json();
  assertEquals(["acl" in none, "owner" in none], [false, false]);
});

Deno.test("prettyPrint=false answers in one line", async () => {
  const gcs = new GcsEmulator();
  await store(gcs, "n");
  assertEquals((await (await gcs.fetch(`${OBJECTS}/n`)).text()).includes("\n"), true);
  const text = await (await gcs.fetch(`${OBJECTS}/n?prettyPrint=false`)).text();
  assertEquals(text.includes("\n"), false);
});

Deno.test("an object that does not exist is a 404, in JSON or for its bytes in plain text", async () => {
  const gcs = new GcsEmulator();
  const message = "No such object: bucket/dir/n";
  for (const method of ["GET", "DELETE"]) {
    const json = await gcs.fetch(`${OBJECTS}/dir%2Fn`, { method });
    assertEquals(json.status, 404);
    assertEquals(await json.json(), {
      error: { code: 404, message, errors: [{ message, domain: "global", reason: "notFound" }] },
    });
  }
  const bytes = await gcs.fetch(`${OBJECTS}/dir%2Fn?alt=media`);
  assertEquals(bytes.status, 404);
  assertEquals(bytes.headers.get("content-type"), "text/html; charset=UTF-8");
  assertEquals(await bytes.text(), message);
});

Deno.test("alt=media gives the bytes with Google's headers", async () => {
  const gcs = new GcsEmulator({ now: () => 1_726_500_000_123 });
  await store(gcs, "n");
  for (const url of [`${OBJECTS}/n?alt=media`, gcs.get("bucket", "n")!.resource.mediaLink]) {
    const response = await gcs.fetch(url);
    assertEquals(await response.text(), "123456789");
    const { "x-guploader-uploadid": _, ...headers } = Object.fromEntries(response.headers);
    assertEquals(headers, {
      "accept-ranges": "bytes",
      "content-disposition": "attachment",
      "content-length": "9",
      "content-type": "text/plain",
      "etag": "CPiQ2dnhx4gDEAE=",
      "last-modified": "Mon, 16 Sep 2024 15:20:00 GMT",
      "server": "UploadServer",
      "vary": "Origin, X-Origin",
      "x-goog-generation": "1726500000123000",
      "x-goog-hash": "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==",
      "x-goog-metageneration": "1",
      "x-goog-storage-class": "STANDARD",
      "x-goog-stored-content-encoding": "identity",
      "x-goog-stored-content-length": "9",
    });
  }
});

Deno.test("alt=media gives the headers that the object was stored with", async () => {
  const gcs = new GcsEmulator();
  const described = {
    cacheControl: "no-store",
    contentDisposition: "inline",
    contentEncoding: "x",
    contentLanguage: "de",
  };
  const session = await start(gcs, "name=n", { body: JSON.stringify(described) });
  await put(gcs, session, null, "x");
  const { headers } = await gcs.fetch(`${OBJECTS}/n?alt=media`);
  for (const [name, value] of Object.entries(described)) {
    assertEquals(headers.get(name.replace(/[A-Z]/, (letter) => `-${letter}`)), value);
  }
  assertEquals(headers.get("x-goog-stored-content-encoding"), "x");
});

Deno.test("HEAD gives the headers alone", async () => {
  const gcs = new GcsEmulator();
  await store(gcs, "n");
  const response = await gcs.fetch(`${OBJECTS}/n?alt=media`, { method: "HEAD" });
  assertEquals([response.status, response.headers.get("content-length")], [200, "9"]);
  assertEquals(await response.text(), "");
});

for (
  const [range, status, text, contentRange] of [
    ["bytes=0-3", 206, "1234", "bytes 0-3/9"],
    ["bytes=5-", 206, "6789", "bytes 5-8/9"],
    ["bytes=-2", 206, "89", "bytes 7-8/9"],
    ["bytes=-99", 206, "123456789", "bytes 0-8/9"],
    ["bytes=8-99", 206, "9", "bytes 8-8/9"],
    ["bytes=9-", 416, "", "bytes */9"],
    ["bytes=-0", 416, "", "bytes */9"],
    ["bytes=3-1", 200, "123456789", null],
    ["bytes=0-1,3-4", 200, "123456789", null],
    ["lines=0-1", 200, "123456789", null],
  ] as const
) {
  Deno.test(`a read of ${range} is a ${status}`, async () => {
    const gcs = new GcsEmulator();
    await store(gcs, "n");
    const response = await gcs.fetch(`${OBJECTS}/n?alt=media`, { headers: { range } });
    assertEquals([response.status, await response.text()], [status, text]);
    assertEquals(response.headers.get("content-range"), contentRange);
    assertEquals(response.headers.get("content-length"), String(text.length));
  });
}

Deno.test("with store: discard everything but the bytes is there", async () => {
  const gcs = new GcsEmulator({ store: "discard" });
  await store(gcs, "n");
  const object = gcs.get("bucket", "n")!;
  assertEquals([object.bytes, object.size, object.crc32c], [undefined, 9, "4waSgw=="]);
  const response = await gcs.fetch(`${OBJECTS}/n?alt=media`);
  assertEquals(response.status, 501);
  assertEquals(
    (await response.json()).error.message,
    'The bytes of bucket/n were not kept: the emulator has store: "discard".',
  );
});

Deno.test("reads and removals obey generation and preconditions", async () => {
  const gcs = new GcsEmulator();
  await store(gcs, "n");
  const { generation } = gcs.get("bucket", "n")!;
  for (
    const [query, status] of [
      [`generation=${generation}`, 200],
      ["generation=1", 404],
      ["ifGenerationMatch=1", 412],
      [`ifGenerationNotMatch=${generation}`, 304],
      ["ifMetagenerationMatch=1", 200],
      ["ifMetagenerationMatch=x", 400],
    ] as const
  ) {
    assertEquals((await gcs.fetch(`${OBJECTS}/n?${query}`)).status, status);
    if (status === 200) continue;
    const removal = await gcs.fetch(`${OBJECTS}/n?${query}`, { method: "DELETE" });
    assertEquals(removal.status, status);
  }
  const url = `${OBJECTS}/n?ifGenerationMatch=${generation}`;
  const removal = await gcs.fetch(url, { method: "DELETE" });
  assertEquals([removal.status, await removal.text()], [204, ""]);
  assertEquals(removal.headers.get("content-type"), "application/json");
  assertEquals(gcs.objects, []);
});

Deno.test("the list of nothing has no items", async () => {
  const list = await (await new GcsEmulator().fetch(OBJECTS)).json();
  assertEquals(list, { kind: "storage#objects" });
});

for (
  const [query, names, prefixes] of [
    ["", ["a", "b/1", "b/2", "b/c/3", "d", "\uffff", "😀"], undefined],
    ["prefix=b/", ["b/1", "b/2", "b/c/3"], undefined],
    ["delimiter=/", ["a", "d", "\uffff", "😀"], ["b/"]],
    ["prefix=b/&delimiter=/", ["b/1", "b/2"], ["b/c/"]],
    ["prefix=x", undefined, undefined],
  ] as const
) {
  Deno.test(`a list with "${query}", whole and page by page`, async () => {
    const gcs = new GcsEmulator();
    for (const name of ["d", "😀", "\uffff", "b/c/3", "b/2", "a", "b/1"]) await store(gcs, name);
    const whole = await (await gcs.fetch(`${OBJECTS}?${query}`)).json();
    assertEquals(whole.items?.map((item: { name: string }) => item.name), names);
    assertEquals(whole.prefixes, prefixes);
    assertEquals(whole.nextPageToken, undefined);
    const paged: string[] = [];
    let token = "";
    do {
      const url = `${OBJECTS}?${query}&maxResults=2${
        token && `&pageToken=${encodeURIComponent(token)}`
      }`;
      const page = await (await gcs.fetch(url)).json();
      paged.push(...(page.items ?? []).map((item: { name: string }) => item.name));
      paged.push(...(page.prefixes ?? []));
      token = page.nextPageToken ?? "";
    } while (token);
    assertEquals(new Set(paged), new Set([...(names ?? []), ...(prefixes ?? [])]));
    assertEquals(paged.length, (names?.length ?? 0) + (prefixes?.length ?? 0));
  });
}

Deno.test("a list can be trimmed", async () => {
  const gcs = new GcsEmulator();
  await store(gcs, "a");
  const list = await (await gcs.fetch(`${OBJECTS}?fields=items(name,size)`)).json();
  assertEquals(list, { items: [{ name: "a", size: "9" }] });
});

Deno.test("a list refuses a page token or a limit that is none", async () => {
  for (const query of ["pageToken=%25", "maxResults=x", "maxResults=-1"]) {
    assertEquals((await new GcsEmulator().fetch(`${OBJECTS}?${query}`)).status, 400);
  }
});

Deno.test("a bucket lists its own objects", async () => {
  const gcs = new GcsEmulator();
  await store(gcs, "a");
  const other = await gcs.fetch(`${ORIGIN}/storage/v1/b/other/o`);
  assertEquals(await other.json(), { kind: "storage#objects" });
});

for (
  const [method, path, status] of [
    ["PUT", "/storage/v1/b/bucket/o/n", 405],
    ["PATCH", "/storage/v1/b/bucket/o", 405],
    ["GET", "/upload/storage/v1/b/bucket/o", 405],
    ["PATCH", "/bucket/n", 405],
    ["GET", "/", 404],
    ["GET", "/bucket", 404],
    ["GET", "/storage/v1/b/bucket", 404],
    ["POST", "/storage/v1/b", 404],
    ["POST", "/batch/storage/v1", 404],
  ] as const
) {
  Deno.test(`${method} ${path} is a ${status}`, async () => {
    const gcs = new GcsEmulator();
    const response = await gcs.fetch(ORIGIN + path, { method });
    assertEquals(response.status, status);
    if (status === 404) assertEquals(await response.text(), "Not Found");
  });
}

Deno.test("bytes of an object are read back as they were sent", async () => {
  const gcs = new GcsEmulator();
  const bytes = data(1_000_000);
  await put(gcs, await start(gcs, "name=n"), null, bytes);
  const read = await (await gcs.fetch(`${OBJECTS}/n?alt=media`)).arrayBuffer();
  assertEquals(new Uint8Array(read), bytes);
});
