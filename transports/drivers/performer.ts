/**
 * Performs effects one after the other, in the order in which a machine decided them.
 *
 * This is where "durable before visible" is kept: an effect that waits (a commit) holds back everything
 * that was decided after it. If one fails, nothing after it is performed any more, and the owner is told
 * once: what could not be made durable must not get out.
 */
export class Performer<Effect> {
  readonly #perform: (effects: readonly Effect[], from: number) => number | Promise<number>;
  readonly #onFailure: (error: unknown) => void;
  #queue: Effect[] = [];
  #isRunning = false;
  #hasFailed = false;
  /** Effects pushed, and effects performed, since the beginning. */
  #pushed = 0;
  #performed = 0;
  /** Ascending by `through`. */
  #waiting: { readonly through: number; readonly resolve: () => void }[] = [];

  /**
   * `perform` performs at least the effect at `from`, and may take those that follow along with it; it
   * answers the position after the last one it has performed.
   */
  constructor(
    perform: (effects: readonly Effect[], from: number) => number | Promise<number>,
    onFailure: (error: unknown) => void,
  ) {
    this.#perform = perform;
    this.#onFailure = onFailure;
  }

  push(effects: readonly Effect[]): void {
    if (this.#hasFailed || effects.length === 0) return;
    for (const effect of effects) this.#queue.push(effect);
    this.#pushed += effects.length;
    if (!this.#isRunning) void this.#run();
  }

  /** Resolves when everything pushed so far has been performed, or never will be. */
  settled(): Promise<void> {
    if (this.#hasFailed || this.#performed === this.#pushed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ through: this.#pushed, resolve }));
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#queue.length > 0) {
        const effects = this.#queue;
        this.#queue = [];
        for (let at = 0; at < effects.length; ) {
          const next = this.#perform(effects, at);
          const reached = typeof next === 'number' ? next : await next;
          this.#performed += reached - at;
          at = reached;
          this.#release();
        }
      }
    } catch (error) {
      this.#hasFailed = true;
      this.#queue = [];
      this.#onFailure(error);
    }
    this.#isRunning = false;
    this.#release();
  }

  #release(): void {
    let done = 0;
    for (const { through, resolve } of this.#waiting) {
      if (through > this.#performed && !this.#hasFailed) break;
      resolve();
      done++;
    }
    if (done > 0) this.#waiting = this.#waiting.slice(done);
  }
}
