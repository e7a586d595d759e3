// tus-js-client in a page, from its own bundle for browsers.

import type { Page } from "../page/remote.ts";
import { install, type Version } from "./tus_client.ts";

const Q = 262_144;

/** The page: the client, and one function that uploads a file of so many bytes and says how that ended. */
const SCRIPT = `
async function run({ proxy, bucket = "my-bucket", ticket, size, options, abortAt, again, asStream }) {
  const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);
  const file = new File([bytes], "a photo.png", { type: "image/png", lastModified: 1 });
  const source = !asStream ? file : asStream === "reader" ? file.stream().getReader() : file.stream();
  return await new Promise((resolve) => {
    const upload = new tus.Upload(source, {
      endpoint: proxy + "/upload/storage/v1/b/" + bucket + "/o",
      headers: { Authorization: "Bearer " + ticket },
      metadata: { filename: file.name, filetype: file.type },
      chunkSize: ${Q},
      retryDelays: null,
      ...options,
      onSuccess: () => resolve("success"),
      onError: (error) => resolve("error: " + error.message),
      onChunkComplete: (_size, stored) => {
        if (abortAt && stored >= abortAt) upload.abort().then(() => resolve("aborted"));
      },
    });
    if (asStream) return upload.start();
    upload.findPreviousUploads().then((found) => {
      if (again && found.length !== 1) return resolve("there are " + found.length);
      if (again) upload.resumeFromPreviousUpload(found[0]);
      upload.start();
    });
  });
}`;

/** Serves the page while `use` runs. */
export async function withTusPage<T>(
  version: Version,
  use: (origin: string) => Promise<T>,
): Promise<T> {
  await install(version);
  const client = new URL(
    `tus/${version}/node_modules/tus-js-client/dist/tus.min.js`,
    import.meta.url,
  );
  const script = `${await Deno.readTextFile(client)}\n${SCRIPT}`;
  const html =
    "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><script src=tus.js></script>";
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    ({ url }) =>
      url.endsWith(".js")
        ? new Response(script, { headers: { "content-type": "text/javascript; charset=utf-8" } })
        : new Response(html, { headers: { "content-type": "text/html" } }),
  );
  try {
    return await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** Uploads in a page. */
export async function runInPage(
  page: Page,
  link: { readonly proxy: string; readonly bucket?: string; readonly ticket: string },
  job: Record<string, unknown>,
): Promise<string> {
  const whole = { ...link, ...job };
  return await page.call<string>("evaluate", `run(${JSON.stringify(whole)})`);
}
