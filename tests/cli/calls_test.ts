// What a call must look like, what is said of one that cannot be meant, and what each ends with.

import { assert, assertEquals, assertMatch } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { COMMANDS, helpOf } from "../../src/cli/help.ts";
import { VERSION } from "../../src/cli/version.ts";
import { world } from "./support.ts";

const wrong: Record<string, [args: string[], said: RegExp]> = {
  "no command": [[], /^$/],
  "an unknown command": [["copy"], /copy is not a command; did you mean cp\?/],
  "a misspelt option": [["cp", "--recursve", "a", "gs://bucket/b"], /did you mean --recursive\?/],
  "an option that nothing is near": [
    ["cp", "--frobnicate", "a", "gs://bucket/b"],
    /not an option\n/,
  ],
  "an option without its value": [
    ["cp", "a", "gs://bucket/b", "--concurrency"],
    /expected a value/,
  ],
  "an option in the place of a value": [
    ["cp", "--endpoint", "-r", "a", "gs://bucket/b"],
    /got an option/,
  ],
  "a switch with a value": [
    ["cp", "--json=yes", "a", "gs://bucket/b"],
    /--json: expected no value/,
  ],
  "no destination": [["cp", "a"], /expected SOURCE… DEST/],
  "a destination of another kind": [["cp", "a", "s3://bucket/b"], /expected gs:\/\/BUCKET/],
  "a bucket that is none": [["cp", "a", "gs://B/b"], /name of a bucket/],
  "a number that is none": [
    ["cp", "--concurrency", "0", "a", "gs://bucket/b"],
    /from 1 to 1024, got 0/,
  ],
  "a media type that is none": [
    ["cp", "--content-type", "png", "a", "gs://bucket/b"],
    /image\/png/,
  ],
  "metadata without a key": [["cp", "--metadata", "x", "a", "gs://bucket/b"], /KEY=VALUE/],
  "a generation that is none": [
    ["cp", "--if-generation-match", "x", "a", "gs://bucket/b"],
    /a number/,
  ],
  "two things of standard input": [["cp", "-", "-", "gs://bucket/b"], /one thing only/],
  "standard input into a prefix": [
    ["cp", "-", "gs://bucket/p/"],
    /expected the name of the object/,
  ],
  "an option for buckets elsewhere": [["cp", "-n", "a", "drive:"], /--no-clobber is only for/],
  "a checksum that Cloud Storage does not report": [
    ["cp", "--checksum", "sha256", "a", "gs://bucket/b"],
    /--checksum: expected auto, crc32c, md5, none, got sha256/,
  ],
  "a checksum that YouTube does not report": [
    ["cp", "--checksum", "crc32c", "a", "youtube:"],
    /--checksum: expected auto, none, got crc32c/,
  ],
  "a title that nobody reads": [
    ["cp", "--title", "x", "a", "drive:"],
    /--title is only for youtube:/,
  ],
  "a ticket without a proxy": [
    ["cp", "--ticket", "x", "a", "gs://bucket/b"],
    /expected --endpoint/,
  ],
  "a session and a destination": [["cp", "--session", "x", "a", "gs://bucket/b"], /no DEST/],
  "a session that is no URL": [
    ["cp", "--session", "secret-text", "a"],
    /expected the URL of a session/,
  ],
  "an endpoint that is none": [
    ["cp", "--endpoint", "ftp://x", "a", "gs://bucket/b"],
    /--endpoint: expected/,
  ],
  "a secret among the arguments": [
    ["ticket", "--secret", "0123", "--subject", "me"],
    /others can see arguments/,
  ],
  "a ticket for nothing": [
    ["ticket", "--secret", "env:SECRET", "--subject", "me"],
    /name or prefix/,
  ],
  "the URL of a session in the place of a destination": [
    ["cp", "a", "https://storage.googleapis.com/upload/storage/v1/b/b/o?upload_id=SECRET"],
    /got https:\/\/storage\.googleapis\.com…\n/,
  ],
  "a token in the place of a destination": [
    ["cp", "a", "gs://bucket/b", `${"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"}.SECRET`],
    /expected gs:\/\/BUCKET/,
  ],
  "the URL of a session in the place of a source": [
    ["cp", "https://storage.googleapis.com/x?upload_id=SECRET", "gs://bucket/b"],
    /SOURCE: expected a file, got https:\/\/storage\.googleapis\.com… .*--session/,
  ],
  "the URL of a session to cancel": [
    ["sessions", "cancel", "https://storage.googleapis.com/x?upload_id=SECRET"],
    /ID: expected one that/,
  ],
  "the URL of a session as a command": [
    ["https://storage.googleapis.com/x?upload_id=SECRET"],
    /is not a command/,
  ],
  "a session to forget that is not there": [
    ["sessions", "forget", "abc"],
    /ID: expected one that/,
  ],
  "sessions to forget that are not named": [
    ["sessions", "forget"],
    /forget: expected ID, or --all/,
  ],
  "something else to do with sessions": [
    ["sessions", "forgte", "abc"],
    /expected nothing, cancel or forget, got forgte; did you mean forget\?/,
  ],
  "a manifest of a session": [
    ["cp", "--session", "https://storage.googleapis.com/x", "--manifest", "m", "a"],
    /--manifest is only for uploads with a DEST/,
  ],
  "what moves the cursor": [["cp", "a", "\x1b[2Jgs:b"], /got \\x1b\[2Jgs:b\n/],
  "a session to cancel that is not there": [
    ["sessions", "cancel", "abc"],
    /ID: expected one that/,
  ],
};

for (const [what, [args, said]] of Object.entries(wrong)) {
  Deno.test(`${what} is a wrong call: exit code 2, and nothing is sent`, async () => {
    await using cli = await world();
    const secret = crypto.randomUUID() + crypto.randomUUID();
    cli.env.SECRET = secret;
    await cli.write({ a: "a" });
    const { code, err } = await cli.run(args);
    assertEquals(code, 2, err);
    assertMatch(err, said);
    assert(!/secret-text|\bSECRET\b/.test(err) && !err.includes(secret), err);
    assertEquals(cli.gcs.requests.length, 0);
  });
}

for (const command of COMMANDS) {
  Deno.test(`the help of ${command} fits a terminal of 24 lines and 80 columns`, async () => {
    await using cli = await world();
    const { code, out } = await cli.run(command === "help" ? ["--help"] : [command, "--help"]);
    assertEquals([code, out], [0, helpOf(command)]);
    const lines = out.trimEnd().split("\n");
    assert(lines.length <= 23, `${lines.length} lines`);
    assertEquals(lines.filter((line) => line.length > 80), []);
  });
}

Deno.test("help shows the three commonest calls first", async () => {
  await using cli = await world();
  const lines = (await cli.run(["help"])).out.split("\n");
  assertEquals(lines.slice(2, 5).map((line) => / cp /.test(line)), [true, true, true]);
});

Deno.test("the version is that of the package", async () => {
  await using cli = await world();
  assertEquals(VERSION, manifest.version);
  assertEquals((await cli.run(["--version"])).out, `${manifest.version}\n`);
});
