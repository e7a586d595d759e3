// What the server of the page takes from its command line, and what it refuses in words.

import { assertEquals } from "@std/assert";
import { readArguments } from "../../examples/page/arguments.ts";

Deno.test("the port is 8000, or the one that is given", () => {
  const host = "127.0.0.1";
  assertEquals(readArguments([]), { kind: "serve", port: 8000, host });
  assertEquals(readArguments(["--port", "0"]), { kind: "serve", port: 0, host });
  assertEquals(readArguments(["--port=65535"]), { kind: "serve", port: 65_535, host });
  const open = { kind: "serve", port: 1, host: "0.0.0.0" } as const;
  assertEquals(readArguments(["--host", "0.0.0.0", "--port=1"]), open);
  assertEquals(readArguments(["--help"]), { kind: "help" });
});

Deno.test("wrong arguments are told apart", () => {
  const wrong: [args: string[], problem: string][] = [
    [["--prot", "1"], "unknown argument --prot"],
    [["8000"], "unknown argument 8000"],
    [["--port"], "--port: expected a number from 0 to 65535, got nothing"],
    [["--port", "80a"], '--port: expected a number from 0 to 65535, got "80a"'],
    [["--port=70000"], '--port: expected a number from 0 to 65535, got "70000"'],
    [["--host"], "--host: expected an address, got nothing"],
    [["--port="], '--port: expected a number from 0 to 65535, got ""'],
  ];
  for (const [args, problem] of wrong) {
    assertEquals(readArguments(args), { kind: "wrong", problem });
  }
});
