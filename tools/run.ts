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

/** Runs a command of Deno. */
export async function run(args: string[], options: RunOptions = {}): Promise<RunResult> {
  const { echo = false, cwd = ROOT, timeLimit = 10 * 60_000 } = options;
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
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
  if (!late) return { code, output };
  return { code: 124, output: `${output}\nended after ${timeLimit / 1000} s` };
}
