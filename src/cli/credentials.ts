/** Which credentials go with the requests: those of the environment, and none where none are needed. */

import { apiKeyTransport } from "../auth/api_key.ts";
import { staticTokenTransport } from "../auth/static_token.ts";
import { applicationDefaultTransport } from "../file/application_default.ts";
import { UploadError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import type { Destination } from "./destination.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage_error.ts";

/** Where requests go, and what sends them. */
export interface Access {
  readonly transport: Transport;
  /** The origin of the API; `undefined` for Google's own. */
  readonly endpoint: string | undefined;
}

/** What the least is that each API asks for. */
const SCOPES: Readonly<Record<Destination["kind"], string>> = {
  bucket: "https://www.googleapis.com/auth/devstorage.read_write",
  drive: "https://www.googleapis.com/auth/drive.file",
  gemini: "https://www.googleapis.com/auth/cloud-platform",
  youtube: "https://www.googleapis.com/auth/youtube.upload",
};

/** The origins that get the token or the key, besides that of `--endpoint`. */
const GOOGLE = "https://*.googleapis.com";

/**
 * What sends requests to a destination: with a token out of `CLOUDSDK_AUTH_ACCESS_TOKEN`, a key out of `GEMINI_API_KEY`, or application
 * default credentials; without any to this machine, which is where emulators are.
 */
export async function accessTo(
  kind: Destination["kind"],
  requestedEndpoint: string | undefined,
  { env, fetch }: Pick<Io, "env" | "fetch">,
): Promise<Access> {
  const emulator = kind === "bucket" ? env.STORAGE_EMULATOR_HOST : undefined;
  const endpoint = endpointOf(requestedEndpoint ?? emulator, requestedEndpoint === undefined);
  const origins = endpoint === undefined ? [GOOGLE] : [GOOGLE, new URL(endpoint).origin];
  const options = { fetch, origins };
  const { CLOUDSDK_AUTH_ACCESS_TOKEN: token, GEMINI_API_KEY: key } = env;
  if (kind === "gemini" && key) { // its emulator wants one, too
    return { transport: named("GEMINI_API_KEY", () => apiKeyTransport(key, options)), endpoint };
  }
  if (endpoint !== undefined && (requestedEndpoint === undefined || isLoopback(endpoint))) {
    return { transport: fetch, endpoint };
  }
  if (token) {
    const transport = named(
      "CLOUDSDK_AUTH_ACCESS_TOKEN",
      () => staticTokenTransport(token, options),
    );
    return { transport, endpoint };
  }
  return {
    transport: await applicationDefault({ env, scopes: [SCOPES[kind]], ...options }, kind),
    endpoint,
  };
}

async function applicationDefault(
  options: Parameters<typeof applicationDefaultTransport>[0],
  kind: Destination["kind"],
): Promise<Transport> {
  try {
    return await applicationDefaultTransport(options);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new UploadError("rejected", error.message, { cause: error });
    }
    if (!(error instanceof UploadError)) throw error;
    const other = kind === "gemini" ? "GEMINI_API_KEY" : "CLOUDSDK_AUTH_ACCESS_TOKEN";
    const without = "without an account: resumable-media emulator, and --endpoint";
    const message = `${error.message}; or set ${other}; ${without}`;
    throw new UploadError("rejected", message, { cause: error });
  }
}

/** A transport whose credential cannot be one says which variable has it. */
function named(variable: string, make: () => Transport): Transport {
  try {
    return make();
  } catch {
    throw new UsageError(`${variable}: expected visible ASCII without spaces, got something else`);
  }
}

/** An origin, perhaps with a path; a host alone is one of an emulator. */
export function endpointOf(text: string | undefined, isHost: boolean): string | undefined {
  if (text === undefined || text === "") return undefined;
  const url = isHost && !/^https?:\/\//.test(text) ? `http://${text}` : text;
  const isUrl = /^https?:\/\//.test(url) && URL.canParse(url) && new URL(url).username === "" &&
    new URL(url).search === "";
  if (isUrl) return url.replace(/\/+$/, "");
  const name = isHost ? "STORAGE_EMULATOR_HOST" : "--endpoint";
  throw new UsageError(`${name}: expected an origin such as http://127.0.0.1:8085`);
}

/** Whether it is this machine. */
function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
