/**
 * An upload proxy that is deployed as it is: `export default { fetch }` for Cloudflare Workers, Deno Deploy and Bun, set
 * up by environment variables; and {@linkcode createUploadProxy} for those who write their own worker.
 * The settings are those of {@linkcode WorkerSettings}; `docs/deploy.md` takes you to a first upload.
 *
 * @module
 */

import { proxyOptions } from "./worker/settings_as_options.ts";
import { environment } from "./worker/environment.ts";
import type { WorkerSettings } from "./worker/worker_settings.ts";
import { errorResponse, HttpError } from "./proxy/http_error.ts";
import { createUploadProxy, type ServerMeans, type UploadProxy } from "./proxy/proxy.ts";
import { SettingError } from "./proxy/setting_error.ts";

export { proxyOptions } from "./worker/settings_as_options.ts";
export type { WorkerSettings } from "./worker/worker_settings.ts";
export {
  createUploadProxy,
  type ServerMeans,
  type UploadProxy,
  type UploadProxyOptions,
} from "./proxy/proxy.ts";
export type {
  FinishEvent,
  RequestEvent,
  StartDecision,
  StartEvent,
  UploadHooks,
  UploadParty,
} from "./proxy/hooks.ts";
export { apiBackend, type ApiBackendOptions } from "./proxy/backends/api.ts";
export { geminiFiles, type GeminiFilesOptions } from "./proxy/backends/gemini_files.ts";
export type {
  Backend,
  BackendSession,
  BackendTrace,
  Chunk,
  FileDescription,
  NewObject,
} from "./proxy/backend.ts";
export type { PassedBody } from "./proxy/request_body.ts";
export type { ChunkRange } from "./proxy/chunk_range.ts";
export type { FinishedObject, Outcome, Refused } from "./proxy/outcome.ts";
export { sendUpstream, type UpstreamReply, type UpstreamRequest } from "./proxy/upstream.ts";
export type { UploadLogEntry } from "./proxy/log.ts";
export type { Transport } from "./auth/mod.ts";
export type { UploadGrant } from "./proxy/grant.ts";
export { HttpError } from "./proxy/http_error.ts";
export { SettingError } from "./proxy/setting_error.ts";
export { finishWebhook, type WebhookOptions } from "./proxy/webhook.ts";
export { signUploadTicket, type TicketOptions } from "./proxy/sign_ticket.ts";
export type { TicketSettings } from "./proxy/ticket.ts";

let current: { readonly key: string; readonly proxy: UploadProxy } | undefined;

/** The proxy for the settings, made once for the same ones: it holds keys and tokens. */
function proxyFor(settings: WorkerSettings): UploadProxy {
  const key = JSON.stringify(settings);
  if (current?.key !== key) current = { key, proxy: createUploadProxy(proxyOptions(settings)) };
  return current.proxy;
}

/** Whether nothing is lost where a client gives up: one tries again for minutes after a 500, and shows a 403. */
function isStart({ method, headers }: Request): boolean {
  return method === "POST" && /^(?:.*start.*)?$/.test(headers.get("x-goog-upload-command") ?? "");
}

/**
 * What Cloudflare Workers, `deno serve` and Bun call; a server on `node:http` does with `process.env` and with what it
 * {@linkcode ServerMeans | can do beside answering}.
 */
const worker: {
  fetch(request: Request, bindings?: unknown, means?: ServerMeans | object): Promise<Response>;
} = {
  async fetch(request, bindings, means) {
    try {
      return await proxyFor(environment(bindings)).fetch(request, means);
    } catch (error) {
      // Which setting it is, is for those who read the log.
      const known = error instanceof SettingError ? error : undefined;
      console.error(JSON.stringify({
        event: "misconfigured",
        setting: known?.setting,
        error: known?.message ?? (error as Error)?.name,
      }));
      const message = "The upload proxy is not set up; its log says why";
      return errorResponse(new HttpError(isStart(request) ? 403 : 500, "misconfigured", message));
    }
  },
};
export default worker;
