// Reads rules and test names for the comparison of both.

export interface Rule {
  readonly id: string
  readonly text: string
  /** Test files that enforce it, sorted. */
  readonly files: readonly string[]
}

/** The rules of SPEC.md: a list whose entries begin with their number and end with the files that enforce them. */
export function rulesOf(markdown: string): readonly Rule[] {
  return [...markdown.matchAll(/^- \*\*(S\d+)\*\* ([\s\S]*?)(?=\n- \*\*|$(?![\s\S]))/gm)].map(
    ([, id = '', entry = '']) => {
      const [text = '', enforced = ''] = entry.split('Enforced by')
      return { id, text: text.trim(), files: [...enforced.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file).sort() }
    },
  )
}

/** A test's name begins with ids and a colon: `E3, S8: only one …`. Rows of `it.each` are names too. */
const HEAD = /(?<=['"`])(?:[A-Z]\d+[,;]? ?)+(?=:)/g

/** The rule ids in the names of a test file, each once, in the order of their first appearance. */
export function ruleIdsIn(source: string): readonly string[] {
  const heads = [...source.matchAll(HEAD)].map(([head]) => head)
  return [...new Set(heads.flatMap((head) => head.match(/\bS\d+\b/g) ?? []))]
}
