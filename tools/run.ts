// Commands of Deno as processes of their own, which end with the tool that started them.

/** The root of the repository. */
export const ROOT: URL = new URL("../", import.meta.url);

/** How to run a command of Deno. */
export interface RunOptions {
  /**
   * Whether to show the output while it comes.
   *
   * @default {false}
   */
  echo?: boolean;
  /** Where to run it; the root of the repository if left out. */
  cwd?: string | URL;
  /** Variables on top of those of this process. */
  env?: Readonly<Record<string, string>>;
  /** What the command may not take longer than, in milliseconds. */
  timeLimit?: number;
}

/** What a command left. */
export interface RunResult {
  /** Its exit code; 124 when it had to be ended. */
  code: number;
  /** What it wrote to both of its outputs, without colours. */
  output: string;
}

/** Those that run now. */
const children = new Set<Deno.ChildProcess>();

/** Runs a command of Deno. */
export async function run(args: string[], options: RunOptions = {}): Promise<RunResult> {
  const { echo = false, cwd = ROOT, env, timeLimit = 10 * 60_000 } = options;
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  children.add(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killTree(child.pid);
  }, timeLimit);
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      if (echo) await Deno.stdout.write(bytes);
      output += decoder.decode(bytes, { stream: true });
    }
  };
  await Promise.all([collect(child.stdout), collect(child.stderr)]);
  const { code } = await child.status;
  clearTimeout(timer);
  children.delete(child);
  if (!late) return { code, output };
  return { code: 124, output: `${output}\nended after ${timeLimit / 1000} s` };
}

/** Ends this process and all that it has started when it is interrupted. */
export function endWithChildren(): void {
  const end = () => {
    for (const { pid } of children) killTree(pid);
    for (const pid of descendants(Deno.pid)) kill(pid); // what was not started by `run`
    Deno.exit(130);
  };
  Deno.addSignalListener("SIGINT", end);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", end);
}

/** Ends a process and what it has started, which would be left behind otherwise. */
function killTree(pid: number): void {
  if (Deno.build.os === "windows") {
    new Deno.Command("taskkill", { args: ["/T", "/F", "/PID", `${pid}`], stdout: "null" })
      .outputSync();
  } else {
    for (const each of [pid, ...descendants(pid)]) kill(each);
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

function descendants(ancestor: number): number[] {
  const rows = processes();
  const found = [ancestor];
  for (const each of found) {
    found.push(...rows.filter(([, parent]) => parent === each).map(([pid]) => pid));
  }
  return found.slice(1);
}

/** Every process and its parent; none where there is no `ps`. */
function processes(): number[][] {
  try {
    const { stdout } = new Deno.Command("ps", { args: ["-A", "-o", "pid=,ppid="] }).outputSync();
    return new TextDecoder().decode(stdout).trim().split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number));
  } catch {
    return [];
  }
}
