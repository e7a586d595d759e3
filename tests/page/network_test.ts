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
