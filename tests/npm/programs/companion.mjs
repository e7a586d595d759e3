// Uppy's Companion as somebody has it who uploads to Cloud Storage by its S3 dialect: HMAC keys, and Google's origin as the endpoint.

import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import process from "node:process";
import { app as companion } from "@uppy/companion";
import express from "express";

const [endpoint] = process.argv.slice(2);
const { app } = companion({
  secret: randomUUID(),
  filePath: tmpdir(),
  server: { host: "127.0.0.1", protocol: "http" },
  corsOrigins: true,
  s3: {
    key: "GOOG1EXAMPLE",
    secret: randomUUID(),
    bucket: "my-bucket",
    region: "auto",
    endpoint,
    forcePathStyle: true,
    getKey: ({ filename }) => filename,
  },
});
const server = express().use(app).listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
