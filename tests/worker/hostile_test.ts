// The whole table of hostile requests, over sockets, in each runtime.

import { CASES } from "../proxy/hostile/cases.ts";
import { AttackedRuntime } from "./support/attacked.ts";
import { prepare, type Project } from "../support/example_project.ts";
import { installRuntimes, runtimes } from "../support/worker_process.ts";

let project: Promise<Project> | undefined;
Deno.test.afterAll(async () => await (await project)?.[Symbol.asyncDispose]());

for (const runtime of runtimes) {
  Deno.test({
    name:
      `${runtime}: every hostile request is answered as docs/security.md says, and leaves no secret in a log`,
    async fn(test) {
      project ??= installRuntimes().then(prepare);
      await using attacked = new AttackedRuntime(await project, runtime);
      for (const [subject, cases] of CASES) {
        for (const hostile of cases) {
          await test.step(`${subject}: ${hostile.attack}`, () => attacked.attack(hostile));
        }
      }
      await test.step("no secret is in a log", () => attacked.checkLogs());
    },
  });
}
