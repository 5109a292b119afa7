/** Waiting for whoever is asked something, until nobody wants to know any more. */
export class Asking<Answer> {
  readonly #otherwise: Answer;
  readonly #waiting = new Set<() => void>();
  #hasEnded = false;

  /** `otherwise`: the answer to everything once it has ended. */
  constructor(otherwise: Answer) {
    this.#otherwise = otherwise;
  }

  /** What `asked` answers, unless the end comes before. */
  async until(asked: Promise<Answer>): Promise<Answer> {
    if (this.#hasEnded) return this.#otherwise;
    let end: () => void = () => undefined;
    const ended = new Promise<Answer>((resolve) => {
      end = () => resolve(this.#otherwise);
    });
    this.#waiting.add(end);
    try {
      return await Promise.race([asked, ended]);
    } finally {
      this.#waiting.delete(end);
    }
  }

  end(): void {
    this.#hasEnded = true;
    for (const end of this.#waiting) end();
  }
}
