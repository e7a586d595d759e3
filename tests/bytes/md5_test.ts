// MD5 has its published values, however the bytes are split.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createMd5 } from "../../src/bytes/md5.ts";

const utf8 = new TextEncoder();
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function md5(...parts: Uint8Array[]): Promise<string> {
  const hash = await createMd5();
  for (const part of parts) hash.update(part);
  return hex(hash.digest());
}

Deno.test("MD5 gives the digests of RFC 1321, A.5", async () => {
  const vectors: [string, string][] = [
    ["", "d41d8cd98f00b204e9800998ecf8427e"],
    ["a", "0cc175b9c0f1b6a831c399e269772661"],
    ["abc", "900150983cd24fb0d6963f7d28e17f72"],
    ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
    ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
    [
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
      "d174ab98d277d9f5a5611c2c9f419d9f",
    ],
    ["1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"],
  ];
  for (const [text, expected] of vectors) {
    assertEquals(await md5(utf8.encode(text)), expected, text);
  }
});

Deno.test("the digest, in base64, is what Google writes", async () => {
  const hash = await createMd5();
  assertEquals(btoa(String.fromCharCode(...hash.digest())), "1B2M2Y8AsgTpgAmY7PhCfg==");
  hash.update(utf8.encode("123456789"));
  assertEquals(btoa(String.fromCharCode(...hash.digest())), "JfnnlDI7RTiF9RgfG2JNCw==");
});

Deno.test("MD5 does not depend on where the bytes are split", async () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => i * 7);
  const whole = await md5(bytes);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assertEquals(await md5(bytes.subarray(0, cut), bytes.subarray(cut)), whole, `cut at ${cut}`);
  }
});

Deno.test("after digest() more can be added, and digest() can be repeated", async () => {
  const hash = await createMd5();
  hash.update(utf8.encode("message "));
  hash.digest();
  assertEquals(hex(hash.digest()), await md5(utf8.encode("message ")));
  hash.update(utf8.encode("digest"));
  assertEquals(hex(hash.digest()), "f96b697d7cb7938d525a2f31aaf161d0");
});

Deno.test("a clone and its original do not see each other's bytes", async () => {
  const original = await createMd5();
  original.update(utf8.encode("a"));
  const clone = original.clone();
  clone.update(utf8.encode("bc"));
  assertEquals(hex(clone.digest()), "900150983cd24fb0d6963f7d28e17f72");
  assertEquals(hex(original.digest()), "0cc175b9c0f1b6a831c399e269772661");
  original.update(utf8.encode("bc"));
  assertEquals(hex(original.digest()), hex(clone.digest()));
});

Deno.test("the digest is the caller's own: changing it changes nothing else", async () => {
  const hash = await createMd5();
  hash.digest().fill(0);
  assertEquals(hex(hash.digest()), "d41d8cd98f00b204e9800998ecf8427e");
});

Deno.test("without @noble/hashes the error names the module and carries the cause", async () => {
  // A copy far from our configuration has no import map, so it cannot find the module.
  const directory = await Deno.makeTempDir();
  try {
    for (const file of ["md5.ts", "running_hash.ts"]) {
      await Deno.copyFile(
        new URL(`../../src/bytes/${file}`, import.meta.url),
        `${directory}/${file}`,
      );
    }
    await Deno.writeTextFile(
      `${directory}/program.js`,
      `import { createMd5 } from "./md5.ts";
       await createMd5().catch((e) => console.log(e.message, "| cause:", e.cause?.name));`,
    );
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-check", `${directory}/program.js`],
    }).output();
    const said = new TextDecoder().decode(stdout);
    assertStringIncludes(said, '"@noble/hashes/legacy.js" cannot be loaded');
    assertStringIncludes(said, "| cause: TypeError");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
