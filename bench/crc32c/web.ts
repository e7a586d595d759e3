/**
 * Measures CRC32C where there are no processes: in workerd and in Chromium. The scripts that run the portable suite there
 * call `run`.
 *
 * @module
 */

import { crc32c } from "../../src/bytes/crc32c.ts";
import { bytewise } from "./bytewise.ts";
import { measure } from "./measure.ts";

/** What is compared here. */
export type WebImplementation = "bytewise" | "javascript";

/** Bytes a second, in the order of the sizes. */
export function run({ name }: { readonly name: WebImplementation }): { speeds: number[] } {
  return { speeds: measure(name === "bytewise" ? bytewise : crc32c) };
}
