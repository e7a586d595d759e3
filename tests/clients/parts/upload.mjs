// One upload in parts of 5 MiB by a client of somebody else, in Node: `node upload.mjs '{"client": …}'` says "done", or what
// is wrong.

import { createReadStream, readFileSync } from "node:fs";
import process from "node:process";
import { AbortMultipartUploadCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { Storage, TransferManager } from "@google-cloud/storage";
import { AwsClient } from "aws4fetch";
import { PassThroughClient } from "google-auth-library";
import * as Minio from "minio";

const { client, origin, bucket, name, file } = JSON.parse(process.argv[2]);
const PART = 5 * 1024 * 1024;
const KEYS = { accessKeyId: "GOOG1EXAMPLE", secretAccessKey: "a secret" };

/** The client names the bucket in the host, without a port: it is led to the emulator. */
async function google(validation) {
  const authClient = new PassThroughClient();
  authClient.transporter.interceptors.request.add({
    resolved: (config) => {
      const { hostname, pathname, search } = new URL(config.url);
      const { port } = new URL(origin);
      config.url = new URL(
        `http://127.0.0.1:${port}/${hostname.split(".")[0]}${pathname}${search}`,
      );
      return Promise.resolve(config);
    },
  });
  const storage = new Storage({
    apiEndpoint: origin.replace("127.0.0.1", "localhost"),
    authClient,
    projectId: "any",
    retryOptions: { maxRetryDelay: 1 },
  });
  const response = await new TransferManager(storage.bucket(bucket)).uploadFileInChunks(file, {
    uploadName: name,
    chunkSizeBytes: PART,
    concurrencyLimit: 3,
    headers: { "content-type": "image/png", "x-goog-meta-by": "me" },
    ...(validation && { validation }),
  });
  // It resolves with nothing where it has given up.
  if (response?.status !== 200) throw new Error(`resolved with ${response?.status}`);
}

function s3() {
  return new S3Client({
    endpoint: origin,
    region: "auto",
    forcePathStyle: true,
    credentials: KEYS,
    // Google does not know the checksums that the client sends by itself.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}

async function awsSdk() {
  const Body = createReadStream(file);
  const params = {
    Bucket: bucket,
    Key: name,
    Body,
    ContentType: "image/png",
    Metadata: { by: "me" },
  };
  await new Upload({ client: s3(), params, partSize: PART, queueSize: 3 }).done();
}

async function minio() {
  const { hostname, port } = new URL(origin);
  const connection = { endPoint: hostname, port: Number(port), useSSL: false, region: "auto" };
  const keys = { accessKey: KEYS.accessKeyId, secretKey: KEYS.secretAccessKey };
  const metadata = { "Content-Type": "image/png", "X-Amz-Meta-by": "me" };
  const client = new Minio.Client({ ...connection, ...keys, partSize: PART });
  await client.putObject(bucket, name, createReadStream(file), undefined, metadata);
}

/** Every step by itself, with the list of parts as the list of what to complete; another upload is aborted. */
async function aws4fetch() {
  const aws = new AwsClient({ ...KEYS, service: "s3", region: "auto" });
  const url = `${origin}/${bucket}/${encodeURIComponent(name)}`;
  const headers = { "content-type": "image/png", "x-amz-meta-by": "me" };
  const send = async (query, init) => {
    const response = await aws.fetch(`${url}?${query}`, init);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response.text();
  };
  const start = async () => {
    const text = await send("uploads", { method: "POST", headers });
    return /<UploadId>(.*)<\/UploadId>/.exec(text)[1];
  };
  const id = await start();
  const bytes = readFileSync(file);
  for (let at = 0, number = 1; at < bytes.length; at += PART, number++) {
    const body = bytes.subarray(at, at + PART);
    await send(`partNumber=${number}&uploadId=${id}`, { method: "PUT", body });
  }
  const listed = await send(`uploadId=${id}`);
  const parts = [...listed.matchAll(/<PartNumber>(\d+)<[^]*?<ETag>(.*?)<\/ETag>/g)].map(
    ([, number, tag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${tag}</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  await send(`uploadId=${id}`, { method: "POST", body });
  const UploadId = await start();
  await s3().send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: name, UploadId }));
}

const clients = {
  "google": () => google(),
  "google, md5": () => google("md5"),
  "google, crc32c": () => google("crc32c"),
  "aws-sdk": awsSdk,
  "minio": minio,
  "aws4fetch": aws4fetch,
};
try {
  await clients[client]();
  console.log("done");
} catch (error) {
  console.log(`${error.name}: ${error.message}`);
}
