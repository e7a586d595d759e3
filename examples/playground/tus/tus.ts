/** What the playground has of tus-js-client. Apart, because only the configuration beside this file knows it. */

export { Upload } from "tus-js-client";
