/** `sessions`: what can be resumed; `sessions cancel`: gives it up, at the server too. */

import type { Transport } from "../net/transport.ts";
import { cancelParallelUpload } from "../parallel/cancel_parallel.ts";
import { xGoogUpload } from "../protocol/x_goog_upload.ts";
import { cancelUpload } from "../upload/cancel_upload.ts";
import { readArguments } from "./arguments.ts";
import { accessTo, endpointOf } from "./credentials.ts";
import { EXIT, type ExitCode, exitCodeOf, messageOf } from "./exit_code.ts";
import { helpOf } from "./help.ts";
import type { Io } from "./io.ts";
import { type AnyCheckpoint, type Resumable, State } from "./state.ts";
import { bytesText, printable, timeText } from "./shown_text.ts";
import { nearest, shownArgument, UsageError } from "./usage_error.ts";

const SPECS = { all: { type: "boolean" }, json: { type: "boolean" } } as const;

/** Lists what can be resumed, or cancels some of it. */
export async function sessions(args: readonly string[], io: Io): Promise<ExitCode> {
  const { values, positionals: [action, ...ids] } = readArguments(args, SPECS);
  if (values.help) {
    io.stdout.write(helpOf("sessions"));
    return EXIT.ok;
  }
  if (action !== undefined && action !== "cancel") {
    const near = nearest(action, ["cancel"]);
    throw new UsageError(
      `sessions: expected nothing or cancel, got ${shownArgument(action)}${
        near ? `; did you mean ${near}?` : ""
      }`,
    );
  }
  const state = new State(io.env);
  const all = await state.list();
  if (action === undefined) {
    if (values.all) throw new UsageError("--all: expected `sessions cancel --all`");
    list(all, values.json === true, io);
    return EXIT.ok;
  }
  if ((ids.length === 0) === (values.all !== true)) {
    throw new UsageError("sessions cancel: expected ID, or --all");
  }
  let code: ExitCode = EXIT.ok;
  for (const one of values.all ? all : chosen(all, ids)) {
    try {
      await cancel(one, io);
      await state.forget(one);
      io.stdout.write(`cancelled ${one.id} ${printable(shownSource(one.source))}\n`);
    } catch (error) {
      code = exitCodeOf(error);
      io.stderr.write(`${one.id}: ${printable(messageOf(error))}\n`);
    }
  }
  return code;
}

function chosen(all: readonly Resumable[], ids: readonly string[]): Resumable[] {
  return ids.map((wanted) => {
    const found = all.filter(({ id }) => id.startsWith(wanted));
    if (found.length === 1 && wanted !== "") return found[0];
    throw new UsageError(`ID: expected one that \`sessions\` lists, got ${shownArgument(wanted)}`);
  });
}

function list(all: readonly Resumable[], isJson: boolean, { stdout }: Io): void {
  if (isJson) {
    for (const { id, source, destination, updated, checkpoint, done } of all) {
      const { persisted, size: total } = standOf(checkpoint);
      const line = {
        id,
        source: shownSource(source),
        destination,
        updated,
        persisted,
        total,
        done,
      };
      stdout.write(`${JSON.stringify(line)}\n`);
    }
    return;
  }
  if (all.length === 0) stdout.write("Nothing to resume.\n");
  for (const one of all) {
    const age = timeText((Date.now() - one.updated) / 1000);
    const { persisted, size } = standOf(one.checkpoint);
    const stands = one.done !== undefined
      ? `${one.done} files done`
      : `${bytesText(persisted)}${size === undefined ? "" : ` of ${bytesText(size)}`}`;
    const [source, destination] = [shownSource(one.source), one.destination].map(printable);
    stdout.write(
      `${one.id}  ${stands.padEnd(22)} ${age.padStart(6)} ago  ${source} -> ${destination}\n`,
    );
  }
}

/** The sources of a run over many files are a list. */
function shownSource(source: string): string {
  if (!source.startsWith("[")) return source;
  try {
    return (JSON.parse(source) as string[]).join(" ");
  } catch {
    return source;
  }
}

/** Where a checkpoint stands, of either kind. */
function standOf(
  checkpoint: AnyCheckpoint | undefined,
): { readonly persisted: number; readonly size: number | undefined } {
  if (!checkpoint) return { persisted: 0, size: undefined };
  const persisted = "parts" in checkpoint
    ? checkpoint.parts.reduce((sum, { size }) => sum + size, 0)
    : checkpoint.persisted;
  return { persisted, size: checkpoint.totalBytes };
}

/** What sends requests to where an upload was begun: the variables may speak of another server by now. */
async function transportTo(endpoint: string, { env, fetch }: Io): Promise<Transport> {
  const isEmulator = endpoint === endpointOf(env.STORAGE_EMULATOR_HOST, true);
  const isGoogle = new URL(endpoint).hostname.endsWith(".googleapis.com");
  const requested = isEmulator || isGoogle ? undefined : endpoint;
  const variables = isEmulator ? env : { ...env, STORAGE_EMULATOR_HOST: undefined };
  return (await accessTo("bucket", requested, { env: variables, fetch })).transport;
}

async function cancel({ checkpoint }: Resumable, io: Io): Promise<void> {
  if (!checkpoint) return;
  if ("parts" in checkpoint) {
    const transport = await transportTo(checkpoint.endpoint, io);
    await cancelParallelUpload(checkpoint, { transport });
    return;
  }
  const protocol = checkpoint.protocol === "x-goog-upload" ? xGoogUpload : undefined;
  await cancelUpload(checkpoint, { transport: io.fetch, protocol });
}
