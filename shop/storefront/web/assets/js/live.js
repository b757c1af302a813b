// An order's timeline as it happens (server-sent events). The service tells the past entries first, so a new
// connection needs no memory of the old one.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

/**
 * Follows until `signal` aborts or `onStage` returns false. `onState` hears "connecting", "open", "waiting" and "closed".
 * The browser's own reconnecting gives up when a gateway answers with an error, so it is done here.
 */
export function followTimeline(path, { signal, onStage, onState }) {
  let source;
  let timer;
  let pauseMs = FIRST_PAUSE_MS;

  const stop = () => {
    clearTimeout(timer);
    source?.close();
    window.removeEventListener("online", now);
    document.removeEventListener("visibilitychange", now);
  };
  const finish = () => {
    stop();
    onState("closed");
  };

  function connect() {
    source = new EventSource(path);
    source.addEventListener("open", () => {
      pauseMs = FIRST_PAUSE_MS;
      onState("open");
    });
    source.addEventListener("stage", (event) => {
      const entry = parsed(event.data);
      if (entry && onStage(entry) === false) finish();
    });
    source.addEventListener("error", () => {
      source.close();
      if (signal.aborted) return;
      onState("waiting");
      timer = setTimeout(connect, pauseMs * (0.75 + Math.random() / 2));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    });
  }

  // Back online, or looked at again after sleep: no need to sit out the pause.
  function now() {
    if (document.hidden || source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(timer);
    pauseMs = FIRST_PAUSE_MS;
    connect();
  }

  signal.addEventListener("abort", stop, { once: true });
  window.addEventListener("online", now);
  document.addEventListener("visibilitychange", now);
  onState("connecting");
  connect();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
