/** A lock between programs of one machine: a file with the number of the process that holds it. */

import { link, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import runtime from "node:process";
import { clearInterval, setInterval } from "node:timers";
import { codeOf } from "../file/path.ts";
import { systemClock } from "../net/clock.ts";
import { UsageError } from "./usage_error.ts";

/** How often its holder says that it is still there, and how long it is believed, in milliseconds. */
const BEAT = 15_000, BELIEVED = 60_000;

/** How long the removal of a lock may take, and how long others wait before they look again, in milliseconds. */
const GUARDED = 10_000, PAUSE = 20;

/** What is written in the locks that this program holds. */
const held = new Set<string>();

/**
 * Takes a lock; returns the function that gives it back.
 *
 * That of a process which has ended counts for nothing, nor does one whose number another process has got since: a holder touches
 * its lock again and again.
 *
 * @throws {UsageError} another process holds it
 */
export async function lock(path: string): Promise<() => Promise<void>> {
  const mine = `${runtime.pid} ${crypto.randomUUID()}`;
  held.add(mine);
  try {
    for (let attempts = 0; attempts < 100; attempts++) {
      if (await createFile(path, mine)) return kept(path, mine);
      const found = await read(path);
      if (!found) continue;
      if (isHeld(found)) {
        const owner = Number.parseInt(found.text) || "unknown";
        throw new UsageError(`the same command is running already, as process ${owner}`);
      }
      await removeDead(path);
    }
    throw new UsageError(`cannot take the lock ${path}`);
  } catch (error) {
    held.delete(mine);
    throw error;
  }
}

/** A lock as it is. */
interface Found {
  readonly text: string;
  readonly touched: number;
}

/** Makes a file for its owner only, which has its text as soon as it is there; false where there is one. */
export async function createFile(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await writeFile(draft, text, { flag: "wx", mode: 0o600 });
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    if (!WITHOUT_LINKS.includes(codeOf(error) ?? "")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return await createPlainly(path, text);
}

/** What file systems say that have no hard links. */
const WITHOUT_LINKS = ["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"];

/** The same in two steps, between which a lock looks like one of nobody. */
async function createPlainly(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function read(path: string): Promise<Found | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    return { text: await readFile(path, "utf8"), touched: mtimeMs };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Removes a lock of which nobody is the holder any more. One program does that at a time, and looks again first: else it could be
 * the lock that another one has taken meanwhile.
 */
async function removeDead(path: string): Promise<void> {
  const guard = `${path}.guard`;
  if (!await createFile(guard, "")) {
    const found = await read(guard);
    const isLeft = found && found.touched < Date.now() - GUARDED;
    if (isLeft) await rm(guard, { force: true });
    else await systemClock.sleep(PAUSE);
    return;
  }
  try {
    const found = await read(path);
    if (found && !isHeld(found)) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Touches the lock as long as it is held. */
function kept(path: string, mine: string): () => Promise<void> {
  const beat = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => {});
  }, BEAT);
  beat.unref();
  return async () => {
    clearInterval(beat);
    held.delete(mine);
    if ((await read(path))?.text === mine) await rm(path, { force: true });
  };
}

function isHeld({ text, touched }: Found): boolean {
  const owner = Number.parseInt(text);
  if (owner === runtime.pid) return held.has(text);
  return touched > Date.now() - BELIEVED && isAlive(owner);
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    runtime.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH"; // there is one, of which nothing may be known
  }
}
