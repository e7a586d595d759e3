/** Origins of pages and apps, as browsers send them. */

import { SettingError } from "./setting_error.ts";

/** A scheme and a host, of a page or of an app: `https://app.example`, `capacitor://localhost`, `chrome-extension://…`. */
const EXACT = /^[a-z][a-z0-9+.-]*:\/\/(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** One label that may be anything, below a domain of two labels or more. */
const WILDCARD = /^(https:\/\/)\*((?:\.[a-z0-9-]+){2,}(?::\d{1,5})?)$/;

/** Checks the origins that are allowed: exact ones, or all those one label below a domain. */
export function checkOrigins(origins: readonly string[]): readonly string[] {
  for (const origin of origins) {
    const isWeb = /^https?:/.test(origin);
    const isExact = EXACT.test(origin) && !/^(?:file|data|blob|about):/.test(origin) &&
      (!isWeb || (URL.canParse(origin) && new URL(origin).origin === origin));
    if (!isExact && !WILDCARD.test(origin)) {
      throw new SettingError(
        "ALLOWED_ORIGINS",
        "origins such as https://app.example, capacitor://localhost or https://*.app.example, got something else",
      );
    }
  }
  return origins;
}

/** Whether an origin is one of those that are allowed. */
export function isAllowedOrigin(allowed: readonly string[], origin: string): boolean {
  return allowed.some((one) => {
    const [, scheme, rest] = WILDCARD.exec(one) ?? [];
    if (scheme === undefined) return one === origin;
    const label = origin.slice(scheme.length, -rest.length);
    return origin.startsWith(scheme) && origin.endsWith(rest) && /^[a-z0-9-]{1,63}$/.test(label);
  });
}
