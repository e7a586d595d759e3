// The soak test in Bun, from its source.
import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { soak } from "./workload.ts";

const { Bun } = globalThis as unknown as { Bun: { gc(now: boolean): void; version: string } };

/** Open sockets, where the system tells. */
function sockets(): number {
  try {
    const targets = readdirSync("/proc/self/fd").map((name) => {
      try {
        return readlinkSync(`/proc/self/fd/${name}`);
      } catch {
        return ""; // the one that reads the folder
      }
    });
    return targets.filter((target) => target.startsWith("socket:")).length;
  } catch {
    return 0;
  }
}

const before = sockets();
const report = await soak(JSON.parse(process.argv[2]), () => {
  Bun.gc(true);
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
});
await new Promise((resolve) => setTimeout(resolve, 200)); // sockets take a moment to close
const leaked = Math.max(0, sockets() - before);
// Nothing ends the process here: a timer or a socket that is left would keep it.
console.log("report", JSON.stringify({ ...report, leaked, version: Bun.version }));
