// Uploads in parts by clients of other people against the emulator: Google's for Node and Python, and S3's with HMAC keys.

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { difference } from "../e2e/support.ts";
import { debianProgram, has, type Installed, pythonWith, runProgram } from "../support/programs.ts";

const PARTS = fileURLToPath(new URL("parts", import.meta.url));
const BUCKET = "my-bucket";
const NAME = "dir/a file ü.bin";
/** Three parts of 5 MiB and some bytes. */
const DATA = Uint8Array.from(
  { length: 15_728_643 + 1000 },
  (_, i) => i * 7 + (i >> 8) * 3 + (i >> 20),
);

/** Something that uploads a file and says "done". */
interface Client {
  readonly name: string;
  /** The requests of an upload without faults, in their order; parts and what is not about the upload left out. */
  readonly requests: string;
  /** Whether it sends the type and the metadata that it is asked to. */
  readonly describes: boolean;
  /** What goes wrong on the way, once each, and is repeated by the client. */
  readonly faults: readonly Fault[];
  upload(origin: string, file: string): Promise<string>;
}

const left: string[] = [];

/** The clients of a program, if it can be had. */
function clientsOf(installed: Installed, clients: (path: string) => Client[]): Client[] {
  if ("path" in installed) return clients(installed.path);
  left.push(installed.reason);
  return [];
}

const USUAL = "initiate, complete";
const BUSY: readonly Fault[] = [
  { on: "initiate", status: 503 },
  { on: "part", skip: 1, status: 503, reason: "SlowDown" },
  { on: "complete", status: 503 },
];
const BUSY_AND_LOST: readonly Fault[] = [...BUSY, { on: "part", skip: 1, drop: "after" }];

async function nodeClients(): Promise<Client[]> {
  if (!has("node")) return clientsOf({ reason: "node" }, () => []);
  try {
    await runProgram(Deno.execPath(), ["install", "--quiet"], { cwd: PARTS });
  } catch (error) {
    return clientsOf({ reason: `packages from npm: ${error}` }, () => []);
  }
  const of = (client: string, requests = USUAL, faults = BUSY_AND_LOST): Client => ({
    name: `Node, ${client}`,
    requests,
    describes: true,
    faults,
    async upload(origin, file) {
      const job = { client, origin, bucket: BUCKET, name: NAME, file };
      const text = await runProgram("node", [`${PARTS}/upload.mjs`, JSON.stringify(job)]);
      return text.trim();
    },
  });
  return [
    of("google"),
    of("google, md5"),
    of("google, crc32c"),
    of("aws-sdk"),
    of("minio", "list uploads, initiate, complete", BUSY),
    of("aws4fetch", "initiate, list parts, complete, initiate, abort", BUSY),
  ];
}

function pythonClients(path: string): Client[] {
  return [["google", USUAL], ["boto3", `${USUAL}, list uploads`]].map(([client, requests]) => ({
    name: `Python, ${client}`,
    requests,
    describes: true,
    faults: BUSY_AND_LOST,
    async upload(origin, file) {
      const args = [`${PARTS}/upload.py`, client, origin, BUCKET, NAME, file];
      return (await runProgram(path, args)).trim();
    },
  }));
}

function rclone(path: string): Client[] {
  return [{
    name: "rclone",
    requests: USUAL,
    describes: false,
    faults: BUSY_AND_LOST,
    async upload(origin, file) {
      const keys = "access_key_id=GOOG1EXAMPLE,secret_access_key=secret";
      const to = `:s3,provider=Other,endpoint='${origin}',${keys}:${BUCKET}/${NAME}`;
      const flags = ["--s3-chunk-size=5M", "--s3-upload-cutoff=5M", "--s3-no-check-bucket"];
      // A bundle of certificates is more than this program can have.
      const env = { AWS_CA_BUNDLE: "", RCLONE_CONFIG: "" };
      await runProgram(path, ["copyto", file, to, ...flags], { env });
      return "done";
    },
  }];
}

const clients = [
  ...await nodeClients(),
  ...clientsOf(
    await pythonWith(
      "python-parts",
      "boto3, google.cloud.storage",
      "google-cloud-storage==3.17.1",
      "boto3==1.44.8",
    ),
    pythonClients,
  ),
  ...clientsOf(await debianProgram("rclone"), rclone),
];
for (const reason of left) console.log(`not run, for want of ${reason}`);

for (const client of clients) {
  for (const faults of [[], client.faults]) {
    const lost = faults === BUSY_AND_LOST ? " and a lost reply" : "";
    const how = faults.length === 0 ? "" : `, in spite of 503${lost}`;
    Deno.test(`${client.name}: every byte arrives in parts${how}`, async () => {
      const gcs = new GcsEmulator();
      const server = await serveEmulator(gcs);
      const file = await Deno.makeTempFile();
      try {
        await Deno.writeFile(file, DATA);
        gcs.inject(...faults);
        assertEquals(await client.upload(server.origin, file), "done");
      } finally {
        await server.close();
        await Deno.remove(file);
      }
      const object = gcs.get(BUCKET, NAME);
      assertEquals(difference(object?.bytes ?? new Uint8Array(), DATA), -1, "the first difference");
      assertEquals(object?.md5Hash, undefined);
      if (client.describes) {
        assertEquals([object?.contentType, object?.metadata.by], ["image/png", "me"]);
      }
      assertEquals(gcs.multipartUploads.filter(({ phase }) => phase === "open"), []);
      const taken = gcs.requests.filter(({ fault }) => fault === null).map(({ kind }) => kind);
      const others = taken.filter((kind) => kind !== "part" && kind !== "get" && kind !== "other");
      if (faults.length === 0) assertEquals(others.join(", "), client.requests);
      // Some clients make parts larger than they are asked to.
      assertEquals(taken.filter((kind) => kind === "part").length >= 3, true);
    });
  }
}
