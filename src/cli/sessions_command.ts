/** `sessions`: what can be resumed; `sessions cancel`: gives it up, at the server too; `sessions forget`: here only. */

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

/** What is done with what is kept. */
const ACTIONS = ["cancel", "forget"] as const;

type Action = typeof ACTIONS[number];

/** Lists what can be resumed, or gives some of it up. */
export async function sessions(args: readonly string[], io: Io): Promise<ExitCode> {
  const { values, positionals: [action, ...ids] } = readArguments(args, SPECS);
  if (values.help) {
    io.stdout.write(helpOf("sessions"));
    return EXIT.ok;
  }
  if (action !== undefined && !isAction(action)) {
    const near = nearest(action, ACTIONS);
    throw new UsageError(
      `sessions: expected nothing, cancel or forget, got ${shownArgument(action)}${
        near ? `; did you mean ${near}?` : ""
      }`,
    );
  }
  const state = new State(io.env);
  const all = await state.list();
  if (action === undefined) {
    if (values.all) throw new UsageError("--all: expected `sessions cancel` or `forget` before it");
    list(all, values.json === true, io);
    return EXIT.ok;
  }
  if ((ids.length === 0) === (values.all !== true)) {
    throw new UsageError(`sessions ${action}: expected ID, or --all`);
  }
  return await giveUp(values.all ? all : chosen(all, ids), action, state, io);
}

function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text);
}

async function giveUp(
  all: readonly Resumable[],
  action: Action,
  state: State,
  io: Io,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  for (const one of all) {
    const source = printable(shownSource(one.source));
    try {
      if (action === "cancel") await cancel(one, io);
      await state.forget(one);
      const said = action === "cancel" ? "cancelled" : "forgotten";
      const rest = action === "cancel" ? "" : leftAt(one);
      io.stdout.write(`${said} ${one.id} ${source}${rest}\n`);
    } catch (error) {
      code = exitCodeOf(error);
      const help = `\`sessions forget ${one.id}\` forgets it here only`;
      io.stderr.write(`${one.id}: ${printable(messageOf(error))}; ${help}\n`);
    }
  }
  return code;
}

/** What may stay at the server when something is forgotten here only. */
function leftAt({ checkpoint }: Resumable): string {
  if (!checkpoint) return "";
  return "parts" in checkpoint
    ? ": its parts may stay at the server, and cost, until they are removed there"
    : ": its session may live on at the server for a week";
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
