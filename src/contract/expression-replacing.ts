// Replace and RegexReplace. Patterns are written out in the expression, so that they are compiled and refused when it is saved.
import { type Argument, type Arguments, eager, type FunctionDefinition, parameters } from './expression-definition.ts'
import type { ExpressionProblem } from './expression-syntax.ts'
import { expandReplacement, firstMatch, readReplacement, replaceMatches, replaceText } from './expression-texts.ts'
import { asText, type Evaluation } from './expression-values.ts'
import { parsePattern, type Pattern } from './pattern.ts'

export const REPLACING: readonly FunctionDefinition[] = [
  {
    name: 'Replace',
    parameters: parameters(
      'source:text',
      'oldValue?:text',
      'regexPattern?:text',
      'regexGroupName?:text',
      'replacementValue?:text',
      'replacementAttributeName?:text',
      'template?:text',
    ),
    result: 'text',
    perValue: true,
    about: 'Replace(source, old, new), or the seven arguments that it has in Entra. Upper and lower case differ.',
    make: (args) => (args.length === 3 ? replaceSimply(args) : replaceAsEntra(args)),
  },
  {
    name: 'RegexReplace',
    parameters: parameters('source:text', 'regexPattern:text', 'replacementValue:text'),
    result: 'text',
    perValue: true,
    about:
      'Replaces what a regular expression fits; $1 and ${name} stand for its groups, (?i) at its start ignores case.',
    make: (args) => {
      const [source, regex, replacement] = args
      return replaceByPattern({ name: 'RegexReplace', args: [source, replacement], regex })
    },
  },
]

function replaceSimply(args: Arguments): ReturnType<FunctionDefinition['make']> {
  const [, old] = args
  if (old === undefined || old.constant === '')
    return { problem: 'Replace takes a text to look for that is not empty', at: old?.at ?? args[0]?.at ?? 0 }
  return eager(([source = '', old = '', replacement = '']) =>
    replaceText(asText(source), asText(old), asText(replacement)),
  )(args)
}

const MODES =
  'Replace(source, old, new), or in the order of Entra: source, oldValue, regexPattern, regexGroupName, replacementValue, ' +
  'replacementAttributeName, template, of which oldValue goes with replacementValue or template, regexPattern with replacementValue, ' +
  'and regexGroupName with replacementValue or replacementAttributeName'

function replaceAsEntra(args: Arguments): ReturnType<FunctionDefinition['make']> {
  const [source, old, regex, group, replacement, other, template] = args
  const refused = { problem: `Replace cannot be used this way; write ${MODES}`, at: source?.at ?? 0 }
  if (old !== undefined && regex === undefined && group === undefined && other === undefined) {
    if (replacement !== undefined && template === undefined) return replaceSimply([source, old, replacement])
    if (template !== undefined && replacement === undefined) return replaceSimply([template, old, source])
    return refused
  }
  if (regex === undefined || old !== undefined || template !== undefined) return refused
  if (group === undefined) {
    if (replacement === undefined || other !== undefined) return refused
    return replaceByPattern({ name: 'Replace', args: [source, replacement], regex })
  }
  const read = patternOf(regex, 'Replace')
  if ('problem' in read) return read
  const { pattern } = read
  const groupName = group.constant
  if (typeof groupName !== 'string' || !Object.hasOwn(pattern.namedGroups(), groupName))
    return { problem: 'regexGroupName is the name of a group of the regular expression, as (?<name>…)', at: group.at }
  if (replacement !== undefined && other === undefined)
    return replaceGroup({ args: [source, replacement], pattern, groupName })
  if (other !== undefined && replacement === undefined) return extract({ args: [source, other], pattern, groupName })
  return refused
}

interface GroupOptions {
  readonly args: Arguments
  readonly pattern: Pattern
  readonly groupName: string
}

/** In each match, the part that the group fits. */
function replaceGroup({ args, pattern, groupName }: GroupOptions) {
  return eager(([given = '', replacement = ''], evaluation) => {
    const source = asText(given)
    return replaceMatches(evaluation, {
      source,
      pattern,
      expand(match) {
        const part = match.group(groupName)
        if (part === null) return source.slice(match.start, match.end)
        return source.slice(match.start, part.start) + asText(replacement) + source.slice(part.end, match.end)
      },
    })
  })(args)
}

/** The source, or where it is empty what the group fits in another text. */
function extract({ args, pattern, groupName }: GroupOptions) {
  return eager(([source = '', other = ''], evaluation: Evaluation) => {
    if (asText(source) !== '') return asText(source)
    return firstMatch(evaluation, { source: asText(other), pattern })?.group(groupName)?.text ?? ''
  })(args)
}

interface PatternOptions {
  readonly name: string
  readonly args: Arguments
  readonly regex: Argument | undefined
}

function replaceByPattern({ name, args, regex }: PatternOptions): ReturnType<FunctionDefinition['make']> {
  const read = patternOf(regex, name)
  if ('problem' in read) return read
  const { pattern } = read
  const written = args[1]?.constant
  if (written === undefined) {
    // What comes out of an attribute is a text and nothing else: a $ in somebody's name is a $.
    return eager(([source = '', replacement = ''], evaluation) =>
      replaceMatches(evaluation, { source: asText(source), pattern, expand: () => asText(replacement) }),
    )(args)
  }
  const replacement = readReplacement(String(written), pattern)
  if ('problem' in replacement) return { problem: replacement.problem, at: args[1]?.at ?? 0 }
  return eager(([source = ''], evaluation) =>
    replaceMatches(evaluation, {
      source: asText(source),
      pattern,
      expand: (match) => expandReplacement(replacement, match),
    }),
  )(args)
}

function patternOf(regex: Argument | undefined, name: string): { readonly pattern: Pattern } | ExpressionProblem {
  const at = regex?.at ?? 0
  if (typeof regex?.constant !== 'string')
    return { problem: `the regular expression of ${name} is written out in double quotes, not computed`, at }
  const parsed = parsePattern(regex.constant, { ignoreCase: false })
  return parsed.kind === 'parsed' ? { pattern: parsed.pattern } : { problem: parsed.problem, at }
}
