/** The version of the package, as `--version` says it. A test compares it with deno.json, which npm does not have. */
export const VERSION = "0.1.0";
