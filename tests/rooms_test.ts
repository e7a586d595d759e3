// The library's imports and globals are those of the table in rooms.ts, and the check finds those that are not.

import { assertEquals, assertGreater } from "@std/assert";
import { repositoryFiles } from "../tools/files.ts";
import { violations, violationsBeside } from "./rooms.ts";

const ROOT = new URL("../", import.meta.url);

const sources = (await repositoryFiles()).filter((path) => path.endsWith(".ts"));

Deno.test("every import of the library is in the table of rooms, and no code is for one runtime", async () => {
  const paths = sources.filter((path) => path === "mod.ts" || path.startsWith("src/"));
  assertGreater(paths.length, 0);
  const found: string[] = [];
  for (const path of paths) {
    found.push(...violations(path, await Deno.readTextFile(new URL(path, ROOT))));
  }
  assertEquals(found, []);
});

const forbidden: Record<string, [path: string, source: string]> = {
  "a static import": ["src/protocol/a.ts", `import { x } from "../net/retry.ts";`],
  "an import of types": ["src/protocol/a.ts", `import type { X } from "../net/retry.ts";`],
  "an import for its effect": ["src/protocol/a.ts", `import "../net/retry.ts";`],
  "a re-export of a name": ["src/errors.ts", `export { x } from "./net/retry.ts";`],
  "a re-export of everything": ["src/errors.ts", `export * from "./net/retry.ts";`],
  "a dynamic import": ["src/bytes/a.ts", `await import("../net/retry.ts");`],
  "an import inside a type": ["src/bytes/a.ts", `let x: import("../net/retry.ts").X;`],
  "a dynamic import that nobody can read": ["src/bytes/a.ts", `await import(name);`],
  "a require": ["src/bytes/a.ts", `import x = require("x");`],
  "the client in the emulator": ["src/emulator/a.ts", `import "../protocol/content_range.ts";`],
  "a byte source in the emulator": ["src/emulator/a.ts", `import "../bytes/source.ts";`],
  "a package": ["src/net/a.ts", `import "jose";`],
  "JSR in the library": ["src/net/a.ts", `import "@std/streams";`],
  "a module of Node": ["src/net/a.ts", `import "node:fs";`],
  "a URL": ["src/net/a.ts", `import "https://example.com/a.ts";`],
  "a file outside of src": ["src/net/a.ts", `import "../../tests/rooms.ts";`],
  "an entry point": ["src/upload/a.ts", `import "../../mod.ts";`],
  "noble without need": ["src/bytes/md5.ts", `import "@noble/hashes/legacy.js";`],
  "noble elsewhere": ["src/bytes/a.ts", `await import("@noble/hashes/legacy.js");`],
  "a new room": ["src/utils/a.ts", ``],
  "a file beside the rooms": ["src/helpers.ts", ``],
  "Deno": ["src/net/a.ts", `Deno.env.get("A");`],
  "Deno, through the global object": ["src/net/a.ts", `globalThis.Deno;`],
  "process": ["src/net/a.ts", `const { process } = globalThis;`],
  "Buffer, as a type": ["src/net/a.ts", `let bytes: Buffer;`],
};

for (const [what, [path, source]] of Object.entries(forbidden)) {
  Deno.test(`the rooms catch ${what}`, () => assertGreater(violations(path, source).length, 0));
}

const allowed: Record<string, [path: string, source: string]> = {
  "a room itself": ["src/net/a.ts", `import "./retry.ts";`],
  "a room of the table": ["src/upload/a.ts", `export * from "../net/retry.ts";`],
  "a package of the table": ["src/auth/a.ts", `import { SignJWT } from "jose";`],
  "a package by a subpath": ["src/emulator/a.ts", `import "@std/http/status";`],
  "noble on demand": ["src/bytes/md5.ts", `await import("@noble/hashes/legacy.js");`],
  "noble's types": ["src/bytes/md5.ts", `type A = typeof import("@noble/hashes/legacy.js");`],
  "members that have a runtime's name": ["src/net/a.ts", `a.process; const b = { Buffer: 1 };`],
  "examples in comments": ["src/net/a.ts", `/** import "node:fs"; Deno.exit() */`],
};

for (const [what, [path, source]] of Object.entries(allowed)) {
  Deno.test(`the rooms allow ${what}`, () => assertEquals(violations(path, source), []));
}

for (const folder of ["bench/", "examples/", "tests/support/"]) {
  Deno.test(`no source in ${folder} imports what is private to tests, benchmarks or examples`, async () => {
    const paths = sources.filter((path) => path.startsWith(folder));
    assertGreater(paths.length, 0);
    const found: string[] = [];
    for (const path of paths) {
      found.push(...violationsBeside(path, await Deno.readTextFile(new URL(path, ROOT))));
    }
    assertEquals(found, []);
  });
}

const beside: [what: string, path: string, source: string, isAllowed: boolean][] = [
  ["a bench, a room of tests", "bench/a.ts", `import "../tests/worker/support/rules.ts";`, false],
  ["a bench, an example", "bench/a.ts", `import "../examples/demo.ts";`, false],
  ["a bench, what tests share", "bench/a/b.ts", `import "../../tests/support/relay.ts";`, true],
  ["a bench, the library", "bench/a.ts", `await import("../src/worker.ts");`, true],
  ["an example, a test", "examples/a.ts", `import type { A } from "../tests/support/a.ts";`, false],
  ["an example, the library's file", "examples/a.ts", `import "../mod.ts";`, false],
  ["an example, another one", "examples/a/b.ts", `import "../page/store.ts";`, true],
  ["what tests share, a test", "tests/support/a.ts", `import "../e2e/support.ts";`, false],
  ["what tests share, the library", "tests/support/a.ts", `import "../../mod.ts";`, true],
  ["any of them, a package", "examples/a.ts", `import "@resumable-media/upload";`, true],
];

for (const [what, path, source, isAllowed] of beside) {
  Deno.test(`${isAllowed ? "allowed" : "caught"}: ${what}`, () => {
    assertEquals(violationsBeside(path, source).length, isAllowed ? 0 : 1);
  });
}
