/**
 * A stack of numbers that takes no new room while it is used again.
 */
import { ABSENT } from './list-view.js';

export class Stack {
  size = 0;
  #numbers = new Int32Array(16);

  /** `ABSENT` where there is none. */
  get top(): number {
    return this.size === 0 ? ABSENT : (this.#numbers[this.size - 1] as number);
  }

  at(position: number): number {
    return this.#numbers[position] as number;
  }

  push(number: number): void {
    if (this.size === this.#numbers.length) {
      const numbers = new Int32Array(2 * this.size);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#numbers[this.size++] = number;
  }

  /** Of what is not empty. */
  pop(): number {
    return this.#numbers[--this.size] as number;
  }

  clear(): void {
    this.size = 0;
  }
}
