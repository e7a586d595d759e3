import { assertEquals, assertStringIncludes } from "@std/assert";
import { ask, outcome, setup, start, UPLOAD } from "./support.ts";

for (const name of ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"]) {
  Deno.test(`uploadType=${name} is no upload type, whatever objects inherit`, async () => {
    const context = setup();
    const response = await ask(context, `?uploadType=${name}&name=a`);
    assertEquals(await outcome(response), "400 invalidParameter");
    assertEquals(context.sent.length, 0);
  });
}

Deno.test("a log that throws costs the log entry, not the reply", async () => {
  const context = setup({
    log() {
      throw new Error("the disk is full");
    },
  });
  const response = await ask(context, "?uploadType=media&name=a", { body: "x" });
  assertEquals(response.status, 200);
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
