/** Where the runtime has its environment, and files. */

import { SettingError } from "../proxy/setting_error.ts";
import { SETTING_NAMES, type WorkerSettings } from "./worker_settings.ts";

/** What the runtimes that have their environment in a global have there. */
interface Runtime {
  readonly Deno?: {
    readonly env: { get(name: string): string | undefined };
    readTextFile(path: string): Promise<string>;
  };
  readonly Bun?: {
    readonly env: Readonly<Record<string, string | undefined>>;
    file(path: string): { text(): Promise<string> };
  };
  readonly navigator?: { readonly userAgent?: string };
  readonly process?: {
    getBuiltinModule?(
      name: string,
    ): { readFile(path: string, encoding: "utf8"): Promise<string> } | undefined;
  };
}

/** Reads files, where this runtime has some. Cloudflare's looks like Node when it is asked to, and has none. */
export function fileReader(): ((path: string) => Promise<string>) | undefined {
  const { Deno: deno, Bun: bun, process, navigator } = globalThis as Runtime;
  if (deno) return (path) => deno.readTextFile(path);
  if (bun) return (path) => bun.file(path).text();
  if (navigator?.userAgent === "Cloudflare-Workers") return undefined;
  const files = process?.getBuiltinModule?.("node:fs/promises");
  return files && ((path) => files.readFile(path, "utf8"));
}

type Variables = Readonly<Record<string, unknown>>;

let ofDeno: Variables | undefined;

/** The variables of Deno's environment that are settings, read once: each is a call out of JavaScript. */
function variablesOf({ env }: NonNullable<Runtime["Deno"]>): Variables {
  return ofDeno ??= Object.fromEntries(
    Object.keys(SETTING_NAMES).map((name) => [name, env.get(name)]),
  );
}

/** The environment of this runtime: Cloudflare hands it in, Deno and Bun have it. */
export function environment(bindings: unknown): WorkerSettings {
  const { Deno: deno, Bun: bun } = globalThis as Runtime;
  const variables = deno ? variablesOf(deno) : bun?.env ?? bindings as Variables | undefined;
  const settings: Record<string, string> = {};
  for (const name of Object.keys(SETTING_NAMES)) {
    const value = variables?.[name];
    if (value === undefined || value === null || value === "") continue;
    // A number or a list would be no limit at all if it were passed over.
    if (typeof value !== "string") throw new SettingError(name, `text, got ${typeof value}`);
    settings[name] = value;
  }
  return settings;
}
