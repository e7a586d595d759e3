/** Where the proxy is, and where it sends to: origins and paths in settings. */

import { SettingError } from "./setting_error.ts";
import type { UploadProxyOptions } from "./proxy_options.ts";

/** Where the proxy is: what requests begin with, and what clients see. */
export interface Location {
  /** What the paths of requests begin with; empty for nothing. */
  readonly prefix: string;
  /** What stands before the path of a session's URL in the place of the request's own origin and the prefix. */
  readonly base: string | undefined;
  readonly metricsPath: string | undefined;
}

/** Where the proxy is, by its options. */
export function locationOf(
  { publicOrigin, pathPrefix, metricsPath }: UploadProxyOptions,
): Location {
  const prefix = pathPrefix === undefined ? "" : checkPath("PATH_PREFIX", pathPrefix);
  return {
    prefix,
    base: publicOrigin === undefined ? undefined : checkBase(publicOrigin, prefix),
    metricsPath: metricsPath === undefined ? undefined : checkPath("METRICS_PATH", metricsPath),
  };
}

/** An origin with a path, or with the prefix where it has none. */
function checkBase(publicOrigin: string, prefix: string): string {
  const path = URL.canParse(publicOrigin) ? new URL(publicOrigin).pathname : "/";
  const origin = publicOrigin.endsWith(path) && path !== "/"
    ? publicOrigin.slice(0, -path.length)
    : publicOrigin;
  const checked = checkOrigin("PUBLIC_ORIGIN", origin);
  return checked + (path === "/" ? prefix : checkPath("PUBLIC_ORIGIN", path.replace(/\/$/, "")));
}

function checkPath(name: string, path: string): string {
  if (!/^(?:\/[\w.~-]+)+$/.test(path) || /\/\.{1,2}(?:\/|$)/.test(path)) {
    const example = name === "METRICS_PATH" ? "/metrics" : "/uploads";
    throw new SettingError(name, `a path such as ${example}, got something else`);
  }
  return path;
}

/** Origins as they stand in settings, where that is not Cloud Storage's. */
const EXAMPLES: Readonly<Record<string, string>> = {
  GEMINI_ENDPOINT: "generativelanguage.googleapis.com",
  PUBLIC_ORIGIN: "uploads.example",
};

/** An origin without a path, whole: no setting for one takes a wildcard. */
export function checkOrigin(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (!isOrigin || url.hostname.includes("*")) {
    const example = EXAMPLES[name] ?? "storage.googleapis.com";
    throw new SettingError(name, `an origin such as https://${example}, got something else`);
  }
  return url.origin;
}
