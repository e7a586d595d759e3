// A server as a process of its own.

/** A server that has started. */
export interface ServerProcess extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8080`. */
  readonly origin: string;
  readonly pid: number;
  /** Everything it wrote so far, to both of its outputs. */
  readonly log: string;
  /** The most memory it ever had, in bytes (RSS); Linux only. */
  peakMemory(): Promise<number>;
  /** The CPU time it has taken, user and system, in seconds; Linux only. */
  cpuSeconds(): Promise<number>;
  /** Ends it. */
  stop(): Promise<void>;
}

/** What to start. */
export interface ServerCommand {
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  /** On top of what programs need to find their files; nothing else of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Finds the origin in its output. */
  readonly ready: RegExp;
}

/** How long a server may take to start, and to end, in milliseconds. */
const START = 120_000, END = 5_000;

const INHERITED = ["PATH", "HOME", "DENO_DIR", "TMPDIR", "TEMP", "SystemRoot", "LOCALAPPDATA"];

/** Starts a server and waits until it listens. */
export async function startServer(options: ServerCommand): Promise<ServerProcess> {
  const { command: [program, ...args], cwd, env, ready } = options;
  const inherited = INHERITED.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const child = new Deno.Command(program, {
    args,
    cwd,
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let log = "";
  let started: ((origin: string) => void) | undefined; // until it has
  const origin = new Promise<string>((resolve) => started = resolve);
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      log += decoder.decode(bytes, { stream: true });
      const match = started && ready.exec(log);
      if (!match) continue;
      started!(match[1]);
      started = undefined;
    }
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const stop = async () => {
    const force = setTimeout(() => kill(child, "SIGKILL"), END);
    kill(child, "SIGTERM");
    await child.status;
    clearTimeout(force);
    await collected;
  };
  const ended = collected.then(() => {
    throw new Error(`${program} ended before it listened:\n${log}`);
  });
  ended.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${program} does not listen:\n${log}`)), START);
  });
  try {
    return {
      origin: await Promise.race([origin, ended, late]),
      pid: child.pid,
      get log() {
        return log;
      },
      peakMemory: () => peakMemory(child.pid),
      cpuSeconds: () => cpuSeconds(child.pid),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // it has ended
  }
}

async function peakMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

/** Linux counts it in hundredths of a second for programs, whatever it does inside. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the third on: a name may contain blanks
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
