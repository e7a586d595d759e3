// Signs URLs with @google-cloud/storage, in Node: `node signed_urls.mjs '{"key": …, "jobs": […]}'` prints them as JSON.

import process from "node:process";
import { Storage } from "@google-cloud/storage";

const { key, now, jobs } = JSON.parse(process.argv[2]);
const storage = new Storage({ credentials: key, projectId: "my-project" });
const urls = [];
for (const { name, expires, ...options } of jobs) {
  const [url] = await storage.bucket("my-bucket").file(name).getSignedUrl({
    version: "v4",
    accessibleAt: now,
    expires: now + expires * 1000,
    ...options,
  });
  urls.push(url);
}
console.log(JSON.stringify(urls));
