/** Settings are text: what it says, checked. */

import { SettingError } from "../proxy/setting_error.ts";
import type { WorkerSettings } from "./worker_settings.ts";

/** A setting that there has to be. */
export function required(settings: WorkerSettings, name: keyof WorkerSettings): string {
  const value = settings[name];
  if (!value) throw new SettingError(name, "a value, got none");
  return value;
}

/** `true` or `false`. */
export function booleanOf(
  settings: WorkerSettings,
  name: keyof WorkerSettings,
): boolean | undefined {
  const value = settings[name];
  if (value === undefined) return undefined;
  if (value !== "true" && value !== "false") {
    throw new SettingError(name, "true or false, got something else");
  }
  return value === "true";
}

/** The longest time that a timer of the platform can be set to, in seconds. */
const MAX_TIMER = 2_147_483;

/** What is said in seconds, in milliseconds. */
export function secondsOf(
  settings: WorkerSettings,
  name: keyof WorkerSettings,
): number | undefined {
  const seconds = numberOf(settings, name);
  if (seconds === undefined) return undefined;
  if (seconds >= 1 && seconds <= MAX_TIMER) return 1000 * seconds;
  throw new SettingError(name, `a whole number of seconds from 1 to ${MAX_TIMER}`);
}

/** A whole number; its bounds are checked where it is used. */
export function numberOf(settings: WorkerSettings, name: keyof WorkerSettings): number | undefined {
  const value = settings[name];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value); // whoever uses it knows the bounds
  const unit = name.endsWith("SECONDS") ? "seconds" : "bytes";
  throw new SettingError(name, `a whole number of ${unit}, got something else`);
}

/** A list, where the setting is there. */
export function listOr(value: string | undefined): string[] | undefined {
  return value === undefined ? undefined : listOf(value);
}

/** What stands between commas. */
export function listOf(value: string): string[] {
  return value.split(",").map((part) => part.trim()).filter((part) => part !== "");
}
