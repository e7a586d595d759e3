// The signed URLs of docs/recipes/signed-urls.md are those of @google-cloud/storage, letter by letter.

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { serviceAccount } from "../worker/support/service_account.ts";
import { has } from "../support/programs.ts";
import { runProgram } from "../support/programs.ts";

const HERE = new URL("./", import.meta.url);
const RECIPE = new URL("../../docs/recipes/signed-urls.md", import.meta.url);

const ignore = !has("node");
if (ignore) console.log("tests/clients: signed URLs are left out: there is no `node`");

type Sign = (options: {
  key: unknown;
  method: string;
  path: string;
  headers?: Record<string, string>;
  expires: number;
  now: Date;
}) => Promise<string>;

/** The function that the recipe shows. */
async function signedUrl(): Promise<Sign> {
  const code = /^```ts\n([^]*?)^```/m.exec(await Deno.readTextFile(RECIPE))![1];
  const module = await import(`data:application/typescript,${encodeURIComponent(code)}`);
  return module.signedUrl;
}

Deno.test({
  name:
    "a signed URL of the recipe is that of @google-cloud/storage: to read, to put, to start a resumable upload",
  ignore,
  async fn() {
    await runProgram(Deno.execPath(), ["install", "--quiet"], { cwd: HERE });
    const key = JSON.parse((await serviceAccount()).json);
    const now = Math.floor(Date.now() / 1000) * 1000;
    const jobs = [
      { name: "users/17/a ü+(1).jpg", expires: 300, action: "read" },
      { name: "photo.jpg", expires: 604_800, action: "write", contentType: "image/jpeg" },
      { name: "photo.jpg", expires: 600, action: "resumable", contentType: "image/jpeg" },
    ];
    const script = fileURLToPath(new URL("signed_urls.mjs", HERE));
    const theirs = JSON.parse(
      await runProgram("node", [script, JSON.stringify({ key, now, jobs })]),
    );
    const sign = await signedUrl();
    const ours = [
      { method: "GET", path: "/my-bucket/users/17/a%20%C3%BC%2B%281%29.jpg", expires: 300 },
      {
        method: "PUT",
        path: "/my-bucket/photo.jpg",
        expires: 604_800,
        headers: { "content-type": "image/jpeg" },
      },
      {
        method: "POST",
        path: "/my-bucket/photo.jpg",
        expires: 600,
        headers: { "content-type": "image/jpeg", "x-goog-resumable": "start" },
      },
    ].map((job) => sign({ ...job, key, now: new Date(now) }));
    assertEquals(await Promise.all(ours), theirs);
  },
});
