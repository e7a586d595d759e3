/** Application default credentials: what Google's libraries find where they look. */

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import runtime from "node:process";
import { contextOf } from "../auth/context.ts";
import { credentialsTransport } from "../auth/credentials_transport.ts";
import { metadataServerTransport } from "../auth/metadata_server.ts";
import type { TokenOptions } from "../auth/auth_options.ts";
import { UploadError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { isMetadataServerThere, METADATA_HOST } from "./metadata_probe.ts";
import { codeOf } from "./path.ts";

/** Options of {@linkcode applicationDefaultTransport}. */
export interface ApplicationDefaultOptions extends TokenOptions {
  /** The variables to go by. The default is those of the process. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What gcloud writes. */
const FILE = "application_default_credentials.json";

/** The platform's reading, which needs nothing else. */
const read = (path: string): Promise<string> => readFile(path, "utf8");

/**
 * A transport with the credentials that Google's libraries would find, in this order:
 *
 * 1. the file that `GOOGLE_APPLICATION_CREDENTIALS` names, or the same in small letters;
 * 2. gcloud's, which `gcloud auth application-default login` writes: `application_default_credentials.json` in `CLOUDSDK_CONFIG`, else
 *    in `~/.config/gcloud`, on Windows in `%APPDATA%\gcloud`;
 * 3. the metadata server of Google Cloud. It is asked whether it is there, for three seconds at most, unless
 *    `METADATA_SERVER_DETECTION` (`assume-present`, `none`), `NO_GCE_CHECK` or a variable of Cloud Run says so; `GCE_METADATA_HOST` says
 *    where it is.
 *
 * A file may be of any kind that {@linkcode credentialsTransport} takes; a subject token in a file is read for each new access token.
 * `GOOGLE_CLOUD_QUOTA_PROJECT` is the `quotaProject` unless there is one. A file that is named and cannot be used is an error, not a
 * reason to look further.
 *
 * Rejects with an {@linkcode UploadError} of code `rejected` when there is nothing, saying where it has looked and what helps, and with
 * a `TypeError` for credentials or options that cannot work, naming the file and the member at fault and never a value. What the
 * transport rejects with is as for `credentialsTransport`.
 *
 * Source: [how application default credentials work](https://cloud.google.com/docs/authentication/application-default-credentials).
 *
 * @example
 * ```ts
 * import { applicationDefaultTransport } from "@resumable-media/upload/file";
 *
 * const nothing = { CLOUDSDK_CONFIG: "/nowhere", METADATA_SERVER_DETECTION: "none" }; // leave `env` out for the process's own
 * const error = await applicationDefaultTransport({ env: nothing }).catch((error: Error) => error);
 * console.log(error instanceof Error && error.message.includes("gcloud auth application-default login")); // true
 * ```
 */
export async function applicationDefaultTransport(
  options: ApplicationDefaultOptions = {},
): Promise<Transport> {
  const { env = runtime.env, ...others } = options;
  const quotaProject = others.quotaProject ?? (env.GOOGLE_CLOUD_QUOTA_PROJECT || undefined);
  const rest = { ...others, quotaProject };
  const { server, clock } = contextOf(rest);
  const named = env.GOOGLE_APPLICATION_CREDENTIALS || env.google_application_credentials;
  if (named) return ofFile(await readNamed(named), named, rest);
  const known = knownPath(env);
  const text = known === undefined ? undefined : await readIfThere(known);
  if (known !== undefined && text !== undefined) return ofFile(text, known, rest);
  if (await isMetadataServerThere(env, server.fetch, clock)) {
    return metadataServerTransport({ ...rest, host: metadataHost(env) });
  }
  throw new UploadError(
    "rejected",
    `Cannot find Google's credentials: expected GOOGLE_APPLICATION_CREDENTIALS to name a file, the file ${
      known ?? FILE
    }, or a metadata server at ${metadataHost(env)}, found none of these; ` +
      "`gcloud auth application-default login` writes the file",
  );
}

/** Where the metadata server is. */
function metadataHost(env: Environment): string {
  return env.GCE_METADATA_HOST || env.GCE_METADATA_IP || METADATA_HOST;
}

/** Where gcloud's file is, if it can be anywhere. */
function knownPath(env: Environment): string | undefined {
  if (env.CLOUDSDK_CONFIG) return join(env.CLOUDSDK_CONFIG, FILE);
  if (runtime.platform === "win32") return env.APPDATA && join(env.APPDATA, "gcloud", FILE);
  return join(env.HOME || homedir(), ".config", "gcloud", FILE);
}

function ofFile(text: string, path: string, options: TokenOptions): Transport {
  try {
    return credentialsTransport(text, { ...options, readFile: read });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(`${path}: ${error.message}`);
  }
}

async function readNamed(path: string): Promise<string> {
  try {
    return await read(path);
  } catch (error) {
    throw unreadable(`the file that GOOGLE_APPLICATION_CREDENTIALS names, ${path}`, error);
  }
}

/** The text of a file; `undefined` where there is none. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await read(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw unreadable(`gcloud's file, ${path}`, error);
  }
}

function unreadable(what: string, cause: unknown): UploadError {
  const got = codeOf(cause) ?? "an error";
  return new UploadError(
    "rejected",
    `Cannot read Google's credentials: expected ${what}, got ${got}`,
    {
      cause,
    },
  );
}
