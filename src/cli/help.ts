/** What each command is for. A text fits a screen of 24 lines and 80 columns. */

/** The names of the commands. */
export const COMMANDS = ["cp", "emulator", "help", "sessions", "ticket"] as const;

/** The name of a command. */
export type Command = typeof COMMANDS[number];

const GENERAL = `Uploads files to Google Cloud Storage, Drive, YouTube and Gemini.

  resumable-media cp video.mp4 gs://my-bucket/videos/
  resumable-media cp -r photos gs://my-bucket/backup/
  pg_dump db | resumable-media cp - gs://my-bucket/db.sql

Stopped or killed, the same command again goes on where it was.

Commands:
  cp SOURCE... DEST   upload files, folders (-r), globs, standard input (-)
  sessions            list what can be resumed; "sessions cancel" gives it up
  emulator            serve an emulated Google for development and tests
  ticket              sign an upload ticket for the proxy
  help COMMAND        all options of a command

Credentials: gcloud auth application-default login, or
GOOGLE_APPLICATION_CREDENTIALS, CLOUDSDK_AUTH_ACCESS_TOKEN, GEMINI_API_KEY.
Without an account: the emulator, and cp with --endpoint http://127.0.0.1:8085
Exit codes: 0 ok, 1 failed, 2 wrong call, 3 refused, 4 conflict, 5 interrupted.
`;

const CP = `resumable-media cp [OPTION...] SOURCE... DEST
DEST: gs://BUCKET[/NAME or /PREFIX/], drive:[FOLDER_ID], gemini:, youtube:
  -r, --recursive          folders, too       -n, --no-clobber  skip what exists
  -I, --names-from-stdin   sources from standard input, one a line; -0 by NULs
  -c, --continue-on-error  go on also where all other files will fail as well
  --concurrency N          files at a time (32)  --parallel  large ones in parts
  --content-type TYPE      --cache-control TEXT    --storage-class CLASS
  --metadata KEY=VALUE     can be repeated         --if-generation-match N
  --checksum KIND          auto, crc32c, md5, sha256, none
  --manifest FILE          append what was done, and skip what it says is done
  --no-resume              neither go on nor keep where uploads stand
  --dry-run                show what would be uploaded
  --endpoint ORIGIN        an emulator, a proxy, a private endpoint
  --session URL            into a session handed over, without DEST
  --ticket TOKEN           through the proxy at --endpoint
  --title T, --privacy P   for youtube: (private, unlisted, public)
  --json                   a line for each object; -q, --quiet only what fails
--session and --ticket take @FILE, @- (standard input) and env:NAME as well.
`;

const EMULATOR = `resumable-media emulator [OPTION...]
Serves an emulated Google on 127.0.0.1 until it is stopped, for development.
  --port N             8085; 0 takes any that is free
  --discard            keep no bytes: for uploads larger than memory
  --proxy              the upload proxy in front of it, too
  --proxy-port N       the port after the other one
  --bucket NAME        where the proxy uploads to (my-bucket)
  --allow-origin URL   a page that may use it, besides those on localhost at the
                       ports of development servers; can be repeated
  --json               one line that says what is where

Tickets for the proxy: a page gets one by POST /ticket, {"name": "photo.jpg"};
by hand: resumable-media ticket --secret, as it says. The secret
is that of TICKET_SECRET, else one in the folder of the state.
`;

const SESSIONS = `resumable-media sessions [--json]
resumable-media sessions cancel ID...
resumable-media sessions cancel --all
resumable-media sessions forget ID... (or --all)
Lists what can be resumed, by the same command that began it, for a week.
cancel gives it up: at the server, and here. forget does so here only, where the
server is gone or refuses: a session may live on there for a week.
`;

const TICKET = `resumable-media ticket --subject WHO (--prefix P | --name N) [OPTION...]
Signs an upload ticket for the proxy, with the secret in TICKET_SECRET.
  --secret REF         @FILE, @- or env:NAME instead
  --subject WHO        for the log of the proxy and for its hooks
  --prefix PREFIX      what names begin with       --name NAME  the exact name
  --bucket BUCKET      instead of the proxy's own
  --backend NAME       instead of Cloud Storage, such as gemini
  --max-bytes N        --min-bytes N
  --content-type TYPE  image/png, image/*; can be repeated
  --field NAME         a field the client may set; can be repeated
  --metadata JSON      fields of the object        --payload JSON  for hooks
  --overwrite          objects that exist may be replaced
  --require-checksum   the client must send one
  --expires-in N       seconds (3600)              --session-ttl N  seconds
  --issuer TEXT        --audience TEXT             --id TEXT (good once)
  --max-age N          the proxy's TICKET_MAX_AGE_SECONDS (86400)
`;

const TEXTS: Readonly<Record<Command, string>> = {
  cp: CP,
  help: GENERAL,
  emulator: EMULATOR,
  sessions: SESSIONS,
  ticket: TICKET,
};

/** The text of a command; the general one without. */
export function helpOf(command: Command = "help"): string {
  return TEXTS[command];
}
