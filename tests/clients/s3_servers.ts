// Servers of other people that speak S3 and know multipart uploads, installed on demand and started on loopback.

import { fileURLToPath } from "node:url";
import { HOME, type Installed, pythonWith, runProgram } from "../support/programs.ts";

const FOLDER = fileURLToPath(new URL("s3", import.meta.url));

/** A server that runs. */
export interface S3Server {
  /** Where it is, without a path; buckets are in the path. */
  readonly url: string;
  /** A bucket that exists. */
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

/** A server that can be started. */
export interface S3Program {
  readonly name: string;
  start(): Promise<S3Server>;
}

const BUCKET = "my-bucket";
const BUILD = `${HOME}/gofakes3`;

/** Those that can be had here, and why the others cannot. */
export async function s3Servers(): Promise<{ programs: S3Program[]; reasons: string[] }> {
  const found = [
    ["gofakes3", await gofakes3(), (path: string) => [path, BUCKET]],
    ["moto", await moto(), (path: string) => [path, `${FOLDER}/moto_server.py`, BUCKET]],
    ["s3rver", await s3rver(), (path: string) => [path, `${FOLDER}/s3rver.mjs`, BUCKET]],
  ] as const;
  const programs: S3Program[] = [];
  const reasons: string[] = [];
  for (const [name, installed, command] of found) {
    if ("reason" in installed) reasons.push(installed.reason);
    else programs.push({ name, start: () => started(name, command(installed.path)) });
  }
  return { programs, reasons };
}

/** The program of ten lines in s3/gofakes3.go, built. */
async function gofakes3(): Promise<Installed> {
  const path = `${BUILD}/gofakes3`;
  try {
    if (await Deno.stat(path).then(() => true, () => false)) return { path };
    await Deno.mkdir(BUILD, { recursive: true });
    await Deno.writeTextFile(`${BUILD}/go.mod`, "module gofakes3\n\ngo 1.22\n");
    await Deno.copyFile(`${FOLDER}/gofakes3.go`, `${BUILD}/main.go`);
    const options = { cwd: BUILD };
    await runProgram("go", ["get", "github.com/johannesboyne/gofakes3@v1.2.0"], options);
    await runProgram("go", ["mod", "tidy"], options);
    await runProgram("go", ["build", "-o", path, "."], options);
    return { path };
  } catch (error) {
    return { reason: `gofakes3: ${error}` };
  }
}

function moto(): Promise<Installed> {
  return pythonWith("python-moto", "moto.server, boto3", "moto[server]==5.2.5");
}

async function s3rver(): Promise<Installed> {
  try {
    await installPackages();
    await runProgram("node", ["--version"]);
    return { path: "node" };
  } catch (error) {
    return { reason: `s3rver: ${error}` };
  }
}

/** Installs what s3/deno.json names. */
export async function installPackages(): Promise<void> {
  await runProgram(Deno.execPath(), ["install", "--quiet"], { cwd: FOLDER });
}

/** Starts a program that prints its address. */
async function started(name: string, [program, ...args]: readonly string[]): Promise<S3Server> {
  const directory = await Deno.makeTempDir();
  const child = new Deno.Command(program, {
    args: [...args, directory],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const stop = async () => {
    if (child.pid !== undefined) child.kill("SIGKILL");
    await child.status;
    await lines.cancel().catch(() => {});
    await Deno.remove(directory, { recursive: true });
  };
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const piece of lines.values({ preventCancel: true })) {
    text += piece;
    const url = /^http:\/\/127\.0\.0\.1:\d+$/m.exec(text)?.[0];
    if (url === undefined) continue;
    const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
    return { url, bucket: BUCKET, credentials, stop };
  }
  await stop();
  throw new Error(`${name} did not start`);
}
