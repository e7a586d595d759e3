// The proxy as a whole: upload types, methods, hosts, logs that fail, and errors that can be answered.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HttpError } from "../../src/worker.ts";
import { ask, outcome, setup, start, UPLOAD } from "./support.ts";

for (const name of ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"]) {
  Deno.test(`uploadType=${name} is no upload type, whatever objects inherit`, async () => {
    const context = setup();
    const response = await ask(context, `?uploadType=${name}&name=a`);
    assertEquals(await outcome(response), "400 invalidParameter");
    assertEquals(context.sent.length, 0);
  });
}

const fail = () => {
  throw new Error("the disk is full");
};
for (
  const [how, log] of [["at once", fail], [
    "later",
    () => Promise.reject(new Error("full")),
  ]] as const
) {
  // A rejection that nobody hears of ends the process, and this test with it.
  Deno.test(`a log that fails ${how} costs the log entry, not the reply`, async () => {
    const context = setup({ log });
    const response = await ask(context, "?uploadType=media&name=a", { body: "x" });
    assertEquals(response.status, 200);
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
}

for (const status of [0, 101, 200, 204, 302, 399, 600, 1000, NaN, 403.5, "403"]) {
  Deno.test(`an HttpError with the status ${status} cannot be made, so that each one can be answered`, async () => {
    const make = () => new HttpError(status as number, "x", "y");
    assertThrows(make, RangeError, "expected a status from 400 to 599");
    const context = setup({
      authorize() {
        throw make();
      },
    });
    const response = await ask(context, "?uploadType=media&name=a", { body: "x", grant: null });
    assertEquals([await outcome(response), context.sent.length], ["503 backendError", 0]);
  });
}

Deno.test("an HttpError with a header that cannot be sent cannot be made", () => {
  const headers = { "retry-after": "1\r\nset-cookie: a=b" };
  assertThrows(() => new HttpError(429, "x", "y", headers), TypeError);
});

Deno.test("a status of Google's that HTTP does not know is a 502", async () => {
  const odd = new Response();
  Object.defineProperty(odd, "status", { value: 999 });
  const response = await ask(
    setup({ transport: () => Promise.resolve(odd) }),
    "?uploadType=media&name=a",
    { body: "x" },
  );
  assertEquals(await outcome(response), "502 badGateway");
});

Deno.test("a method that nothing takes is a 405 that says which ones are taken", async () => {
  const response = await ask(setup(), UPLOAD, { method: "PATCH" });
  assertEquals(await outcome(response), "405 methodNotAllowed");
  assertEquals(response.headers.get("allow"), "POST, PUT, DELETE, OPTIONS");
});

Deno.test("the log names the session in the entry of its start as in those of its chunks", async () => {
  const context = setup();
  const url = await start(context);
  await ask(context, url, { method: "PUT", body: "abc" });
  const [first, second] = context.log.map(({ session }) => session);
  assertEquals([typeof second, first], ["string", second]);
});

// Over a socket, since no Request can be made with such a URL; Deno.serve hands it on all the same.
for (const host of ["[bad", "a b", "a:99999"]) {
  Deno.test(`a Host header "${host}" gets a reply of the proxy, not an exception`, async () => {
    const context = setup();
    let failure: unknown;
    const server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      onListen() {},
      onError(error) {
        failure = error;
        return new Response(null, { status: 500 });
      },
    }, context.proxy.fetch);
    try {
      const { port } = server.addr;
      using socket = await Deno.connect({ port, hostname: "127.0.0.1" });
      const head = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      await socket.write(new TextEncoder().encode(head));
      const reply = await new Response(socket.readable).text();
      assertEquals(failure, undefined);
      assertStringIncludes(reply, "HTTP/1.1 400 ");
    } finally {
      await server.shutdown();
    }
  });
}

Deno.test("GET /healthz is a 200 to anybody, and Google is asked nothing", async () => {
  const { proxy, sent } = setup();
  const reply = await proxy.fetch(new Request("https://proxy.example/healthz"));
  assertEquals([reply.status, await reply.json(), sent.length], [200, { status: "ok" }, 0]);
});
