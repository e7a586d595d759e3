/** What is wrong with how the proxy is set up. */

/**
 * A setting that is missing or malformed. The message names it, and never shows a value: some are secrets. An option of
 * {@linkcode createUploadProxy} that is wrong goes by the name of its setting, too: `GCS_BUCKET` for `bucket`.
 */
export class SettingError extends TypeError {
  /** The name of the class, for logs. */
  override readonly name: string = "SettingError";
  /** The name of the setting. */
  readonly setting: string;

  /**
   * Makes an error.
   *
   * @param setting the name of the setting
   * @param expected what is expected of it, and what it is instead in general terms
   */
  constructor(setting: string, expected: string) {
    super(`${setting}: expected ${expected}`);
    this.setting = setting;
  }
}
