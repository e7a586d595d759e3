/** How long a session can be used, in milliseconds: a week, as Cloud Storage has it. */
export const SESSION_LIFETIME: number = 7 * 24 * 3600 * 1000;
