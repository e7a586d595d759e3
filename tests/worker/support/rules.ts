// A rule is a test in each runtime: a worker that has just started, and an emulator behind it.

import { type Transport, upload } from "../../../mod.ts";
import type { GcsEmulatorOptions } from "../../../src/emulator/mod.ts";
import { signUploadTicket, type UploadGrant, type WorkerSettings } from "../../../src/worker.ts";
import { connect, type RawClient } from "./raw_client.ts";
import { prepare, type Project } from "../../support/example_project.ts";
import type { ServerProcess } from "../../support/server_process.ts";
import {
  installRuntimes,
  type RuntimeName,
  runtimes,
  startWorker,
} from "../../support/worker_process.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** What a test gets. */
export interface Place {
  readonly runtime: RuntimeName;
  readonly upstream: Upstream;
  readonly settings: WorkerSettings;
  readonly worker: ServerProcess;
  /** Allows everything. */
  readonly ticket: string;
  /** Starts one more worker, with the same settings but for these. */
  start(settings?: WorkerSettings): Promise<ServerProcess>;
  /** Connects to the worker, or to another one; the connection ends with the test. */
  connect(origin?: string): Promise<RawClient>;
}

/** What a test needs beyond the defaults. */
export interface RuleOptions {
  /** `undefined` leaves one of the default settings out. */
  readonly settings?: WorkerSettings;
  readonly emulator?: GcsEmulatorOptions;
  /** In which runtimes. */
  readonly only?: readonly RuntimeName[];
  readonly ignore?: boolean;
  /** The compatibility date in workerd; without one, that of the example. */
  readonly date?: string;
}

/** Secrets as docs/deploy.md has them made. */
export const randomSecret = (): string =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** A test that takes longer hangs, however busy the machine is; in milliseconds. */
const TIME_LIMIT = 60_000;

let project: Promise<Project> | undefined;

/** The copies of the examples; made once for each file of tests. */
export async function theProject(): Promise<Project> {
  project ??= installRuntimes().then(prepare);
  return await project;
}

/** To be called once in each file of tests. */
export function endAfterAll(): void {
  Deno.test.afterAll(async () => await (await project)?.[Symbol.asyncDispose]());
}

/** Registers a test for each runtime. */
export function rule(
  name: string,
  test: (place: Place) => Promise<void>,
  options: RuleOptions = {},
): void {
  for (const runtime of options.only ?? runtimes) {
    Deno.test({
      name: `${runtime}${options.date ? ` as of ${options.date}` : ""}: ${name}`,
      ignore: options.ignore ?? false,
      fn: () => run(runtime, test, options),
    });
  }
}

async function run(
  runtime: RuntimeName,
  test: (place: Place) => Promise<void>,
  options: RuleOptions,
): Promise<void> {
  const folder = await theProject();
  await using stack = new AsyncDisposableStack();
  // What a test waits for fails when all of this ends.
  const timer = setTimeout(() => void stack.disposeAsync(), TIME_LIMIT);
  stack.defer(() => clearTimeout(timer));
  const upstream = stack.use(await startUpstream(options.emulator));
  const settings: WorkerSettings = {
    GCS_BUCKET: "bucket",
    GCS_ENDPOINT: upstream.origin,
    GOOGLE_AUTH: "none",
    SESSION_SECRET: randomSecret(),
    TICKET_SECRET: randomSecret(),
    ...options.settings,
  };
  const start = async (others: WorkerSettings = {}) =>
    stack.use(
      await startWorker(folder, runtime, defined({ ...settings, ...others }), options.date),
    );
  const worker = await start();
  await test({
    runtime,
    upstream,
    settings,
    worker,
    ticket: await ticketFor(settings),
    start,
    connect: async (origin = worker.origin) => stack.use(await connect(origin)),
  });
}

function defined(settings: WorkerSettings): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** A ticket for any name, or for what is said. */
export async function ticketFor(
  { TICKET_SECRET: secret }: WorkerSettings,
  grant: UploadGrant = { prefix: "" },
): Promise<string> {
  if (!secret) return "";
  const options = { expiresIn: 600 };
  return await signUploadTicket(
    secret,
    { ...grant, subject: grant.subject ?? "somebody" },
    options,
  );
}

/** `fetch` with a ticket. */
export const withTicket = (ticket: string): Transport => (input, init) => {
  const headers = new Headers(init.headers);
  if (!headers.has("content-range")) headers.set("authorization", `Bearer ${ticket}`);
  return fetch(input, { ...init, headers });
};

/** Starts an upload through a worker; returns the URL of the session. */
export async function startSession(
  { worker, ticket }: Pick<Place, "worker" | "ticket">,
  headers: Record<string, string> = {},
  name = "object",
): Promise<string> {
  const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=${name}`;
  const reply = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${ticket}`, ...headers },
  });
  const text = await reply.text();
  if (reply.status !== 200) throw new Error(`The worker answered ${reply.status}: ${text}`);
  return reply.headers.get("location")!;
}

/** Uploads with this library, in chunks of 1 MiB. */
export async function uploadThrough(
  { worker, ticket }: Pick<Place, "worker" | "ticket">,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<unknown> {
  return await upload(bytes, {
    bucket: "bucket",
    name: "object",
    endpoint: worker.origin,
    transport: withTicket(ticket),
    chunkSize: 1_048_576,
  });
}
