// Hostile requests with query parameters.

import { ask } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

const start = (query: string) => (target: Target): Promise<Response> =>
  ask(target, `?uploadType=resumable&${query}`);

const refused: readonly [attack: string, query: string][] = [
  ["`name` twice", "name=a&name=b"],
  ["`name` twice, once as `%6eame`", "name=a&%6eame=b"],
  ["`uploadType` twice", "name=a&uploadType=media"],
  ["`ifGenerationMatch` twice", "name=a&ifGenerationMatch=0&ifGenerationMatch=7"],
  ["`ifgenerationmatch=7`", "name=a&ifgenerationmatch=7"],
  ["`predefinedAcl=publicRead`", "name=a&predefinedAcl=publicRead"],
  ["`kmsKeyName`", "name=a&kmsKeyName=projects/p/locations/l/keyRings/r/cryptoKeys/k"],
  ["`userProject`, another account to bill", "name=a&userProject=other"],
  ["`key`", "name=a&key=AIza"],
  ["`quotaUser`", "name=a&quotaUser=other"],
  ["`X-Goog-Signature`", "name=a&X-Goog-Signature=00"],
  ["an unknown parameter", "name=a&%0d%0a%1b[31m=1"],
  ["a precondition that is no number", "name=a&ifMetagenerationMatch=x"],
  ["a parameter of 1025 characters", `name=a&fields=${"a".repeat(1025)}`],
  ["a parameter that is longest when encoded", `name=a&fields=${"%E2%82%AC".repeat(1024)}`],
];

const badNames: readonly [attack: string, name: string][] = [
  ["`..` as a name", ".."],
  ["CR LF in a name", "a%0d%0ab"],
  ["a name of 1025 bytes", "a".repeat(1025)],
  ["a name that proves the control of a domain", ".well-known/acme-challenge/x"],
];

const types = ["constructor", "__proto__", "RESUMABLE", ""];

/** Query parameters. */
export const parameters: readonly Hostile[] = [
  ...refused.map(([attack, query]) => ({
    attack,
    answer: "400 invalidParameter",
    run: start(query),
  })),
  ...types.map((type) => ({
    attack: type === "" ? "no `uploadType`" : `\`uploadType=${type}\``,
    answer: "400 invalidParameter",
    run: (target: Target) => ask(target, `?uploadType=${type}&name=a`),
  })),
  ...badNames.map(([attack, name]) => ({
    attack,
    answer: "400 invalid",
    run: start(`name=${name}`),
  })),
  {
    attack: "no name at all",
    answer: "400 required",
    run: start("fields=name"),
  },
  {
    attack: "`upload_id` with another `name`, `ifGenerationMatch`, `predefinedAcl`",
    answer: "200",
    google: "start, chunk",
    stored: "a (1)",
    run: async (target) => {
      const more = "&name=b&ifGenerationMatch=7&predefinedAcl=publicRead";
      return await ask(target, await started(target) + more, { method: "PUT", body: "x" });
    },
  },
  {
    attack: "`upload_id` on the path of another bucket",
    answer: "200",
    google: "start, chunk",
    stored: "a (1)",
    run: async (target) => {
      const url = (await started(target)).replace("my-bucket", "other-bucket");
      return await ask(target, url, { method: "PUT", body: "x" });
    },
  },
  {
    attack: "`upload_id` twice, first one that is none",
    answer: "404 notFound",
    google: "start",
    run: async (target) => {
      const url = (await started(target)).replace("upload_id=", "upload_id=x&upload_id=");
      return await ask(target, url, { method: "PUT", body: "x" });
    },
  },
];
