/** The page in React: the list of uploads is a store that changes outside of it. */

import { useSyncExternalStore } from "react";
import { add, pause, resume, subscribe, uploads } from "./uploads.ts";

export function App() {
  const list = useSyncExternalStore(subscribe, uploads);
  return (
    <>
      <h1>Uploads</h1>
      <DropZone />
      <ul>{list.map((upload) => <Item key={upload.id} {...upload} />)}</ul>
    </>
  );
}

function DropZone() {
  const drop = (event) => {
    event.preventDefault();
    add(event.dataTransfer.files);
  };
  const choose = ({ target }) => {
    add(target.files);
    target.value = ""; // so that the same file can be chosen again
  };
  return (
    <label className="drop" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      Drop files here, or choose them <input type="file" multiple onChange={choose} />
    </label>
  );
}

function Item({ id, name, size, state, sent, rate, message }) {
  const max = size || 1;
  return (
    <li>
      <strong>{name}</strong> <span>{(rate / 1e6).toFixed(1)} MB/s</span>
      <progress max={max} value={state === "stored" ? max : sent} />
      <output>{message}</output>{" "}
      {state === "sending" && <button type="button" onClick={() => pause(id)}>Pause</button>}
      {(state === "paused" || state === "failed") && (
        <button
          type="button"
          onClick={() => resume(id)}
        >
          Resume
        </button>
      )}
    </li>
  );
}
