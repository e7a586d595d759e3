/**
 * Runs `crc32c.ts` in Deno, Node and Bun, with WebAssembly and without, each in a fresh process, and
 * prints one table. Bun is taken from PATH, else from npm.
 *
 *     deno run -A bench/crc32c_all.ts
 *
 * @module
 */

import type { Crc32cResult } from "./crc32c.ts";

const decoder = new TextDecoder();

async function run(command: string, args: string[]): Promise<string> {
  const output = await new Deno.Command(command, { args, stderr: "inherit" }).output();
  if (!output.success) throw new Error(`${command} ${args.join(" ")} failed with ${output.code}`);
  return decoder.decode(output.stdout).trim();
}

/** The command that starts Bun. */
async function bun(): Promise<string[]> {
  try {
    await run("bun", ["--version"]);
    return ["bun"];
  } catch {
    return ["npx", "--yes", "bun"];
  }
}

const directory = await Deno.makeTempDir();
try {
  const program = `${directory}/crc32c.mjs`;
  const source = new URL("crc32c.ts", import.meta.url).pathname;
  await run(Deno.execPath(), ["bundle", "--quiet", "--output", program, source]);

  const runtimes: [string, string[]][] = [
    ["Deno", [Deno.execPath(), "run", "--allow-all"]],
    ["Node", ["node"]],
    ["Bun", await bun()],
  ];
  console.log("MB/s               size   bytewise   JavaScript   ratio   WebAssembly   ratio");
  for (const [name, [command, ...args]] of runtimes) {
    const version = await run(command, [...args.slice(0, command === "npx" ? 2 : 0), "--version"]);
    const measure = async (...flags: string[]): Promise<Crc32cResult[]> =>
      JSON.parse(await run(command, [...args, program, "--json", ...flags]));
    const javascript = await measure("--javascript");
    const webAssembly = await measure();
    const label = `${name} ${version.match(/\d+\.\d+\.\d+/)}`;
    javascript.forEach(({ size, bytewise, ours }, i) => {
      const wasm = webAssembly[i];
      console.log(
        label.padEnd(13),
        `${size / 1024} KiB`.padStart(9),
        bytewise.toFixed(0).padStart(10),
        ours.toFixed(0).padStart(12),
        `${(ours / bytewise).toFixed(1)}×`.padStart(7),
        wasm.ours.toFixed(0).padStart(13),
        `${(wasm.ours / wasm.bytewise).toFixed(1)}×`.padStart(7),
      );
    });
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
