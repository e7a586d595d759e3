/**
 * Drive v3: `files.create`, `files.update`, `files.get`.
 *
 * @module
 */

import { type Endpoint, type UploadStart, USUAL_GRANULARITY } from "../api_endpoint.ts";
import { readView, viewReply } from "../json/json_view.ts";
import { isRefusal, notFound, type Refusal, refuse, reply } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { type EmulatedUpload, fileDestination, type Sums } from "./files.ts";
import type { ApiPath } from "./api_path.ts";

type File = Readonly<Record<string, unknown>>;

const WORKSPACE = "application/vnd.google-apps.";
/** What Drive answers without `fields`. */
const USUAL_FIELDS = "kind,id,name,mimeType";

/** The paths of Drive. */
export const DRIVE: readonly ApiPath[] = [
  {
    path: /^(?:\/resumable)?\/upload\/drive\/v3\/files$/,
    upload: () => ({
      ...COMMON,
      methods: ["POST"],
      open: (service, start) => file(service, start),
    }),
  },
  {
    path: /^(?:\/resumable)?\/upload\/drive\/v3\/files\/([^/]+)$/,
    upload: ([id]) => ({
      ...COMMON,
      methods: ["PATCH"],
      open(service, start) {
        const before = service.files.get("drive", id);
        return before ? file(service, start, before) : noFile(id);
      },
    }),
  },
  { path: /^\/drive\/v3\/files\/([^/]+)$/, errors: "json", read: get },
];

const COMMON: Omit<Endpoint, "methods" | "open"> = {
  api: "drive",
  errors: "json",
  protocols: ["content-range", "x-goog-upload"],
  granularity: USUAL_GRANULARITY,
  finalQuery: "result",
};

function file(service: Service, start: UploadStart, before?: EmulatedUpload) {
  const query = withUsualFields(start.url.searchParams);
  const view = readView(query);
  if (isRefusal(view)) return view;
  const old = before?.resource as File | undefined;
  const requested = start.metadata ?? {};
  const mimeType = requested.mimeType ??
    (before ? start.mediaType ?? old?.mimeType : start.mediaType);
  const name = String(requested.name ?? old?.name ?? "Untitled");
  return fileDestination(service, start, {
    api: "drive",
    errors: "json",
    method: before ? "files.update" : "files.create",
    name,
    make(size, sums) {
      const id = before?.id ?? service.files.newId("1");
      const time = new Date(service.settings.now()).toISOString();
      const resource = {
        kind: "drive#file",
        id,
        name,
        mimeType: mimeType ?? "application/octet-stream",
        createdTime: old?.createdTime ?? time,
        modifiedTime: time,
        ...(isImport(mimeType, start.mediaType) ? CONVERTED : facts(size, sums)),
      };
      return { id, resource };
    },
    reply: (resource) => viewReply(resource, view),
  });
}

/** Whether Drive makes a Doc, a Sheet or the like of the bytes. */
function isImport(mimeType: unknown, mediaType: string | null): boolean {
  return typeof mimeType === "string" && mimeType.startsWith(WORKSPACE) && mimeType !== mediaType;
}

/** What Drive says of a converted file: size and sums are not those of the bytes that were sent. */
const CONVERTED: File = {
  size: "1024",
  md5Checksum: "c0".repeat(16),
  sha1Checksum: "c0".repeat(20),
  sha256Checksum: "c0".repeat(32),
};

function facts(size: number, { md5, sha1, sha256 }: Sums): File {
  return {
    size: String(size),
    ...(md5 && { md5Checksum: md5 }),
    ...(sha1 && { sha1Checksum: sha1 }),
    ...(sha256 && { sha256Checksum: sha256 }),
  };
}

function get(service: Service, exchange: Exchange, [id]: readonly string[]): Response {
  const found = service.files.get("drive", id);
  if (!found) return refuse(noFile(id));
  const { searchParams } = exchange.incoming.url;
  if (searchParams.get("alt") === "media") {
    const headers = { "content-type": found.mediaType };
    return found.bytes
      ? new Response(found.bytes, { headers })
      : reply(501, "text/plain; charset=utf-8", 'The emulator has store: "discard".');
  }
  const view = readView(withUsualFields(searchParams));
  return isRefusal(view) ? refuse(view) : viewReply(found.resource, view);
}

function withUsualFields(query: URLSearchParams): URLSearchParams {
  const full = new URLSearchParams(query);
  if (!full.has("fields")) full.set("fields", USUAL_FIELDS);
  return full;
}

function noFile(id: string): Refusal {
  return notFound(`File not found: ${id}.`, "NotFound");
}
