/** The options of the proxy that settings mean. */

import {
  authorizedUserTransport,
  externalAccountTransport,
  metadataServerTransport,
  serviceAccountTransport,
} from "../auth/mod.ts";
import type { Backend } from "../proxy/backend.ts";
import { geminiFiles } from "../proxy/backends/gemini_files.ts";
import { checkCompatibilityDate } from "../proxy/compatibility_date.ts";
import { printable } from "../proxy/http_error.ts";
import { checkOrigin } from "../proxy/proxy_location.ts";
import type { UploadProxyOptions } from "../proxy/proxy_options.ts";
import { isSafeUrl } from "../proxy/safe_url.ts";
import { checkNoExample } from "../proxy/secrets.ts";
import { SettingError } from "../proxy/setting_error.ts";
import { finishWebhook } from "../proxy/webhook.ts";
import { authorizationOf } from "./authorization_settings.ts";
import { fileReader } from "./environment.ts";
import { booleanOf, listOf, listOr, numberOf, required, secondsOf } from "./setting_values.ts";
import type { WorkerSettings } from "./worker_settings.ts";

/**
 * The options that settings mean, for workers that want a little more than the one that is deployed as it is.
 *
 * @throws {SettingError} a setting is missing or malformed; the message names it and shows no value
 */
export function proxyOptions(settings: WorkerSettings): UploadProxyOptions {
  checkCompatibilityDate();
  for (const name of ["SESSION_SECRET", "TICKET_SECRET"] as const) {
    checkNoExample(name, settings[name] ?? "");
  }
  return {
    transport: transportOf(settings),
    backends: backendsOf(settings),
    sessionSecrets: listOf(required(settings, "SESSION_SECRET")),
    ...authorizationOf(settings),
    bucket: settings.GCS_BUCKET,
    endpoint: settings.GCS_ENDPOINT,
    maxUploadBytes: numberOf(settings, "MAX_UPLOAD_BYTES"),
    maxChunkBytes: numberOf(settings, "MAX_CHUNK_BYTES"),
    contentTypes: listOr(settings.ALLOWED_CONTENT_TYPES),
    buckets: listOr(settings.ALLOWED_BUCKETS),
    fields: listOr(settings.ALLOWED_FIELDS),
    requireContentLength: booleanOf(settings, "REQUIRE_CONTENT_LENGTH"),
    startTimeout: secondsOf(settings, "START_TIMEOUT_SECONDS"),
    sessionTtl: numberOf(settings, "SESSION_TTL_SECONDS"),
    allowedOrigins: listOf(settings.ALLOWED_ORIGINS ?? ""),
    publicOrigin: settings.PUBLIC_ORIGIN,
    pathPrefix: settings.PATH_PREFIX,
    metricsPath: settings.METRICS_PATH,
    logNames: booleanOf(settings, "LOG_OBJECT_NAMES"),
    onFinish: webhookOf(settings),
    log: (entry) => console.log(printable(JSON.stringify(entry))),
  };
}

function transportOf(settings: WorkerSettings): UploadProxyOptions["transport"] {
  const { GOOGLE_AUTH: kind = "service-account", GCS_ENDPOINT: endpoint } = settings;
  if (kind === "none") {
    if (endpoint !== undefined) return (input, init) => fetch(input, init);
    if (settings.GEMINI_API_KEY) return undefined;
    throw new SettingError("GOOGLE_AUTH", "credentials, since GCS_ENDPOINT is Google's, got none");
  }
  const origin = endpoint === undefined ? undefined : originOf("GCS_ENDPOINT", endpoint);
  const origins = origin === undefined ? undefined : [origin];
  if (kind === "metadata") return metadataServerTransport({ origins });
  if (!Object.hasOwn(CREDENTIALS, kind)) {
    const kinds = [...Object.keys(CREDENTIALS), "metadata"].join(", ");
    throw new SettingError("GOOGLE_AUTH", `${kinds} or none, got something else`);
  }
  const { setting, transport } = CREDENTIALS[kind];
  const credentials = required(settings, setting);
  try {
    return transport(credentials, { origins });
  } catch (error) {
    const { message } = error instanceof Error ? error : { message: "other credentials" };
    if (message.includes("readFile")) { // the option of a program, not of a deployed worker
      throw new SettingError(setting, "a credential_source with a url: there are no files here");
    }
    throw new SettingError(setting, message.replace(/^credentials: (?:expected )?/, ""));
  }
}

/** An origin to which credentials may be sent. */
function originOf(name: "GCS_ENDPOINT" | "GEMINI_ENDPOINT", endpoint: string): string {
  const origin = checkOrigin(name, endpoint);
  if (isSafeUrl(origin)) return origin;
  throw new SettingError(name, "https, since credentials are sent there, got http");
}

/** Where uploads may go besides Cloud Storage. */
function backendsOf(settings: WorkerSettings): readonly Backend[] {
  const { GEMINI_API_KEY: key, GEMINI_ENDPOINT: endpoint } = settings;
  if (key === undefined) {
    if (endpoint === undefined) return [];
    throw new SettingError("GEMINI_API_KEY", "a key, since there is a GEMINI_ENDPOINT, got none");
  }
  if (!/^[\x21-\x7e]{1,512}$/.test(key)) {
    throw new SettingError(
      "GEMINI_API_KEY",
      "a key of visible ASCII characters, got something else",
    );
  }
  const origin = endpoint === undefined ? undefined : originOf("GEMINI_ENDPOINT", endpoint);
  return [geminiFiles({ apiKey: key, endpoint: origin })];
}

/** How credentials become a transport. */
interface CredentialsKind {
  readonly setting: keyof WorkerSettings;
  transport(
    credentials: string,
    options: { readonly origins: readonly string[] | undefined },
  ): UploadProxyOptions["transport"];
}

/** What `GOOGLE_AUTH` can say of credentials that are text. */
const CREDENTIALS: Readonly<Record<string, CredentialsKind>> = {
  "service-account": { setting: "GOOGLE_SERVICE_ACCOUNT", transport: serviceAccountTransport },
  "external-account": {
    setting: "GOOGLE_EXTERNAL_ACCOUNT",
    transport: (json, { origins }) =>
      externalAccountTransport(json, { origins, readFile: fileReader() }),
  },
  "authorized-user": { setting: "GOOGLE_AUTHORIZED_USER", transport: authorizedUserTransport },
};

function webhookOf(settings: WorkerSettings): UploadProxyOptions["onFinish"] {
  const { FINISH_WEBHOOK_URL: url, FINISH_WEBHOOK_SECRET: secret } = settings;
  if (url === undefined && secret === undefined) return undefined;
  return finishWebhook({
    url: required(settings, "FINISH_WEBHOOK_URL"),
    secret: required(settings, "FINISH_WEBHOOK_SECRET"),
  });
}
