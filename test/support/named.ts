// Reads which options and which failures the names of tests speak of.
//
// It proves that a name stands at the head of a test, and no more: not that the test shows what the name says, nor that it is not
// skipped. A new option and a failure that nobody thought of are noticed; whether a test is worth its name is for whoever reviews it:
// break what the row is about, and see that test fail.

type Kind = 'effect' | 'default'

export interface OptionTest {
  /** As in the settings, `users.options.graceDays`. */
  readonly option: string
  readonly kinds: readonly Kind[]
}

const NAME = /(?<=['"`])(option [\w.%]+(?:, option [\w.%]+)*): ([^'"`]*)/g

/** `option users.guests: effect: …`; `%s` at the end of a path stands for each key that heads a row of the file. */
export function optionTestsIn(source: string): readonly OptionTest[] {
  const rows = [...source.matchAll(/\['(\w+)',/g)].map(([, key = '']) => key)
  return [...source.matchAll(NAME)].flatMap(([, heads = '', rest = '']) => {
    const kinds = (['effect', 'default'] as const).filter((kind) =>
      new RegExp(`(?:^|; |^effect and )${kind}\\b`).test(rest),
    )
    return heads.split(', ').flatMap((head) => {
      const option = head.slice('option '.length)
      return option.endsWith('.%s')
        ? [...new Set(rows)].map((key) => ({ option: option.replace('%s', key), kinds }))
        : [{ option, kinds }]
    })
  })
}

/** Parts of the settings, whose options are tested one by one. */
const PARTS = new Set(['users', 'users.properties', 'users.options', 'groups'])

/** Whether a test of this kind names the option, or a block of settings that it is in. */
export function isOptionTested(
  option: string,
  { tests, kind }: { readonly tests: readonly OptionTest[]; readonly kind: Kind },
): boolean {
  const keys = option.split('.')
  const named = keys.map((_, n) => keys.slice(0, n + 1).join('.')).filter((path) => !PARTS.has(path))
  return tests.some((test) => test.kinds.includes(kind) && named.includes(test.option))
}

const HEAD = /(?<=['"`])(?:[A-Z]\d+[,;]? ?)+(?=:)/g

/** The ids of failures (D, G, O) at the head of the names of tests, each once; rows of `it.each` are names too. */
export function failureIdsIn(source: string): readonly string[] {
  const heads = [...source.matchAll(HEAD)].map(([head]) => head)
  return [...new Set(heads.flatMap((head) => head.match(/\b[DGO]\d+\b/g) ?? []))]
}
