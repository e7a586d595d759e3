/**
 * Measures one implementation of CRC32C in a process of its own, in Deno, Node or Bun. Takes the name of the
 * implementation and the folder in which the packages are installed, and prints a {@linkcode Measured} as JSON.
 *
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";
import { crc32c } from "../../src/bytes/crc32c.ts";
import { bytewise } from "./bytewise.ts";
import { type Crc32c, measure } from "./measure.ts";

/** What is compared; `javascript` and `webAssembly` are ours. */
export type Implementation =
  | "bytewise"
  | "aws"
  | "google"
  | "javascript"
  | "webAssembly"
  | "native";

/** Bytes a second, in the order of the sizes; or why the implementation cannot be loaded here. */
export type Measured = { readonly speeds: number[] } | { readonly problem: string };

const LOAD: Record<Implementation, (require: ReturnType<typeof createRequire>) => Crc32c> = {
  bytewise: () => bytewise,
  aws: (require) => require("@aws-crypto/crc32c").crc32c,
  google(require) {
    const { CRC32C } = require("@google-cloud/storage");
    return (bytes) => {
      const crc = new CRC32C();
      crc.update(bytes);
      return crc.valueOf() >>> 0;
    };
  },
  javascript() {
    // It is looked for when the first long input comes.
    Reflect.deleteProperty(globalThis, "WebAssembly");
    return crc32c;
  },
  webAssembly: () => crc32c,
  native: (require) => require("@node-rs/crc32").crc32c,
};

function run(name: Implementation, packages: string): Measured {
  let implementation: Crc32c;
  try {
    implementation = LOAD[name](createRequire(packages));
  } catch (error) {
    return { problem: `${error}`.split("\n")[0] };
  }
  return { speeds: measure(implementation) };
}

const [name, packages] = process.argv.slice(2);
console.log(JSON.stringify(run(name as Implementation, packages)));
