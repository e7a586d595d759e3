/** Measures what a process spends, in Node, Deno and Bun. */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import type { Measured } from "./job.ts";

/** Starts to measure; what is returned stops. */
export function startMeter(): () => Omit<Measured, "crc32c"> {
  const idle = startPeak();
  const cpu = process.cpuUsage();
  const start = performance.now();
  return () => {
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const peak = status("VmHWM") ?? process.resourceUsage().maxRSS * 1024;
    return { seconds, cpuSeconds: (user + system) / 1e6, rss: peak - idle };
  };
}

/** Lets Linux count the peak of this process's memory anew; returns what it has now. */
function startPeak(): number {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // The peak stays that of the whole life of the process.
  }
  return status("VmRSS") ?? process.memoryUsage().rss;
}

/** A size that Linux says of this process, in bytes. */
function status(name: "VmRSS" | "VmHWM"): number | undefined {
  try {
    const text = readFileSync("/proc/self/status", "utf8");
    return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)![1]) * 1024;
  } catch {
    return undefined;
  }
}
