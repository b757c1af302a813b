// Lets time run: a step with each beat, but never before the page has come to rest after the one before.

/**
 * `advance()` makes a step, and says false at the end; `settled(signal)` resolves when the page shows it; `onState` hears
 * whether it runs.
 */
export function player({ advance, settled, onState, beatMs, patienceMs = 8_000 }) {
  let running;

  async function run(signal) {
    while (!signal.aborted && advance() !== false) {
      // Whatever takes too long shows its own day when it comes.
      await Promise.all([rest(beatMs, signal), Promise.race([settled(signal), rest(patienceMs, signal)])]);
    }
    if (!signal.aborted) stop();
  }

  function stop() {
    if (!running) return;
    running.abort();
    running = undefined;
    onState(false);
  }

  return {
    stop,
    get isRunning() {
      return Boolean(running);
    },
    start() {
      if (running) return;
      running = new AbortController();
      onState(true);
      run(running.signal);
    },
  };
}

function rest(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
