// What a run does with files, what it says of each, and with which code it ends.

import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createUploadSession, type StorageObject, upload } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { CLAIMS } from "../../src/proxy/ticket_claims.ts";
import { world } from "./support.ts";

const lines = (text: string) => text.trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("options say what the object is", async () => {
  await using cli = await world();
  await cli.write({ "a.html": "<p>" });
  const options = [
    "--cache-control",
    "no-cache",
    "--metadata",
    "k=v=w",
    "--metadata",
    "x=",
    "--metadata",
    "__proto__=p",
    "--storage-class",
    "nearline",
  ];
  assertEquals((await cli.run(["cp", ...options, "a.html", "gs://bucket/a"])).code, 0);
  const url = "http://emulator.example/storage/v1/b/bucket/o/a";
  const object: StorageObject = await (await cli.gcs.fetch(url)).json();
  const { contentType, cacheControl, storageClass, metadata } = object;
  assertEquals([contentType, cacheControl, storageClass], ["text/html", "no-cache", "NEARLINE"]);
  assertEquals(Object.entries(metadata!), [["k", "v=w"], ["x", ""], ["__proto__", "p"]]);
});

Deno.test("--json is one line for each object on standard output, and errors are JSON on the other", async () => {
  await using cli = await world();
  await cli.write({ "a": "1", "b": "22" });
  const { code, out, err } = await cli.run(["cp", "--json", "a", "missing", "b", "gs://bucket/p"]);
  assertEquals(code, 1);
  assertEquals(lines(out).map(({ source, size }) => [source, size]).sort(), [["a", 1], ["b", 2]]);
  const [failed] = lines(err);
  assertEquals([failed.source, failed.error.code, lines(err).length], ["missing", "ENOENT", 1]);
});

Deno.test("where nobody looks there is a line for each file and a summary, and no escape sequence", async () => {
  await using cli = await world();
  await cli.write({ "a": "1", "b": "22" });
  const { out, err } = await cli.run(["cp", "a", "b", "gs://bucket/p"]);
  assertEquals(out.trim().split("\n").length, 2);
  assertMatch(err, /^2 files uploaded, 3 B in \d+s\n$/);
  assert(!(out + err).includes("\x1b"));
});

Deno.test("--quiet says only what fails", async () => {
  await using cli = await world();
  await cli.write({ "a": "1" });
  const { out, err } = await cli.run(["cp", "-q", "a", "missing", "gs://bucket/p"]);
  assertEquals([out, err], ["", "missing: is not there\n"]);
});

Deno.test("--dry-run sends nothing", async () => {
  await using cli = await world();
  await cli.write({ "d/a": "1", "d/b": "2" });
  const { code, out, err } = await cli.run(["cp", "-r", "--dry-run", "d", "gs://bucket/"]);
  assertEquals([code, out.trim().split("\n").length, cli.gcs.requests.length], [0, 2, 0]);
  assertEquals(err, "2 files to upload, 2 B\n");
  const other = await cli.run(["cp", "--dry-run", "d/a", "drive:"]);
  assertEquals([other.err, cli.gcs.requests.length], ["1 file to upload, 1 B\n", 0]);
});

Deno.test("files of a folder or a glob are named as the argument names them", async () => {
  await using cli = await world();
  await cli.write({ "d/a": "1", "d/b": "2" });
  const sources = async (...args: string[]) => {
    const { out } = await cli.run(["cp", "--dry-run", "--json", ...args, "gs://bucket/"]);
    return out.trim().split("\n").map((line) => JSON.parse(line).source).sort();
  };
  assertEquals(await sources("-r", "d"), [join("d", "a"), join("d", "b")]);
  assertEquals(await sources("d/*"), [join("d", "a"), join("d", "b")]);
  const folder = await Deno.realPath(cli.folder);
  assertEquals(await sources("-r", folder), [join(folder, "d", "a"), join(folder, "d", "b")]);
});

Deno.test("a folder without -r is one failure, and the others are uploaded", async () => {
  await using cli = await world();
  await cli.write({ "d/a": "1", "b": "2" });
  const { code, err } = await cli.run(["cp", "d", "b", "gs://bucket/"]);
  assertEquals([code, cli.names()], [1, ["bucket/b"]]);
  assertMatch(err, /d: is a folder: -r/);
});

Deno.test("what exists is skipped with -n, and a conflict with a precondition: exit code 4", async () => {
  await using cli = await world();
  await cli.write({ "a": "1" });
  await cli.run(["cp", "a", "gs://bucket/a"]);
  const skipped = await cli.run(["cp", "-n", "a", "gs://bucket/a"]);
  assertEquals([skipped.code, skipped.out], [0, "skipped (exists) a -> gs://bucket/a\n"]);
  assertEquals((await cli.run(["cp", "--if-generation-match", "0", "a", "gs://bucket/a"])).code, 4);
});

Deno.test("a refusal ends the run at once with exit code 3, and with -c every file is tried", async () => {
  for (const [option, requests] of [[[], 1], [["-c"], 3]] as const) {
    await using cli = await world(new GcsEmulator({ authorize: () => false }));
    await cli.write({ "d/a": "1", "d/b": "2", "d/c": "3" });
    const args = ["cp", "-r", "--concurrency", "1", ...option, "d", "gs://bucket/"];
    const { code, err } = await cli.run(args);
    assertEquals([code, cli.gcs.requests.length], [3, requests], err);
  }
});

Deno.test("a token that is not valid and a bucket that is not there end the run; what is wrong with one file does not", async () => {
  const cases: [fault: Parameters<GcsEmulator["inject"]>[0], code: number][] = [
    [{ status: 401, times: Infinity }, 3],
    [{ status: 404, times: Infinity }, 1],
    [{ status: 400, times: Infinity }, 1],
  ];
  for (const [fault, code] of cases) {
    await using cli = await world();
    cli.gcs.inject(fault);
    await cli.write({ "d/a": "1", "d/b": "2", "d/c": "3" });
    const ended = await cli.run(["cp", "-r", "--concurrency", "1", "d", "gs://bucket/"]);
    const requests = fault.status === 400 ? 3 : 1; // a 400 is about that file
    assertEquals([ended.code, cli.gcs.requests.length], [code, requests], ended.err);
  }
});

Deno.test("where files go one by one, to Drive say, a file that cannot be read is one failure, and a refusal ends the run", async () => {
  for (const [status, uploaded] of [[undefined, 2], [403, 0]] as const) {
    await using cli = await world();
    await cli.write({ a: "1", b: "22" });
    if (status !== undefined) cli.gcs.inject({ status, times: Infinity });
    const args = ["cp", "a", "missing", "b", "drive:", "--endpoint", "http://127.0.0.1:1"];
    const { code, err } = await cli.run(args);
    assertEquals([code, cli.gcs.uploads.length], [status === undefined ? 1 : 3, uploaded], err);
    if (status !== undefined) assertEquals(cli.gcs.requests.length, 1);
  }
});

Deno.test("without credentials it ends with exit code 3, says what helps, and nothing is sent", async () => {
  await using cli = await world();
  await cli.write({ a: "1" });
  Object.assign(cli.env, {
    STORAGE_EMULATOR_HOST: undefined,
    CLOUDSDK_CONFIG: "/nowhere",
    METADATA_SERVER_DETECTION: "none",
  });
  const { code, err } = await cli.run(["cp", "a", "gs://bucket/"]);
  assertEquals([code, cli.gcs.requests.length], [3, 0]);
  assertMatch(err, /gcloud auth application-default login/);
});

Deno.test("a token out of the variable goes to Google, and is in nothing that is written", async () => {
  const authorize = (request: Request) =>
    request.headers.get("authorization") === "Bearer ya29.secret";
  await using cli = await world(new GcsEmulator({ authorize }));
  await cli.write({ a: "1" });
  Object.assign(cli.env, {
    STORAGE_EMULATOR_HOST: undefined,
    CLOUDSDK_AUTH_ACCESS_TOKEN: "ya29.secret",
  });
  const { code, out, err } = await cli.run(["cp", "a", "gs://bucket/"]);
  assertEquals(code, 0, err);
  assert(!(out + err).includes("ya29"));
});

Deno.test("a token goes to the origin of --endpoint, too, and not to an emulator on this machine", async () => {
  for (
    const [endpoint, expected] of [
      ["https://private.example", "Bearer ya29.secret"],
      ["http://localhost:1", null],
    ] as const
  ) {
    const told: (string | null)[] = [];
    const authorize = (request: Request) => {
      told.push(request.headers.get("authorization"));
      return true;
    };
    await using cli = await world(new GcsEmulator({ authorize }));
    await cli.write({ a: "1" });
    cli.env.CLOUDSDK_AUTH_ACCESS_TOKEN = "ya29.secret";
    const { code, err } = await cli.run(["cp", "a", "gs://bucket/", "--endpoint", endpoint]);
    assertEquals([code, told], [0, [expected]], err);
  }
});

Deno.test("a session that was handed over takes one file, and its URL is in nothing that is written", async () => {
  await using cli = await world();
  const { url } = await createUploadSession({
    bucket: "bucket",
    name: "s",
    transport: cli.gcs.fetch,
  });
  await cli.write({ a: "12345", "url.txt": `${url}\n` });
  cli.env.SESSION = url;
  const { code, out, err } = await cli.run(["cp", "a", "--session", "@url.txt"]);
  assertEquals([code, cli.gcs.get("bucket", "s")?.size], [0, 5], err);
  const again = await cli.run(["cp", "a", "--session", "env:SESSION"]);
  const id = new URL(url).searchParams.get("upload_id")!;
  assert(![out, err, again.out, again.err].some((text) => text.includes(id)));
});

Deno.test("Drive, Gemini and YouTube take files, with the credentials of the environment", async () => {
  await using cli = await world();
  await cli.write({ "film.mp4": "1234" });
  cli.env.GEMINI_API_KEY = "AIza-secret";
  for (const target of ["drive:FOLDER", "gemini:", "youtube:"]) {
    const args = ["cp", "film.mp4", target, "--endpoint", "http://127.0.0.1:1"];
    const { code, out, err } = await cli.run(args);
    assertEquals([code, (out + err).includes("secret")], [0, false], err);
  }
  assertEquals(cli.gcs.uploads.map(({ size }) => size), [4, 4, 4]);
});

Deno.test("a manifest says what was done, and the next run goes by it", async () => {
  await using cli = await world();
  await cli.write({ "d/a": "1", "d/b": "2" });
  const args = ["cp", "-r", "d", "gs://bucket/", "--manifest", "m.jsonl"];
  assertEquals((await cli.run(args)).code, 0);
  assertEquals(lines(await Deno.readTextFile(`${cli.folder}/m.jsonl`)).length, 2);
  const again = await cli.run(args);
  assertEquals([again.code, cli.gcs.requests.length], [0, 2]);
  assertMatch(again.err, /2 skipped/);
});

Deno.test("a port that is in use is a wrong call, which names the option of that port", async () => {
  await using cli = await world();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String((taken.addr as Deno.NetAddr).port);
  for (const args of [["--port", port], ["--port", "0", "--proxy", "--proxy-port", port]]) {
    const { code, err } = await cli.run(["emulator", ...args]);
    assertEquals(code, 2);
    assertMatch(err, new RegExp(`^${args.at(-2)}: expected a free one, got ${port}`));
  }
});

Deno.test("a ticket that the command signs uploads through a proxy that the command serves", async () => {
  await using cli = await world();
  await cli.write({ a: "1" });
  cli.env.TICKET_SECRET = crypto.randomUUID() + crypto.randomUUID();
  let stop = () => {};
  const serving = cli.run(["emulator", "--port", "0", "--proxy", "--json"], {
    onStart: (send) => stop = () => send("SIGINT"),
    onOut: (text) => told.resolve(JSON.parse(text)),
  });
  const told = Promise.withResolvers<Record<string, string>>();
  void serving.then(({ err }) => told.reject(new Error(err)));
  const { emulator, proxy } = await told.promise;
  assertMatch(emulator, /^http:\/\/127\.0\.0\.1:\d+$/);
  const ticket = await cli.run(["ticket", "--subject", "me", "--prefix", "p/"]);
  cli.env.TICKET = ticket.out;
  const upload = async (name: string) => {
    const args = [
      "cp",
      "a",
      `gs://my-bucket/${name}`,
      "--endpoint",
      proxy,
      "--ticket",
      "env:TICKET",
    ];
    return await cli.run(args, { fetch });
  };
  const codes = [
    (await upload("p/a")).code,
    (await upload("p/a")).code,
    (await upload("q/a")).code,
  ];
  stop();
  assertEquals([...codes, (await serving).code], [0, 4, 3, 0]);
});

Deno.test("each claim that a ticket can have is an option of the command", async () => {
  await using cli = await world();
  cli.env.TICKET_SECRET = crypto.randomUUID();
  const common = ["ticket", "--subject", "me", "--backend", "gemini"];
  const signed = await Array.fromAsync([
    [...common, "--name", "a", "--bucket", "other", "--overwrite", "--require-checksum"],
    [...common, "--prefix", "p/", "--max-bytes", "9", "--min-bytes", "1", "--session-ttl", "60"],
    [...common, "--prefix", "p/", "--content-type", "image/*", "--field", "metadata"],
    [...common, "--prefix", "p/", "--metadata", '{"metadata":{"a":"b"}}', "--payload", "{}"],
  ], (args) => cli.run(args));
  assertEquals(signed.map(({ code, err }) => [code, err]), signed.map(() => [0, ""]));
  const claims = signed.flatMap(({ out }) =>
    Object.keys(JSON.parse(atob(out.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))))
  );
  assertEquals(Object.keys(CLAIMS).filter((claim) => !claims.includes(claim)), []);
});

Deno.test("a page on localhost gets a ticket of the command, and uploads with it; no other page does", async () => {
  await using cli = await world();
  let stop = () => {};
  const told = Promise.withResolvers<Record<string, string>>();
  const serving = cli.run(["emulator", "--port", "0", "--proxy", "--json"], {
    onStart: (send) => stop = () => send("SIGINT"),
    onOut: (text) => told.resolve(JSON.parse(text)),
  });
  void serving.then(({ err }) => told.reject(new Error(err)));
  const { proxy } = await told.promise;
  const ask = async (origin: string, body: string, method = "POST") => {
    const headers = { origin };
    const given = method === "POST" ? { body } : {};
    const response = await fetch(`${proxy}/ticket`, { method, headers, ...given });
    const allowed = response.headers.get("access-control-allow-origin");
    return { status: response.status, allowed, text: await response.text() };
  };
  const page = "http://localhost:5174"; // the port that Vite takes when 5173 is taken
  const { status, allowed, text } = await ask(page, '{"name":"a b.txt"}');
  assertEquals([status, allowed], [200, page]);
  const { ticket, bucket, name } = JSON.parse(text);
  assertMatch(name, /^users\/me\/[0-9a-f-]{36}\/a b\.txt$/);
  const headers = { authorization: `Bearer ${ticket}` };
  const object = await upload("hello", { endpoint: proxy, bucket, name, headers });
  assertEquals([object.name, object.size], [name, "5"]);
  const foreign = await ask("https://evil.example", '{"name":"a"}');
  assertEquals([foreign.status, foreign.allowed], [403, null]);
  assertMatch(foreign.text, /evil\.example .*--allow-origin/);
  assertEquals((await ask(page, "{}")).status, 400);
  assertEquals((await ask(page, "no JSON")).status, 400);
  assertEquals((await ask(page, "", "OPTIONS")).status, 204);
  assertEquals((await ask(page, "", "GET")).status, 405);
  await ask("https://evil.example", "{}"); // said once
  stop();
  const { code, err } = await serving;
  assertEquals(code, 0);
  assertEquals(
    err.split("\n").filter(Boolean),
    [
      `stored ${name}, 5 B`,
      "refused a page of https://evil.example: start with --allow-origin https://evil.example",
    ],
  );
});
