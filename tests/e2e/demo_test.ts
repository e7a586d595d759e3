// The demo uploads what it says, and says what is wrong with its arguments.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { inFolder, run } from "./support.ts";

const DEMO = "examples/demo.ts";

Deno.test("the demo survives a broken connection and a lost reply, and what is stored is the file", async () => {
  const { code, stdout, stderr } = await run(DEMO);
  assertEquals([code, stderr], [0, ""], stdout);
  assertMatch(stdout, /the connection broke during the request with bytes \d+ to \d+/);
  assertMatch(stdout, /asked the server: \d+ bytes are stored, going on from there/);
  assertStringIncludes(stdout, "asked the server: the object is finished, nothing is sent again");
  assertMatch(stdout, /^ *0 %.*^ *100 %/ms);
  assertMatch(stdout, /"kind": "storage#object"/);
  assertStringIncludes(stdout, `"size": "${(await Deno.stat(Deno.execPath())).size}"`);
  assertMatch(stdout, /compared byte by byte, .*: the same; MD5 \S{24}\n$/);
});

const FILES: [what: string, content: string, crc32c: string, md5: string][] = [
  ["tiny", "123456789", "4waSgw==", "JfnnlDI7RTiF9RgfG2JNCw=="],
  ["empty", "", "AAAAAA==", "1B2M2Y8AsgTpgAmY7PhCfg=="],
];

for (const [what, content, crc32c, md5] of FILES) {
  Deno.test(`the demo uploads ${what === "empty" ? "an" : "a"} ${what} file`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/${what} file ?#%`;
      await Deno.writeTextFile(path, content);
      const { code, stdout, stderr } = await run(DEMO, path);
      assertEquals([code, stderr], [0, ""], stdout);
      assertStringIncludes(stdout, `"name": "${what} file ?#%"`);
      assertStringIncludes(stdout, `"crc32c": "${crc32c}"`);
      assertStringIncludes(stdout, `the same; MD5 ${md5}`);
    }));
}

Deno.test("the demo says what is wrong with its arguments, and ends with 2", () =>
  inFolder(async (folder) => {
    const wrong = [
      { args: ["a", "b"], says: /^usage: / },
      { args: ["--help"], says: /^usage: / },
      { args: [`${folder}/none`], says: /^cannot read .*none: / },
      { args: [folder], says: /^cannot read .*: .*a folder/ },
    ];
    for (const { args, says } of wrong) {
      const { code, stdout, stderr } = await run(DEMO, ...args);
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, says);
    }
  }));
