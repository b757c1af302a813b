// How much of the page waits for an answer: for who wants to go on only when all of it is there.

class Pending extends EventTarget {
  #many = 0;

  get isBusy() {
    return this.#many > 0;
  }

  /** Something waits from now on, until the function that this returns is called. */
  begin() {
    let waits = true;
    this.#count(1);
    return () => {
      if (waits) this.#count(-1);
      waits = false;
    };
  }

  /** Resolves when nothing waits any more, or when nobody asks any more. */
  settled(signal) {
    return new Promise((resolve) => {
      if (!this.isBusy || signal?.aborted) return resolve();
      const look = () => {
        if (this.isBusy && !signal?.aborted) return;
        this.removeEventListener("change", look);
        signal?.removeEventListener("abort", look);
        resolve();
      };
      this.addEventListener("change", look);
      signal?.addEventListener("abort", look);
    });
  }

  #count(by) {
    this.#many += by;
    this.dispatchEvent(new Event("change"));
  }
}

export const pending = new Pending();
