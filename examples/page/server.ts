/**
 * The upload page, with an upload proxy and an emulated Google Cloud Storage behind it, on this machine.
 *
 * ```sh
 * deno task start [--port 8000] [--host 127.0.0.1]
 * ```
 *
 * @module
 */

import { readArguments, USAGE } from "./arguments.ts";
import { bytes } from "./format.ts";
import { servePage } from "./serve.ts";

const args = readArguments(Deno.args);
if (args.kind === "help") {
  console.log(USAGE);
  Deno.exit(0);
}
if (args.kind === "wrong") {
  console.error(`${args.problem}\n${USAGE}`);
  Deno.exit(2);
}

try {
  const server = await servePage({
    port: args.port,
    host: args.host,
    onStored: ({ bucket, name, size }) =>
      console.log(`stored gs://${bucket}/${name} (${bytes(size)})`),
  });
  console.log(`Upload page:  ${server.origin}/`);
  console.log("It stores in memory, in an emulated Google Cloud Storage; it ends with Ctrl+C.");
  const end = async () => {
    await server.close();
    console.log("ended; what was stored is gone");
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGINT", end);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", end);
} catch (error) {
  const taken = (error as { code?: string }).code === "EADDRINUSE" ||
    error instanceof Deno.errors.AddrInUse;
  console.error(
    taken
      ? `port ${args.port} is taken; choose another one with --port`
      : `cannot serve the page: ${error instanceof Error ? error.message : error}`,
  );
  Deno.exit(1);
}
