/**
 * Uploads a video to YouTube, private, and prints its address.
 *
 * ```sh
 * deno run --allow-read --allow-env=GOOGLE_ACCESS_TOKEN --allow-net=www.googleapis.com examples/youtube.ts FILE [TITLE]
 * ```
 *
 * Without `GOOGLE_ACCESS_TOKEN` it goes to an emulated YouTube in this process, and nothing leaves the machine. The token is
 * that of a user, with the scope `https://www.googleapis.com/auth/youtube.upload`: YouTube has no service accounts.
 *
 * @module
 */

import { json, upload } from "@resumable-media/upload";
import { staticTokenTransport } from "@resumable-media/upload/auth";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { fileSource } from "@resumable-media/upload/file";

/** As much of a video as is used here. */
interface Video {
  readonly id: string;
  readonly status?: { readonly uploadStatus?: string };
}

const [path, title = "A video"] = Deno.args;
if (path === undefined) {
  console.error("usage: deno run --allow-all examples/youtube.ts FILE [TITLE]");
  Deno.exit(2);
}
const token = Deno.env.get("GOOGLE_ACCESS_TOKEN");
const emulated = new GcsEmulator({ store: "discard" });

const video = await upload(await fileSource(path), {
  url:
    "https://www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status",
  metadata: { snippet: { title }, status: { privacyStatus: "private" } },
  startHeaders: { slug: encodeURIComponent(path.split(/[\\/]/).at(-1)!) },
  resource: json<Video>(),
  transport: token ? staticTokenTransport(token) : emulated.fetch,
  onProgress: ({ persisted, total }) => console.log(`${persisted} of ${total} bytes are stored`),
});
console.log(`https://youtu.be/${video.id} (${video.status?.uploadStatus})`);
