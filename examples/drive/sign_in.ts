/** Signing in with Google, for a token of the user: https://developers.google.com/identity/oauth2/web/guides/use-token-model */

interface TokenReply {
  readonly access_token?: string;
  readonly error?: string;
}

/** As much of Google Identity Services as is used here. */
interface Identity {
  readonly accounts: {
    readonly oauth2: {
      initTokenClient(options: {
        readonly client_id: string;
        readonly scope: string;
        readonly callback: (reply: TokenReply) => void;
        readonly error_callback: (error: { readonly type: string }) => void;
      }): { requestAccessToken(): void };
    };
  };
}

/** Asks the user for a token that is good for the files of this page. */
export async function signIn(clientId: string): Promise<string> {
  const google = await identity();
  return await new Promise((resolve, reject) => {
    google.accounts.oauth2.initTokenClient({
      client_id: clientId,
      scope: "https://www.googleapis.com/auth/drive.file",
      callback: ({ access_token: token, error }) =>
        token ? resolve(token) : reject(new Error(`no token: ${error}`)),
      error_callback: ({ type }) => reject(new Error(`no token: ${type}`)),
    }).requestAccessToken();
  });
}

async function identity(): Promise<Identity> {
  const script = document.createElement("script");
  script.src = "https://accounts.google.com/gsi/client";
  await new Promise((loaded, failed) => {
    script.onload = loaded;
    script.onerror = () => failed(new Error("Google's sign-in cannot be loaded"));
    document.head.append(script);
  });
  return (globalThis as unknown as { google: Identity }).google;
}
