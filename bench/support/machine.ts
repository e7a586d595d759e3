/** What was measured, and on what. */

import runtimes from "../../tests/portable/runtimes/deno.json" with { type: "json" };
import peers from "../peers/deno.json" with { type: "json" };
import { has } from "../../tests/clients/interop_install.ts";
import { CLIENT_RUNTIMES, NAMES, output, runtimeCommand } from "./programs.ts";

/** The machine, and the versions of everything that takes part. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** In GiB. */
  readonly memory: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Describes this machine. */
export async function machine(): Promise<Machine> {
  const versions: Record<string, string> = {};
  for (const runtime of CLIENT_RUNTIMES) {
    const text = await output([runtimeCommand(runtime)[0], "--version"]);
    versions[NAMES[runtime]] = text.match(/\d+\.\d+\.\d+/)![0];
  }
  if (has("go", "version")) {
    versions.Go = (await output(["go", "version"])).match(/go([\d.]+)/)![1];
  }
  versions.Miniflare = pinned(runtimes.imports.miniflare);
  for (const [name, specifier] of Object.entries(peers.imports)) versions[name] = pinned(specifier);
  const cpu = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return {
    processor: /^model name\s*: (.*)$/m.exec(cpu)?.[1] ?? "unknown",
    cores: navigator.hardwareConcurrency,
    memory: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    system: `${Deno.build.os} on ${Deno.build.arch}`,
    versions,
  };
}

/** The version in a specifier of a package. */
function pinned(specifier: string): string {
  return specifier.slice(specifier.lastIndexOf("@") + 1);
}
