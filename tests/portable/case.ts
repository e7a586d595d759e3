/** What a case is told about the place it runs in. */
export interface Context {
  /** The loopback server of the suite, without a slash at the end. See server.ts for what it answers. */
  origin: string;
  /** Which runtime this is, in lower case. Unique: good as a prefix of names on the shared server. */
  runtime: string;
  /** Runs only the cases whose name contains this text. */
  only?: string;
}

/** One rule, checked in every runtime with nothing but web standards. */
export interface PortableCase {
  /** The rule. */
  name: string;
  /** A global of the web platform that only some runtimes have: the case runs in those. Chromium has every one. */
  needs?: "XMLHttpRequest" | "indexedDB";
  /** Checks it. */
  run(context: Context): void | Promise<void>;
}
