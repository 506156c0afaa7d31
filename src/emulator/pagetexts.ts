// Serialized pages, kept until the tenant changes: a benchmark reads the same pages several times, and the emulator
// must not be what it measures.

/** About 200 MB at most, when every page holds characters beyond Latin-1. */
const MAX_CHARACTERS = 100_000_000

export class PageTexts {
  #version = -1
  #characters = 0
  readonly #texts = new Map<string, string>()

  /**
   * The text under a key, made when it is not there.
   *
   * @param at.version the tenant's count of changes; with a new one everything kept is dropped
   * @param at.key everything beside the tenant's state that the text depends on
   */
  get(at: { readonly version: number; readonly key: string }, make: () => string): string {
    if (at.version !== this.#version) {
      this.#version = at.version
      this.#texts.clear()
      this.#characters = 0
    }
    const known = this.#texts.get(at.key)
    if (known !== undefined) return known
    const text = make()
    this.#texts.set(at.key, text)
    this.#characters += text.length
    for (const [key, oldest] of this.#texts) {
      if (this.#characters <= MAX_CHARACTERS) break
      this.#texts.delete(key)
      this.#characters -= oldest.length
    }
    return text
  }
}
