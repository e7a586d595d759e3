/**
 * A Worker that passes a file on to Gemini Files and answers with the URI that a prompt refers to. It has no file system
 * and needs none: the body of the request is the source, and at most two chunks of 8 MiB are in memory.
 *
 * ```sh
 * deno run --allow-net --allow-env=PORT examples/emulator/node.ts &
 * deno serve --allow-net --port=8000 examples/gemini/worker.ts
 * curl --data-binary @paper.pdf -H 'content-type: application/pdf' http://127.0.0.1:8000/paper.pdf
 * ```
 *
 * With the secret `GEMINI_API_KEY` it goes to Google (`npx wrangler secret put GEMINI_API_KEY`). Who may call it is for you
 * to say, before the upload: whoever can, spends your quota.
 *
 * @module
 */

import { geminiFile, upload, UploadError, xGoogUpload } from "@resumable-media/upload";
import { apiKeyTransport } from "@resumable-media/upload/auth";

/** The settings of the Worker. */
export interface Settings {
  /** A key of the Gemini API. Without one, an emulator is asked. */
  readonly GEMINI_API_KEY?: string;
  /** Where the emulator is. */
  readonly EMULATOR?: string;
}

export default {
  async fetch(request: Request, settings?: Settings): Promise<Response> {
    const { GEMINI_API_KEY: key, EMULATOR = "http://127.0.0.1:8085" } = settings ?? {};
    if (request.method !== "POST" || !request.body) {
      return new Response("POST a file\n", { status: 400 });
    }
    const endpoint = key ? "https://generativelanguage.googleapis.com" : EMULATOR;
    try {
      const { file } = await upload(request.body, {
        url: `${endpoint}/upload/v1beta/files`,
        protocol: xGoogUpload,
        resource: geminiFile, // compares size and SHA-256
        metadata: { file: { displayName: new URL(request.url).pathname.slice(1) || "file" } },
        contentType: request.headers.get("content-type") ?? "application/pdf",
        transport: apiKeyTransport(key ?? "emulated", { origins: [endpoint] }),
      });
      return Response.json({ uri: file.uri, mimeType: file.mimeType, state: file.state });
    } catch (error) {
      if (!(error instanceof UploadError)) throw error;
      return new Response(`${error.message}\n`, { status: error.retryable ? 503 : 502 });
    }
  },
};
