// JSON that says the same thing to everybody: parsers differ in which of two members of one name they take (RFC 8259 4), and what one
// of them has checked another one must not read differently.

/** Tokens nest two or three times. */
const DEEPEST = 16

/** Texts, with the colon that makes names of them, and what opens and closes. */
const TOKENS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g

/**
 * Whether no object of a JSON text has two members of one name, and nothing nests deeper than any token does. Names are compared as
 * they are read: `"\u006fid"` is `"oid"`.
 *
 * @param json parsed already, so that it is sound JSON
 */
export function isUnambiguous(json: string): boolean {
  const open: (Set<string> | undefined)[] = []
  for (const [token, colon] of json.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined)
      if (open.length > DEEPEST) return false
    } else if (token === '}' || token === ']') open.pop()
    else if (colon !== undefined) {
      const names = open.at(-1)
      const name = String(JSON.parse(token.slice(0, -colon.length)))
      if (names === undefined || names.has(name)) return false
      names.add(name)
    }
  }
  return true
}
