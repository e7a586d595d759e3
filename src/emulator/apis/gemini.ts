/**
 * The Files API of Gemini: `media.upload`, `files.get`.
 *
 * @module
 */

import type { UploadStart } from "../api_endpoint.ts";
import type { Incoming } from "../incoming.ts";
import { viewReply } from "../json/json_view.ts";
import { invalid, type Refusal, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { base64 } from "../storage/checksums.ts";
import { fileDestination } from "./files.ts";
import type { ApiPath } from "./api_path.ts";

type File = Readonly<Record<string, unknown>>;

/** 8 MiB. */
const GRANULARITY = 8_388_608;
/** Files live 48 hours. */
const LIFE = 172_800_000;
/**
 * What a client may say of a file; `display_name` is the other spelling of protocol buffers in JSON. Google's own client sends
 * `sizeBytes`, which is of output only and changes nothing.
 */
const FIELDS: readonly string[] = [
  "name",
  "displayName",
  "display_name",
  "mimeType",
  "mime_type",
  "sizeBytes",
  "size_bytes",
];
const WHOLE = { selection: null, full: false, pretty: true };

/** The paths of Gemini. */
export const GEMINI: readonly ApiPath[] = [
  {
    path: /^(?:\/resumable)?\/upload\/v1(?:beta)?\/files$/,
    upload: () => ({
      api: "gemini",
      errors: "rpc",
      methods: ["POST"],
      protocols: ["content-range", "x-goog-upload"],
      granularity: GRANULARITY,
      finalQuery: "result",
      admit: keyProblem,
      open: file,
    }),
  },
  { path: /^\/v1(?:beta)?\/files\/([^/]+)$/, errors: "rpc", read: get },
];

/** What is wrong with the API key of a request. */
function keyProblem({ settings }: Service, { url, headers }: Incoming): Refusal | null {
  const key = headers.get("x-goog-api-key") ?? url.searchParams.get("key");
  if (key === null) {
    return headers.has("authorization") ? null : {
      code: 403,
      reason: "forbidden",
      message: "Method doesn't allow unregistered callers. Please use API Key or another form of " +
        "API consumer identity to call this API.",
      xmlCode: "AccessDenied",
    };
  }
  return settings.apiKeys && !settings.apiKeys.has(key)
    ? invalid("API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
    : null;
}

function file(service: Service, start: UploadStart) {
  const requested = fileOf(start.metadata);
  if ("problem" in requested) return invalid(requested.problem);
  const { file } = requested;
  const mimeType = file.mimeType ?? file.mime_type ?? start.mediaType ?? "application/octet-stream";
  const displayName = file.displayName ?? file.display_name;
  const id = String(file.name ?? `files/${service.files.newId("f")}`);
  return fileDestination(service, start, {
    api: "gemini",
    errors: "rpc",
    method: "media.upload",
    name: String(displayName ?? id),
    make(size, { sha256 }) {
      const now = service.settings.now();
      const time = new Date(now).toISOString();
      const resource = {
        name: id,
        ...(displayName !== undefined && { displayName }),
        mimeType,
        sizeBytes: String(size),
        createTime: time,
        updateTime: time,
        expirationTime: new Date(now + LIFE).toISOString(),
        ...(sha256 && { sha256Hash: base64(new TextEncoder().encode(sha256)) }),
        uri: `${start.origin}/v1beta/${id}`,
        // Videos are looked at first; whoever asks for the file later finds that this is over.
        state: String(mimeType).startsWith("video/") ? "PROCESSING" : "ACTIVE",
        source: "UPLOADED",
      };
      return { id, resource };
    },
    reply: (resource) => viewReply({ file: resource }, WHOLE),
  });
}

/** The file that metadata describes. As other APIs of its kind, Gemini refuses fields that it does not know. */
function fileOf(metadata: UploadStart["metadata"]): { file: File } | { problem: string } {
  for (const name of Object.keys(metadata ?? {})) {
    if (name !== "file") return { problem: unknownName(name, "") };
  }
  const file = metadata?.file ?? {};
  if (typeof file !== "object" || Array.isArray(file)) {
    return { problem: "Invalid value at 'file': an object is expected." };
  }
  const unknown = Object.keys(file).find((name) => !FIELDS.includes(name));
  return unknown === undefined
    ? { file: file as File }
    : { problem: unknownName(unknown, " at 'file'") };
}

function unknownName(name: string, location: string): string {
  return `Invalid JSON payload received. Unknown name "${name}"${location}: Cannot find field.`;
}

function get(service: Service, { incoming }: Exchange, [id]: readonly string[]): Response {
  const problem = keyProblem(service, incoming);
  if (problem) return refuse(problem, "rpc");
  const found = service.files.get("gemini", `files/${id}`);
  return found ? viewReply({ ...found.resource as File, state: "ACTIVE" }, WHOLE) : refuse({
    code: 403,
    reason: "forbidden",
    message: `You do not have permission to access the File ${id} or it may not exist.`,
    xmlCode: "AccessDenied",
  }, "rpc");
}
