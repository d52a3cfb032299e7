// The main thread's side of worker.js: ask(kind, what) gives a promise, and tells parts on the way.

let worker = null, broken = false, last = 0;
const waiting = new Map();

function start() {
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.postMessage({ base: document.baseURI });
  worker.onmessage = ({ data: { id, part, done, error } }) => {
    const request = waiting.get(id);
    if (!request) return;
    if (part) return void request.onPart(part);
    waiting.delete(id);
    if (error) request.reject(new Error(error));
    else request.resolve(done);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    broken = true;
    for (const request of waiting.values()) request.reject(new Error("the page's worker could not start"));
    waiting.clear();
  };
}

/** Ask the worker; onPart is called for each part on the way. After its `cancel` the promise gives null, and no parts come. */
export function ask(kind, what, onPart = () => {}) {
  if (!worker) start();
  if (broken) return Object.assign(Promise.reject(new Error("the page's worker could not start")), { cancel() {} });
  const id = ++last;
  const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject, onPart }));
  worker.postMessage({ id, kind, ...what });
  answer.cancel = () => {
    waiting.get(id)?.resolve(null);
    waiting.delete(id);
    worker.postMessage({ cancel: id });
  };
  return answer;
}

/** Calls of an asynchronous function one after the other, of which only the latest waiting one is kept. */
export function latestOnly(f) {
  let running = false, next = null;
  return async function call(...args) {
    if (running) return void (next = args);
    running = true;
    try {
      await f(...args);
    } finally {
      running = false;
      const waitingArgs = next;
      next = null;
      if (waitingArgs) call(...waitingArgs);
    }
  };
}

/** What to say while a network loads, of which so large a share is there. */
export const loadingText = (share) => (share < 1 ? `The network is loading: ${Math.round(100 * share)} %` : "");

export const hasWebAssembly = typeof WebAssembly === "object" && typeof WebAssembly.instantiate === "function";
