/** What a Worker can do by its compatibility date, which is that of its operator. */

import { SettingError } from "./setting_error.ts";

/** Whether workerd has a flag switched on; `undefined` where there are none. */
function flag(name: string): boolean | undefined {
  const { Cloudflare } = globalThis as {
    Cloudflare?: { compatibilityFlags?: Readonly<Record<string, boolean>> };
  };
  return Cloudflare?.compatibilityFlags?.[name];
}

/** Refuses a Worker that cannot make streams, nor read URLs as others do: the date of its configuration is too early. */
export function checkCompatibilityDate(): void {
  if (flag("streams_enable_constructors") !== false) return;
  throw new SettingError("compatibility_date", "2022-11-30 or later, got an earlier one");
}

/** Whether a request hears of a promise that another one settles: not in a Worker with a date before 2024-10-14. */
export function settlesAcrossRequests(): boolean {
  return flag("handle_cross_request_promise_resolution") !== false;
}
