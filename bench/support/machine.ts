/** What was measured, and on what. */

import runtimes from "../../tests/support/runtimes/deno.json" with { type: "json" };
import peers from "../peers/deno.json" with { type: "json" };
import { debianProgram, has } from "../../tests/support/programs.ts";
import {
  CLIENT_RUNTIMES,
  NAMES,
  output,
  PEERS,
  pythonVersion,
  runtimeCommand,
} from "./programs.ts";

/** The machine, and the versions of everything that takes part. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** In GiB. */
  readonly memory: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

const GO_CLIENT = "cloud.google.com/go/storage";

/** Describes this machine. */
export async function machine(): Promise<Machine> {
  const versions: Record<string, string> = {};
  for (const runtime of CLIENT_RUNTIMES) {
    const [program] = runtimeCommand(runtime);
    if (!has(program)) continue;
    const text = await output([program, "--version"]);
    versions[NAMES[runtime]] = text.match(/\d+\.\d+\.\d+/)![0];
  }
  if (has("go", "version")) {
    versions.Go = (await output(["go", "version"])).match(/go([\d.]+)/)![1];
    const modules = await Deno.readTextFile(`${PEERS}go/go.mod`);
    versions[GO_CLIENT] = new RegExp(`${GO_CLIENT} v(\\S+)`).exec(modules)![1];
  }
  const python = await pythonVersion();
  if (python !== null) versions["google-cloud-storage (Python)"] = python;
  if (has("mvn")) {
    const pom = await Deno.readTextFile(`${PEERS}java/pom.xml`);
    versions["google-cloud-storage (Java)"] = /<version>(\d+\.[\d.]+)</.exec(pom)![1];
  }
  const rclone = await debianProgram("rclone");
  if ("path" in rclone) {
    versions.rclone = (await output([rclone.path, "version"])).match(/rclone v(\S+)/)![1];
  }
  if (has("curl")) versions.curl = (await output(["curl", "--version"])).match(/curl (\S+)/)![1];
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

/** Whether what was measured on one of them may stand beside what was measured on the other. */
export function isComparable(one: Machine, other: Machine): boolean {
  const { versions: ones, ...machine } = one;
  const { versions: others, ...another } = other;
  return JSON.stringify(machine) === JSON.stringify(another) &&
    Object.entries(ones).every(([name, version]) => (others[name] ?? version) === version);
}

/** The version in a specifier of a package. */
function pinned(specifier: string): string {
  return specifier.slice(specifier.lastIndexOf("@") + 1);
}
