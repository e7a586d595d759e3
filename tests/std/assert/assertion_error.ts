/** What every assertion throws. */
export class AssertionError extends Error {
  /** Makes the error; `options.cause` says what led to it. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Ends a message as the standard library does: with the caller's words, or with a full stop. */
export function sentence(text: string, msg?: string): string {
  return msg ? `${text}: ${msg}` : `${text}.`;
}
