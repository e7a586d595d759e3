// What the tests of the command line share: a world of its own for each call of main(), with a folder and an emulator.

import { type Io, main } from "../../src/cli/mod.ts";
import type { StopSignal } from "../../src/cli/io.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";

/** A folder, an emulator, and what the program says. */
export interface World extends AsyncDisposable {
  /** Where relative paths begin; empty at first. */
  readonly folder: string;
  readonly gcs: GcsEmulator;
  /** Variables; those of the emulator and of the state are set. */
  readonly env: Record<string, string | undefined>;
  /** Runs a command. */
  run(args: readonly string[], given?: Given): Promise<Said>;
  /** Writes files, by their names. */
  write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
  /** The names of all objects. */
  names(): string[];
}

/** What a call is given besides its arguments. */
export interface Given {
  readonly stdin?: string | AsyncIterable<Uint8Array>;
  /** The width and height of a terminal; none is there without. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
  /** Gets a function that sends a signal. */
  readonly onStart?: (send: (signal: StopSignal) => void) => void;
  readonly fetch?: Io["fetch"];
  /** Gets what is written to standard output. */
  readonly onOut?: (text: string) => void;
}

/** How a call has ended. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The codes with which it has asked to be ended at once. */
  readonly exits: readonly number[];
  /** How often it has let go of standard input. */
  readonly closed: number;
}

/** A new world; it is gone with all its files when it is disposed of. */
export async function world(gcs: GcsEmulator = new GcsEmulator({ md5: false })): Promise<World> {
  const root = await Deno.makeTempDir({ prefix: "cli-" });
  const folder = `${root}/work`;
  await Deno.mkdir(folder);
  const env: Record<string, string | undefined> = {
    XDG_STATE_HOME: `${root}/state`,
    STORAGE_EMULATOR_HOST: "emulator.example",
  };
  return {
    folder,
    gcs,
    env,
    names: () => gcs.objects.map(({ bucket, name }) => `${bucket}/${name}`),
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        const path = `${folder}/${name}`;
        await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
        if (typeof content === "string") await Deno.writeTextFile(path, content);
        else await Deno.writeFile(path, content);
      }
    },
    async run(args, { stdin = "", terminal, onStart, onOut, fetch = gcs.fetch } = {}) {
      const [out, err, exits]: [string[], string[], number[]] = [[], [], []];
      let closed = 0;
      const outputOf = (to: string[], isTTY: boolean) => ({
        isTTY,
        columns: terminal?.columns ?? 80,
        rows: terminal?.rows ?? 24,
        write: (text: string) => void to.push(text),
      });
      const code = await main(args, {
        stdin: async function* () {
          if (typeof stdin !== "string") yield* stdin;
          else if (stdin !== "") yield new TextEncoder().encode(stdin);
        },
        closeStdin: () => void closed++,
        stdout: {
          ...outputOf(out, false),
          write(text) {
            out.push(text);
            onOut?.(text);
          },
        },
        stderr: outputOf(err, terminal !== undefined),
        env,
        cwd: folder,
        onSignal(listener) {
          onStart?.(listener);
          return () => {};
        },
        exit: (code) => void exits.push(code),
        fetch,
      });
      return { code, out: out.join(""), err: err.join(""), exits, closed };
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}
