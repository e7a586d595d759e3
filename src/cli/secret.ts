/** Secrets as arguments: by reference, because other users of a machine see arguments. */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { codeOf } from "../file/path.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage_error.ts";

/** Reads `@FILE`, `@-` (standard input), `env:NAME`, or the text itself. White space around it does not count. */
export async function secretOf(
  text: string,
  option: string,
  { stdin, env, cwd }: Pick<Io, "stdin" | "env" | "cwd">,
): Promise<string> {
  const value = (await read()).trim();
  if (value !== "") return value;
  throw new UsageError(`${option}: expected a text, got nothing`);

  async function read(): Promise<string> {
    if (text === "@-") return await textOf(stdin());
    if (text.startsWith("env:")) return env[text.slice(4)] ?? "";
    if (!text.startsWith("@")) return text;
    try {
      return await readFile(resolve(cwd, text.slice(1)), "utf8");
    } catch (error) {
      throw new UsageError(
        `${option}: expected a file to read, got ${codeOf(error) ?? "an error"}`,
      );
    }
  }
}

async function textOf(input: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of input) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > 65_536) break;
  }
  return text + decoder.decode();
}
