// The server of the page: as a process, and what it answers besides uploads.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { upload } from "@resumable-media/upload";
import { BUCKET, servePage } from "../../examples/page/serve.ts";
import { objectName } from "../../examples/page/object_name.ts";
import { TextLineStream } from "./lines.ts";
import { run } from "../e2e/support.ts";

const SERVER = "examples/page/server.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `the server tells where it is and what it stores, and ends with ${signal}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--allow-all", "--no-check", SERVER, "--port", "0"],
        cwd: new URL("../../", import.meta.url),
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const output = child.stdout.pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream()).getReader();
      try {
        const url = (await output.read()).value?.match(/http:\S+/)?.[0];
        assert(url, "no URL was printed");
        assertStringIncludes((await output.read()).value!, "in memory");
        const { ticket, bucket, name } = await (await fetch(`${url}ticket`, {
          method: "POST",
          body: '{"name":"a.txt"}',
        })).json();
        await upload("hello", {
          endpoint: url,
          bucket,
          name,
          headers: { authorization: `Bearer ${ticket}` },
        });
        assertEquals((await output.read()).value, `stored gs://${bucket}/${name} (5 bytes)`);
      } finally {
        child.kill(signal);
      }
      const { code } = await child.status;
      assertEquals(code, 0);
      assertStringIncludes((await output.read()).value!, "ended");
      await output.cancel();
    },
  });
}

Deno.test("wrong arguments end with 2 and say why", async () => {
  const { code, stdout, stderr } = await run(SERVER, "--port", "many");
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^--port: expected a number from 0 to 65535, got "many"\nusage: /);
});

Deno.test("a port that is taken ends with 1 and says so", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await run(SERVER, `--port=${taken.addr.port}`);
  assertEquals(code, 1);
  assertMatch(stderr, /^port \d+ is taken; choose another one with --port\n$/);
});

Deno.test("the page comes with a strict policy, and is fetched again only when it has changed", async () => {
  const { origin, close } = await servePage();
  try {
    for (const path of ["/", "/app.js", "/style.css", "/icon.svg"]) {
      const first = await fetch(origin + path);
      assert((await first.bytes()).length > 100);
      const policy = first.headers.get("content-security-policy")!;
      assertStringIncludes(policy, "default-src 'none'; script-src 'self'; style-src 'self'");
      assert(!policy.includes("unsafe"), policy);
      const etag = first.headers.get("etag")!;
      const again = await fetch(origin + path, { headers: { "if-none-match": `W/${etag}, "x"` } });
      assertEquals([again.status, await again.text()], [304, ""]);
      const changed = await fetch(origin + path, { method: "POST" });
      assertEquals([changed.status, await changed.text()], [405, ""]);
    }
    const html = await (await fetch(origin)).text();
    assert(
      !/<script(?![^>]* src=)|<style| style=| on\w+=|https?:/.test(html),
      "inline, or outside",
    );
  } finally {
    await close();
  }
});

Deno.test("tickets are for this page, one name each, and the proxy takes no one without", async () => {
  const { origin, close } = await servePage();
  try {
    const ask = (init: RequestInit) => fetch(`${origin}/ticket`, { method: "POST", ...init });
    const { ticket, bucket, name } = await (await ask({ body: '{"name":"a/b.png"}' })).json();
    assertEquals(bucket, BUCKET);
    assertMatch(name, /^uploads\/[0-9a-f]{8}\/a_b\.png$/);
    const start = (name: string, authorization?: string) =>
      fetch(
        `${origin}/upload/storage/v1/b/${bucket}/o?${new URLSearchParams({
          uploadType: "resumable",
          name,
        })}`,
        {
          method: "POST",
          headers: {
            "x-upload-content-type": "image/png",
            ...(authorization && { authorization }),
          },
        },
      );
    const tries: [Promise<Response>, number][] = [
      [start(name), 401],
      [start("another", `Bearer ${ticket}`), 403],
      [start(name, `Bearer ${ticket}`), 200],
      [ask({ body: "{}" }), 400],
      [ask({ body: "no JSON" }), 400],
      [ask({ body: '{"name":"a"}', headers: { origin: "https://evil.example" } }), 403],
      [fetch(`${origin}/ticket`), 405],
      [fetch(`${origin}/network`, { method: "POST", body: "{}" }), 200],
      [fetch(`${origin}/network`, { method: "POST", body: '{"next":"x"}' }), 400],
      [fetch(`${origin}/nothing`), 404],
    ];
    for (const [reply, status] of tries) {
      const response = await reply;
      await response.body?.cancel();
      assertEquals(response.status, status, response.url);
    }
  } finally {
    await close();
  }
});

Deno.test("any file name becomes a legal object name that nobody has", () => {
  for (
    const file of ["", "..", "a\nb\u0000c\u2028", "/etc/passwd", "é".repeat(3000), "💾".repeat(300)]
  ) {
    const name = objectName(file);
    assertMatch(name, /^uploads\/[0-9a-f]{8}\/[^/\p{Cc}]+$/u);
    assert(new TextEncoder().encode(name).length <= 1024);
    assert(name !== objectName(file));
  }
});
