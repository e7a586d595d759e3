// The bad network of the upload page: each fault does to a request what its name says, and leaves all others alone.

import { assertEquals, assertRejects } from "@std/assert";
import { badNetwork, readChange } from "../../examples/page/network.ts";

const chunk = (length: number) =>
  new Request("http://page.example/upload", {
    method: "PUT",
    headers: { "content-length": String(length) },
    body: new Uint8Array(length),
  });

Deno.test("a good network hands requests on as they are", async () => {
  const network = badNetwork();
  const response = await network.carry(
    chunk(10),
    async (request) => new Response(String((await request.bytes()).length)),
  );
  assertEquals(await response.text(), "10");
});

Deno.test("a cut lets half of a chunk through, and happens once", async () => {
  const network = badNetwork();
  network.set({ next: "cut" });
  let passed = 0;
  const serve = async (request: Request) => {
    try {
      for await (const piece of request.body!) passed += piece.length;
    } catch { /* that is what a server sees */ }
    return new Response("reply");
  };
  await assertRejects(() => network.carry(chunk(1000), serve), Error, "broke");
  assertEquals(passed, 500);
  assertEquals(await (await network.carry(chunk(1000), serve)).text(), "reply");
});

Deno.test("a lost reply comes after everything was served", async () => {
  const network = badNetwork();
  network.set({ next: "lose" });
  let passed = 0;
  const serve = async (request: Request) => {
    passed = (await request.bytes()).length;
    return new Response("reply");
  };
  await assertRejects(() => network.carry(chunk(1000), serve), Error, "broke");
  assertEquals(passed, 1000);
});

Deno.test("a busy server serves nothing, and requests without a chunk are left alone", async () => {
  const network = badNetwork();
  network.set({ next: "busy" });
  const serve = () => Promise.resolve(new Response());
  const start = new Request("http://page.example/upload", { method: "POST", body: "{}" });
  assertEquals((await network.carry(start, serve)).status, 200);
  assertEquals((await network.carry(chunk(5), serve)).status, 503);
  assertEquals((await network.carry(chunk(5), serve)).status, 200);
});

Deno.test("a slow network takes its time", async () => {
  const network = badNetwork();
  network.set({ speed: 100_000 });
  const start = performance.now();
  await network.carry(chunk(5000), async (request) => new Response(await request.bytes()));
  assertEquals(performance.now() - start >= 45, true);
});

Deno.test("uploads share a slow network: two together take as long as one after the other", async () => {
  const network = badNetwork();
  network.set({ speed: 100_000 });
  const start = performance.now();
  const serve = async (request: Request) => new Response(await request.bytes());
  await Promise.all([network.carry(chunk(5000), serve), network.carry(chunk(5000), serve)]);
  assertEquals(performance.now() - start >= 95, true);
});

Deno.test("the bytes of a tus client are chunks, too", async () => {
  const network = badNetwork();
  network.set({ next: "busy" });
  const patch = new Request("http://page.example/upload", {
    method: "PATCH",
    headers: { "content-length": "5" },
    body: new Uint8Array(5),
  });
  assertEquals((await network.carry(patch, () => Promise.resolve(new Response()))).status, 503);
});

Deno.test("only changes that are ones are read", () => {
  assertEquals(readChange({ speed: 5000, next: "cut", other: 1 }), { speed: 5000, next: "cut" });
  assertEquals(readChange({ speed: null }), { speed: null });
  for (const wrong of [null, 1, "cut", { speed: 1 }, { speed: "5000" }, { next: "toString" }]) {
    assertEquals(readChange(wrong), undefined);
  }
});

Deno.test("a bit that is flipped is one bit, and a session that is gone a 410 without serving", async () => {
  const network = badNetwork();
  const serve = async (request: Request) =>
    new Response(String((await request.bytes()).filter((byte) => byte !== 0)));
  network.set({ next: "corrupt" });
  assertEquals(await (await network.carry(chunk(1000), serve)).text(), "1");
  assertEquals(await (await network.carry(chunk(1000), serve)).text(), "");
  network.set({ next: "gone" });
  assertEquals((await network.carry(chunk(5), () => Promise.reject())).status, 410);
});

Deno.test("chunks are known by their ranges, or by their command, where nobody says a length", async () => {
  const network = badNetwork();
  const of = (method: string, headers: Record<string, string>) =>
    new Request("http://page.example/", { method, headers, body: new Uint8Array(300_000) });
  const passing = async (request: Request) => {
    network.set({ next: "cut" });
    let passed = 0;
    const count = async ({ body }: Request) => {
      try {
        for await (const piece of body!) passed += piece.length;
      } catch { /* that is what a server sees */ }
      return new Response();
    };
    await network.carry(request, count).catch(() => {});
    network.set({ next: null });
    return passed;
  };
  assertEquals(await passing(of("PUT", { "content-range": "bytes 0-299999/*" })), 150_000);
  assertEquals(await passing(of("PUT", { "content-range": "bytes */*" })), 300_000);
  assertEquals(await passing(of("PATCH", {})), 100_000);
  assertEquals(await passing(of("POST", { "x-goog-upload-command": "upload, finalize" })), 100_000);
  assertEquals(await passing(of("POST", { "x-goog-upload-command": "start" })), 300_000);
});

Deno.test("a cut breaks what is on its way, and nothing that comes later", async () => {
  const network = badNetwork();
  const { promise: arrived, resolve } = Promise.withResolvers<void>();
  const request = chunk(10);
  const carried = network.carry(request, () => {
    resolve();
    return new Promise(() => {});
  });
  await arrived;
  assertEquals(network.cut(), 1);
  await assertRejects(() => carried, Error, "broke");
  assertEquals(network.faultOf(request), "cut");
  assertEquals(network.cut(), 0);
  assertEquals((await network.carry(chunk(5), () => Promise.resolve(new Response()))).status, 200);
});
