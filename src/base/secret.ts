// A value that must not reach logs, errors or output by accident.
import { inspect } from 'node:util'

/** Wraps a secret: printing, concatenating and serialising it gives `[secret]`; only `reveal` gives it out. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
