/** The arguments of the server. */

/** How it is called. */
export const USAGE = "usage: deno task start [--port NUMBER] [--host ADDRESS]";

/** Where the arguments want the page, or what is wrong with them, or that only help is wanted. */
export type Arguments =
  | { readonly kind: "serve"; readonly port: number; readonly host: string }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly problem: string };

/** Reads the arguments. */
export function readArguments(args: readonly string[]): Arguments {
  let port = 8000;
  let host = "127.0.0.1";
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--help" || args[i] === "-h") return { kind: "help" };
    const [name, inline] = args[i].split(/=(.*)/s);
    if (name === "--host") {
      host = inline ?? args[++i] ?? "";
      if (host === "") {
        return { kind: "wrong", problem: "--host: expected an address, got nothing" };
      }
      continue;
    }
    if (name !== "--port") return { kind: "wrong", problem: `unknown argument ${args[i]}` };
    const value = inline ?? args[++i];
    if (value === undefined || !/^\d{1,5}$/.test(value) || Number(value) > 65_535) {
      const got = value === undefined ? "nothing" : JSON.stringify(value);
      return { kind: "wrong", problem: `--port: expected a number from 0 to 65535, got ${got}` };
    }
    port = Number(value);
  }
  return { kind: "serve", port, host };
}
