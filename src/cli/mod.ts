/**
 * The command line: uploads files, folders and standard input, and goes on where it was stopped.
 *
 * `deno run -A jsr:@resumable-media/upload/cli cp FILE gs://BUCKET/`, or by npm `npx @resumable-media/upload cp FILE gs://BUCKET/`. All
 * options are in docs/cli.md. Everything it does, the library does.
 *
 * @module
 */

import runtime from "node:process";
import { cp } from "./cp_command.ts";
import { emulator } from "./emulator_command.ts";
import { EXIT, exitCodeOf, messageOf } from "./exit_code.ts";
import { type Command, COMMANDS, helpOf } from "./help.ts";
import { type Io, processIo } from "./io.ts";
import { sessions } from "./sessions_command.ts";
import { printable } from "./shown_text.ts";
import { ticket } from "./ticket_command.ts";
import { nearest, shownArgument, UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";

export type { Io, Output, StopSignal } from "./io.ts";

/**
 * Runs a command, and returns the exit code: 0 ok, 1 failed, 2 a wrong call, 3 refused (401, 403, no credentials), 4 conflict (412, it
 * exists), 5 interrupted, and can be resumed.
 *
 * @param args the arguments behind the name of the program; the default is those of the process
 * @param io input, output, variables and signals; the default is those of the process
 *
 * @example
 * ```ts
 * import { main } from "@resumable-media/upload/cli";
 *
 * console.log(await main(["--version"])); // 0
 * ```
 */
export async function main(
  args: readonly string[] = runtime.argv.slice(2),
  io: Io = processIo(),
): Promise<number> {
  try {
    return await command(args, io);
  } catch (error) {
    if (!(error instanceof UsageError)) {
      io.stderr.write(`${printable(messageOf(error))}\n`);
      return exitCodeOf(error);
    }
    const [name] = args;
    const help = COMMANDS.some((command) => command === name) ? `help ${name}` : "--help";
    if (args.includes("--json")) {
      const { message } = error;
      io.stderr.write(
        `${JSON.stringify({ status: "failed", error: { code: "usage", message } })}\n`,
      );
    } else {
      io.stderr.write(`${printable(error.message)}\nSee: resumable-media ${help}\n`);
    }
    return EXIT.usage;
  } finally {
    io.closeStdin?.();
  }
}

async function command([name, ...rest]: readonly string[], io: Io): Promise<number> {
  switch (name) {
    case "cp":
      return await cp(rest, io);
    case "emulator":
      return await emulator(rest, io);
    case "sessions":
      return await sessions(rest, io);
    case "ticket":
      return await ticket(rest, io);
    case "--version":
    case "-V":
      io.stdout.write(`${VERSION}\n`);
      return EXIT.ok;
    case "help":
    case "--help":
    case "-h":
    case undefined:
      io.stdout.write(helpOf(rest[0] === undefined ? undefined : known(rest[0])));
      return name === undefined ? EXIT.usage : EXIT.ok;
    default:
      known(name);
      return EXIT.usage;
  }
}

function known(name: string): Command {
  const found = COMMANDS.find((command) => command === name);
  if (found !== undefined) return found;
  const near = nearest(name, COMMANDS);
  throw new UsageError(
    `${shownArgument(name)} is not a command${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}

if (import.meta.main) runtime.exitCode = await main();
