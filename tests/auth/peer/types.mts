// What google-auth-library returns is what staticTokenTransport() takes: this has to compile.

import { GoogleAuth, Impersonated, JWT, OAuth2Client } from "google-auth-library";
import { staticTokenTransport, type Transport } from "../../../src/auth/mod.ts";

const auth = new GoogleAuth();

/** A token as a string, and as a member of an object. */
export const transports: Transport[] = [
  staticTokenTransport(() => auth.getAccessToken()),
  staticTokenTransport(() => new OAuth2Client().getAccessToken()),
  staticTokenTransport(() => new JWT().getAccessToken()),
  staticTokenTransport(() => new Impersonated().getAccessToken()),
  staticTokenTransport(async () => (await auth.getClient()).getAccessToken()),
];
