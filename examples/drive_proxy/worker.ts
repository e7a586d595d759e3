/**
 * An upload proxy whose clients put files into the operator's Drive, and never see a token of Google's.
 *
 * ```sh
 * deno run --allow-net --allow-env=PORT examples/emulator/node.ts &
 * deno serve --allow-net --port=8000 examples/drive_proxy/worker.ts
 * curl --data-binary @paper.pdf -H 'content-type: application/pdf' \
 *   'http://127.0.0.1:8000/upload/drive/v3/files?uploadType=media&name=paper.pdf'
 * ```
 *
 * With the secrets `GOOGLE_AUTHORIZED_USER`, `SESSION_SECRET` and `TICKET_SECRET` it goes to Google, and wants tickets: sign
 * them with `backend: "drive"`.
 *
 * @module
 */

import { authorizedUserTransport } from "@resumable-media/upload/auth";
import { createUploadProxy, type UploadProxy } from "@resumable-media/upload/worker";
import { drive } from "./drive.ts";

/** The settings of the Worker. */
export interface Settings {
  /** What `gcloud auth application-default login` writes. Without it, an emulator is asked, and everybody may upload. */
  readonly GOOGLE_AUTHORIZED_USER?: string;
  /** 32 random bytes in base64url. */
  readonly SESSION_SECRET?: string;
  /** At least 32 bytes. */
  readonly TICKET_SECRET?: string;
  /** Where the emulator is. */
  readonly EMULATOR?: string;
}

let proxy: UploadProxy | undefined;

function proxyOf(settings: Settings): UploadProxy {
  const { GOOGLE_AUTHORIZED_USER: user, EMULATOR: endpoint = "http://127.0.0.1:8085" } = settings;
  if (user === undefined) {
    const transport: typeof fetch = (url, init) => {
      const headers = new Headers(init?.headers);
      headers.set("authorization", "Bearer emulated");
      return fetch(url, { ...init, headers });
    };
    return createUploadProxy({
      backends: [drive({ transport, endpoint })],
      authorize: () => ({ backend: "drive", prefix: "" }),
      sessionSecrets: [secretOfNow()],
    });
  }
  return createUploadProxy({
    backends: [drive({ transport: authorizedUserTransport(JSON.parse(user)) })],
    tickets: { secret: settings.TICKET_SECRET ?? "" },
    sessionSecrets: [settings.SESSION_SECRET ?? ""],
    onFinish: ({ name, uri, subject }) => console.log(JSON.stringify({ name, uri, subject })),
  });
}

/** 32 random bytes: sessions end with this process. */
function secretOfNow(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}

export default {
  fetch(request: Request, settings?: Settings): Promise<Response> {
    proxy ??= proxyOf(settings ?? {});
    return proxy.fetch(request);
  },
};
