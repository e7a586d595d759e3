// A proxy on a socket, with an emulated Google on another one behind it.

import { GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import { serveEmulator } from "../../src/emulator/serve.ts";
import {
  createUploadProxy,
  signUploadTicket,
  type UploadGrant,
  type UploadLogEntry,
  type UploadProxyOptions,
} from "../../src/worker.ts";

const TICKET_SECRET = "a ticket secret of more than thirty-two bytes";

/** What a client of the proxy needs, and what can be looked at afterwards. */
export interface Link {
  /** The proxy's origin. */
  readonly proxy: string;
  /** The emulator's origin. */
  readonly google: string;
  readonly gcs: GcsEmulator;
  readonly log: readonly UploadLogEntry[];
  ticket(grant?: UploadGrant): Promise<string>;
}

/** Serves both while `use` runs. */
export async function withProxy<T>(
  use: (link: Link) => Promise<T>,
  options: Partial<UploadProxyOptions> = {},
  emulator: GcsEmulatorOptions = {},
): Promise<T> {
  const gcs = new GcsEmulator(emulator);
  const log: UploadLogEntry[] = [];
  const google = await serveEmulator(gcs);
  const proxy = createUploadProxy({
    transport: fetch,
    endpoint: google.origin,
    bucket: "my-bucket",
    sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"],
    tickets: { secret: TICKET_SECRET },
    log: (entry) => log.push(entry),
    ...options,
  });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, proxy.fetch);
  try {
    return await use({
      proxy: `http://127.0.0.1:${server.addr.port}`,
      google: google.origin,
      gcs,
      log,
      ticket: (grant = { prefix: "uploads/" }) =>
        signUploadTicket(
          TICKET_SECRET,
          { fields: ["metadata"], ...grant, subject: grant.subject ?? "user-17" },
          { expiresIn: 600 },
        ),
    });
  } finally {
    await server.shutdown();
    await google.close();
  }
}

/** Bytes that are not all the same. */
export function sample(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size); // a callback for each byte would take seconds
  for (let at = 0; at < size; at++) bytes[at] = at % 251;
  return bytes;
}
