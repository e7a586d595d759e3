/** `emulator`: serves an emulated Google, and the upload proxy in front of it, beside a page that is being developed. */

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { GcsEmulator } from "../emulator/emulator.ts";
import { type ServedEmulator, serveEmulator } from "../emulator/serve.ts";
import { codeOf } from "../file/path.ts";
import {
  createUploadProxy,
  type UploadLogEntry,
  type UploadProxy,
  type UploadProxyOptions,
} from "../worker.ts";
import { numberOf, readArguments } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { helpOf } from "./help.ts";
import type { Io } from "./io.ts";
import { createFile } from "./lock.ts";
import { withPageTickets } from "./page_tickets.ts";
import { stateFolder } from "./state.ts";
import { Stop } from "./stop.ts";
import { bytesText, printable } from "./shown_text.ts";
import { shownArgument, UsageError } from "./usage_error.ts";

const SPECS = {
  "allow-origin": { type: "string", multiple: true },
  bucket: { type: "string" },
  discard: { type: "boolean" },
  json: { type: "boolean" },
  port: { type: "string" },
  proxy: { type: "boolean" },
  "proxy-port": { type: "string" },
} as const;

/** Where development servers are: those of Vite (also `vite preview`), Next.js, Angular, Astro and others. */
const PAGE_PORTS = [3000, 4173, 4200, 4321, 5173, 8000, 8080];

/** How many ports from there on: a server whose port is taken takes one of the next. */
const PORTS_EACH = 5;

/** Runs `emulator` until a signal comes. */
export async function emulator(args: readonly string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArguments(args, SPECS);
  if (values.help) {
    io.stdout.write(helpOf("emulator"));
    return EXIT.ok;
  }
  if (positionals.length > 0) {
    throw new UsageError(`emulator: expected options only, got ${shownArgument(positionals[0])}`);
  }
  const port = numberOf(values.port, "--port", [0, 65_535]) ?? 8085;
  const next = port === 0 ? 0 : port + 1;
  const proxyPort = numberOf(values["proxy-port"], "--proxy-port", [0, 65_535]) ?? next;
  for (const name of ["allow-origin", "bucket", "proxy-port"] as const) {
    if (values[name] && !values.proxy) throw new UsageError(`--${name}: expected --proxy besides`);
  }
  const gcs = new GcsEmulator({ store: values.discard ? "discard" : "keep" });
  const stop = new Stop(io, () => {});
  const served: ServedEmulator[] = [];
  try {
    const google = await serve(gcs, "--port", port);
    served.push(google);
    if (!values.proxy) {
      tell(io, values.json, { emulator: google.origin });
    } else {
      const { secret, file } = await ticketSecret(io.env);
      const bucket = values.bucket ?? "my-bucket";
      const report = reporter(io);
      const origins = [...pageOrigins(), ...values["allow-origin"] ?? []];
      const proxy = proxyOf({
        transport: gcs.fetch,
        fetch: gcs.fetch,
        endpoint: google.origin,
        bucket,
        tickets: { secret },
        sessionSecrets: [randomBytes(32).toString("base64url")],
        allowedOrigins: origins,
        logNames: true,
        log: report,
      });
      const answer = withPageTickets(proxy, {
        ...{ secret, bucket, origins },
        onRefused: (refusedOrigin) => report({ refusedOrigin }),
      });
      const front = await serve(
        {
          fetch: (url, init) => answer(new Request(url, init)),
        },
        "--proxy-port",
        proxyPort,
      );
      served.push(front);
      tell(io, values.json, { emulator: google.origin, proxy: front.origin, bucket, secret: file });
    }
    await new Promise((stopped) => stop.signal.addEventListener("abort", stopped, { once: true }));
    return EXIT.ok;
  } finally {
    stop.release();
    await Promise.all(served.map((server) => server.close()));
  }
}

/** Tells whoever develops a page what the page itself cannot see, each page once, and what is stored. */
function reporter({ stderr }: Io): (entry: Partial<UploadLogEntry>) => void {
  const refused = new Set<string>();
  return ({ refusedOrigin, error, status, size, name = "" }) => {
    if (refusedOrigin !== undefined) {
      const origin = printable(refusedOrigin);
      if (refused.has(origin)) return;
      refused.add(origin);
      stderr.write(`refused a page of ${origin}: start with --allow-origin ${origin}\n`);
    } else if (error !== undefined) {
      stderr.write(`refused with ${status}: ${printable(error)}\n`);
    } else if (size !== undefined) {
      stderr.write(`stored ${printable(name)}, ${bytesText(size)}\n`);
    }
  };
}

/** A setting that cannot be is a wrong call. */
function proxyOf(options: UploadProxyOptions): UploadProxy {
  try {
    return createUploadProxy(options);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function serve(
  emulator: Pick<GcsEmulator, "fetch">,
  option: "--port" | "--proxy-port",
  port: number,
): Promise<ServedEmulator> {
  try {
    return await serveEmulator(emulator, { port, keepAlive: true });
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw error;
    throw new UsageError(`${option}: expected a free one, got ${port}, which is in use`);
  }
}

function pageOrigins(): string[] {
  return ["localhost", "127.0.0.1"].flatMap((host) =>
    PAGE_PORTS.flatMap((first) =>
      Array.from({ length: PORTS_EACH }, (_, next) => `http://${host}:${first + next}`)
    )
  );
}

/** What is served where. */
interface Served {
  readonly emulator: string;
  readonly proxy?: string;
  readonly bucket?: string;
  /** Where the secret of the tickets is, as the option of `ticket` takes it. */
  readonly secret?: string;
}

function tell({ stdout }: Io, isJson: boolean | undefined, served: Served): void {
  if (isJson) {
    stdout.write(`${JSON.stringify(served)}\n`);
    return;
  }
  const { emulator, proxy, bucket, secret } = served;
  stdout.write(`Emulator: ${emulator}\n  STORAGE_EMULATOR_HOST=${emulator}\n`);
  if (proxy === undefined) return;
  stdout.write(`Proxy:    ${proxy} (bucket ${bucket}; for pages of development servers)\n`);
  stdout.write(
    `  a page gets a ticket by POST ${proxy}/ticket, {"name": "photo.jpg"}; or by hand:\n`,
  );
  stdout.write(`  resumable-media ticket --secret ${secret} --subject me --prefix users/me/\n`);
}

/** The secret of `TICKET_SECRET`, else one that is made once and kept in a file: it is not shown. */
async function ticketSecret(
  env: Io["env"],
): Promise<{ readonly secret: string; readonly file: string }> {
  if (env.TICKET_SECRET) return { secret: env.TICKET_SECRET, file: "env:TICKET_SECRET" };
  const folder = stateFolder(env);
  const path = join(folder, "demo-ticket-secret");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const secret = randomBytes(32).toString("base64url");
  if (!await createFile(path, secret) && (await readFile(path, "utf8")).trim() === "") {
    await rm(path, { force: true }); // left by a program that was killed when it wrote it
    await createFile(path, secret);
  }
  return { secret: await readFile(path, "utf8"), file: `@${path}` };
}
