import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNode, goodNode, printExpression, withoutPlaces } from '../../test/support/expressions.ts'
import { evaluateExpression, parseExpression } from './expression.ts'
import { MAX_EXPRESSION_LENGTH, readExpression } from './expression-syntax.ts'
import { MAX_LIST_LENGTH, MAX_VALUE_LENGTH } from './expression-values.ts'

const PERSON: Readonly<Record<string, readonly string[]>> = {
  givenName: ['Zoë'],
  surname: ["O'Brien Łuk"],
  mail: ['zoe.obrien@contoso.com'],
  userPrincipalName: ['zoe@contoso.com'],
  upnPrefix: ['zoe'],
  employeeId: ['00123'],
  country: ['US'],
  state: ['QLD'],
  accountEnabled: ['true'],
  employeeHireDate: ['2024-03-01T00:00:00Z'],
  mobilePhone: ['+1 (999) 888-7777'],
  proxyAddresses: ['SMTP:zoe@contoso.com', 'smtp:z@contoso.com', 'x500:/o=c'],
  otherMails: ['a@x', 'b@x', 'a@x'],
  'onPremisesExtensionAttributes.extensionAttribute5': ['One, Two,,Three'],
}
const read = (name: string) => PERSON[name] ?? []

/** The values that come out, or `!` and why none. */
function run(text: string): readonly string[] | string {
  const parsed = parseExpression(text)
  if (parsed.kind === 'refused') return `refused ${parsed.problems.map((p) => `${p.at + 1}: ${p.problem}`).join(' / ')}`
  const result = evaluateExpression(parsed.expression, read)
  return result.kind === 'values' ? result.values : `! ${result.problem}`
}

describe('functions', () => {
  it.each<[string, readonly string[] | string]>([
    // examples of Microsoft's reference
    ['Append([userPrincipalName], ".test")', ['zoe@contoso.com.test']],
    ['Coalesce([companyName], [userPrincipalName])', ['zoe@contoso.com']],
    ['IIF([country]="USA", [country], [mail])', ['zoe.obrien@contoso.com']],
    ['InStr("The quick brown fox", "quick")', ['5']],
    ['InStr("repEated", "e", 3, vbBinaryCompare)', ['7']],
    ['InStr("repEated", "e", 3, vbTextCompare)', ['4']],
    ['Item([proxyAddresses], 1)', ['SMTP:zoe@contoso.com']],
    ['Join(", ", "", [surname], [givenName])', ["O'Brien Łuk, Zoë"]],
    ['Left("John Doe", 3)', ['Joh']],
    ['Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))', ["ZoëO'Bri"]],
    ['NormalizeDiacritics([givenName])', ['Zoe']],
    ['PCase("PABLO GONSALVES (SECOND)")', ['Pablo Gonsalves (Second)']],
    ['PCase("PINTO-DE\'SILVA", " \'-")', ["Pinto-De'Silva"]],
    ['Replace([mail], "@contoso.com", , , "", , )', ['zoe.obrien']],
    ['Replace([upnPrefix], "<username>", , , , , "<username>@contoso.com")', ['zoe@contoso.com']],
    [
      'Replace("+91 9998887777", , "\\\\+(?<isdCode>\\\\d* )(?<phoneNumber>\\\\d{10})", , "${phoneNumber}", , )',
      ['9998887777'],
    ],
    ['Replace([mobilePhone], , "[()\\\\s-]+", , "", , )', ['+19998887777']],
    ['Replace("545 Tremont Street", , "(?<streetNumber>^\\\\d*)", "streetNumber", "888", , )', ['888 Tremont Street']],
    ['Replace([userPrincipalName], , "(?<Suffix>@(.)*)", "Suffix", "", , )', ['zoe']],
    ['Replace([faxNumber], , "\\\\((?<area>\\\\d+)\\\\)", "area", , [mobilePhone], )', ['999']],
    ['Replace([country], , "(?<a>\\\\d+)", "a", , [mobilePhone], )', ['US']],
    ['Split([onPremisesExtensionAttributes.extensionAttribute5], ",")', ['One', 'Two', 'Three']],
    ['StripSpaces(" a b c ")', ['abc']],
    [
      'Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney", "QLD", "Australia/Brisbane")',
      ['Australia/Brisbane'],
    ],
    ['Switch([companyName], "Default", "true", "1", "", "0")', ['0']],
    ['Word("The quick brown fox", 3, " ")', ['brown']],
    ['Word("This,string!has&many separators", 3, ",!&#")', ['has']],
    [
      'ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".", [givenName], [surname]))), "contoso.com"))',
      ["zoe.o'brienluk@contoso.com"],
    ],
    // each function, and its edges
    ['Append([companyName], "x")', ['x']],
    ['Coalesce([companyName], [department])', []],
    ['Coalesce([companyName], "none")', ['none']],
    ['Coalesce([businessPhones], [otherMails])', ['a@x', 'b@x', 'a@x']],
    ['IIF([accountEnabled], "in", "out")', ['in']],
    ['IIF(IsNullOrEmpty([companyName]), "Other", [companyName])', ['Other']],
    ['IIF([country] = "US" And Len([givenName]) = 3, "yes", "no")', ['yes']],
    ['IIF([country] = "us", "yes", "no")', ['no']],
    ['IIF([country] = "DE" Or Not [accountEnabled], "yes", "no")', ['no']],
    ['IIF(Not([country] = "DE"), "yes", "no")', ['yes']],
    ['IIF(And(true, Or(false, true), 1 < 2), "yes", "no")', ['yes']],
    ['IIF([accountEnabled] = "True", "yes", "no")', ['yes']],
    ['IIF([onPremisesSyncEnabled], "yes", "no")', ['no']],
    ['IIF([employeeHireDate] >= "2024-01-01", "new", "old")', ['new']],
    ['IIF([companyName] < "x", "yes", "no")', ['no']],
    ['IIF(10 > 9, "numbers", "texts")', ['numbers']],
    ['IIF("10" > "9", "numbers", "texts")', ['texts']],
    ['IIF("a" <> "b", "yes", "no")', ['yes']],
    ['IIF(2 <= 2, "yes", "no")', ['yes']],
    ['InStr("abc", "x")', ['0']],
    ['InStr("😀b", "b")', ['2']],
    ['Item([otherMails], 9)', []],
    ['Item(Split([mail], "@"), 2)', ['contoso.com']],
    ['Item(Split([companyName], "@"), 1)', []],
    ['Join("-", [otherMails], 5)', ['a@x-b@x-a@x-5']],
    ['Join("", "a", true)', ['atrue']],
    ['Left("John", 0)', []],
    ['Left("John", -1)', ['John']],
    ['Left("😀😀x", 2)', ['😀😀']],
    ['Left([mail], InStr([mail], "@") - 1)', ['zoe.obrien']],
    ['Right("John", 2)', ['hn']],
    ['Right("John", 9)', ['John']],
    ['Right("a😀", 1)', ['😀']],
    ['Right("John", -1)', ['John']],
    ['Mid("abc", 3, 9)', ['c']],
    ['Mid("abc", 9, 1)', []],
    ['Mid("abc", 0, 1)', '! Mid: start counts characters from 1'],
    ['Mid("abc", 1, 0 - 1)', '! Mid: length is negative'],
    ['Len("a😀")', ['2']],
    ['Len([companyName])', ['0']],
    ['NormalizeDiacritics("Łukasz Groß Ærø Öç й")', ['Lukasz Gross AEroe Oc й']],
    ['ToUpper("straße")', ['STRASSE']],
    ['ToLower("I", "tr-TR")', ['ı']],
    ['ToLower([otherMails])', ['a@x', 'b@x', 'a@x']],
    ['RemoveDuplicates([otherMails])', ['a@x', 'b@x']],
    ['Count([otherMails])', ['3']],
    ['Count([businessPhones])', ['0']],
    ['Trim("  a b ") & "|"', ['a b|']],
    ['"a" & 1 & true', ['a1true']],
    ['CNum([employeeId]) + 1', ['124']],
    ['CNum("x")', '! CNum: the text is not a number'],
    ['CStr(007)', ['7']],
    ['IIF(CBool("FALSE"), "yes", "no")', ['no']],
    ['IIF(CBool(7), "yes", "no")', ['yes']],
    ['CBool("maybe")', '! CBool: the text is neither true nor false'],
    ['Replace("a.b.c", ".", "-")', ['a-b-c']],
    ['Replace("aaa", "A", "-")', ['aaa']],
    ['Replace("a", "a", "$1")', ['$1']],
    ['RegexReplace([proxyAddresses], "(?i)^(smtp:|x500:.*)", "")', ['zoe@contoso.com', 'z@contoso.com']],
    ['RegexReplace("2024-03-01", "(\\d+)-(\\d+)-(?<day>\\d+)", "${day}.$2.$1 $$5 $0")', ['01.03.2024 $5 2024-03-01']],
    ['RegexReplace("abc", "x*", "-")', ['-a-b-c-']],
    ['RegexReplace("abc", "b", [surname])', ["aO'Brien Łukc"]],
    ['RegexReplace("abc", "b", "$" & "0")', ['a$0c']],
    ['Split("a;b", ";")', ['a', 'b']],
    ['Word("a b", 0, " ")', []],
    ['Word("a b", 3, " ")', []],
    ['Left("a", 1.5)', '! Left: numChars is not a whole number'],
    ['"  outer  "', ['outer']],
    ['""', []],
    ['5', ['5']],
    ['"a \\"quoted\\" \\\\ \\d"', ['a "quoted" \\ \\d']],
    ['join ( "." , [givenName] , [surname] )', ["Zoë.O'Brien Łuk"]],
    ['[upnPrefix]', ['zoe']],
    ['[proxyAddresses]', ['SMTP:zoe@contoso.com', 'smtp:z@contoso.com', 'x500:/o=c']],
  ])('%s', (text, expected) => {
    expect(run(text)).toEqual(expected)
  })

  it('only the branch that is chosen is worked out', () => {
    expect(run('IIF(true, "a", CStr(CNum("x")))')).toEqual(['a'])
    expect(run('Switch("b", CStr(CNum("x")), "b", "found", "c", CStr(CNum("x")))')).toEqual(['found'])
    expect(run('Coalesce("a", CStr(CNum("x")))')).toEqual(['a'])
    expect(run('IIF(false And CBool("x"), "a", "b")')).toEqual(['b'])
    expect(run('IIF(true Or CBool("x"), "a", "b")')).toEqual(['a'])
  })

  it('Item refuses a position that is computed and below 1', () => {
    expect(run('Item([otherMails], Len([companyName]))')).toBe('! Item: counts from 1')
  })
})

describe('mistakes are told with their place', () => {
  it.each([
    ['', '1: the expression is empty'],
    ['Join(".", [givenName]', '22: the parenthesis opened at character 5 is not closed'],
    ['ToUpper(Join(" ", [givenName])', '31: the parenthesis opened at character 8 is not closed'],
    ['Join(".", [givenName]]', '22: the character "]" has no meaning here'],
    ['Jion(".", [givenName])', '1: there is no function "Jion"; did you mean "Join"?'],
    ['ToLower([givenname])', '9: unknown attribute "givenname"; did you mean "givenName"?'],
    ['ToLower([surnam])', '9: unknown attribute "surnam"; did you mean "surname"?'],
    ['ToLower([objectId])', '9: unknown attribute "objectId"; did you mean "id"?'],
    [
      'ToLower([extensionAttribute1])',
      '9: unknown attribute "extensionAttribute1"; did you mean "onPremisesExtensionAttributes.extensionAttribute1"?',
    ],
    ['[aboutMe]', '1: Microsoft Graph cannot list the attribute "aboutMe"; choose another one'],
    [
      'givenName',
      '1: "givenName" is neither a function nor a value: attributes are written as [givenName], texts as "givenName", functions as givenName(…)',
    ],
    [
      'ToLower(%givenName%)',
      '9: attributes stand in square brackets here, as [givenName]; percent signs are for templates',
    ],
    ["ToLower('x')", '9: texts stand in straight double quotes, as "text"'],
    ['ToLower("x)', '9: the text has no closing "'],
    ['ToLower([x)', '9: the attribute has no closing ]'],
    ['Left("abc")', '1: Left takes (source, numChars), not 1 argument'],
    ['Left("abc", "2")', '13: Left takes a number for numChars, not a text; CNum(…) makes a number of a text'],
    ['Left("abc", )', '1: Left needs a value for numChars'],
    [
      'IIF([country], "a", "b")',
      '5: IIF takes a condition for condition, not a text; compare it, as [country] = "US", or use IsPresent(…) or CBool(…)',
    ],
    [
      '[otherMails] = "a"',
      '1: = takes one value for left, not several values; Item(…, 1) takes the first of them, Join puts them together',
    ],
    [
      'Split([otherMails], ",")',
      '7: Split takes a text for source, not several values; Item(…, 1) takes the first of them, Join puts them together',
    ],
    ['Switch([state], "x", "NSW")', '1: Switch takes (source, [defaultValue], key1, value1, …), not 3 arguments'],
    ['Item([otherMails], 0)', '20: Item counts from 1'],
    ['Split([mail], "")', '15: Split takes a delimiter that is not empty'],
    ['Replace([mail], "", "x")', '17: Replace takes a text to look for that is not empty'],
    ['Replace([mail], , "x")', '9: Replace takes a text to look for that is not empty'],
    [
      'RegexReplace([mail], "(?=a)", "")',
      '22: the regular expression is not understood: invalid or unsupported Perl syntax: `(?=` (look-ahead, look-behind and the like are not available)',
    ],
    [
      'RegexReplace([mail], [givenName], "")',
      '22: the regular expression of RegexReplace is written out in double quotes, not computed',
    ],
    ['RegexReplace([mail], "a", "$1")', '27: the regular expression has no group 1'],
    ['RegexReplace([mail], "(?<x>a)", "${y}")', '33: the regular expression has no group y'],
    [
      'Replace([mail], , "(a)", "x", "b", , )',
      '26: regexGroupName is the name of a group of the regular expression, as (?<name>…)',
    ],
    ['ToLower([mail], "tr_TR")', '17: ToLower takes a culture such as "de-DE", written out'],
    ['Now()', '1: Now gives another value at each run, so that every run would change everybody'],
    ['1 = 2 = 3', '7: a comparison cannot be compared again; use And between two of them'],
    ['"a" "b"', '5: a text does not belong here'],
    ['"a" &', '6: the expression ends where a value is expected'],
    ['Left("a", -"b")', '11: a minus sign stands before a number or between two'],
    ['[]', '1: the brackets are empty; an attribute is written as [givenName]'],
    [
      `"${'x'.repeat(MAX_EXPRESSION_LENGTH)}"`,
      `${MAX_EXPRESSION_LENGTH + 1}: the expression is longer than ${MAX_EXPRESSION_LENGTH} characters`,
    ],
    [`${'('.repeat(31)}1${')'.repeat(31)}`, '31: functions stand more than 30 deep in each other'],
    [`${'Not '.repeat(31)}true`, '121: functions stand more than 30 deep in each other'],
  ])('%s', (text, expected) => {
    expect(run(text)).toBe(`refused ${expected}`)
  })

  it('all of those that do not follow from each other at once', () => {
    expect(run('Join(Left("a"), ToLowr([mail]), [mial])')).toBe(
      'refused 6: Left takes (source, numChars), not 1 argument / 17: there is no function "ToLowr"; did you mean "ToLower"? / 33: unknown attribute "mial"; did you mean "mail"?',
    )
  })

  it('Replace in a way that neither form allows names both', () => {
    expect(run('Replace([mail], "a", "b", , "c", , )')).toMatch(
      /^refused 9: Replace cannot be used this way; write Replace\(source/,
    )
    expect(run('Replace([mail], "a", , )')).toMatch(/^refused 9: Replace cannot be used this way/)
  })
})

describe('bounds', () => {
  const long = (count: number) => (name: string) => (name === 'mail' ? ['a'.repeat(count)] : [])
  const evaluate = (text: string, values: (name: string) => readonly string[]) => {
    const parsed = parseExpression(text)
    if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.problems))
    return evaluateExpression(parsed.expression, values)
  }

  it.each([
    ['[mail]', 10_001, 'the result is longer than 10000 characters'],
    ['Append([mail], [mail])', 5_001, 'Append: the result is longer than 10000 characters'],
    ['Replace([mail], "a", [mail])', 1_000, 'Replace: the result is longer than 10000 characters'],
    [
      `RegexReplace([mail], "a", "${'$0'.repeat(30)}")`,
      350,
      'RegexReplace: the result is longer than 10000 characters',
    ],
    ['Split([mail], "a")', 1_000, 'Split: the result has more than 1000 values'],
    [
      'RegexReplace([mail], "(\\pL{30}){33}x", "")',
      9_000,
      'RegexReplace: the text is too long for this regular expression',
    ],
    ['RegexReplace([mail], "a.*b|a", "x")', 9_000, 'RegexReplace: the text is too long for this regular expression'],
    ['Join("", Split(Replace([mail], "a", "b,"), ","), [mail], [mail])', 900, undefined],
  ])('%s of %i characters: %s', (text, count, problem) => {
    const result = evaluate(text, long(count))

    expect(result).toMatchObject(problem === undefined ? { kind: 'values' } : { kind: 'failed', problem })
  })

  it('a list of too many or too long values is refused', () => {
    const many = (count: number, size: number) => () => Array.from({ length: count }, () => 'x'.repeat(size))

    expect(evaluate('[otherMails]', many(1_001, 1))).toMatchObject({ kind: 'failed' })
    expect(evaluate('[otherMails]', many(1_000, 101))).toMatchObject({ kind: 'failed' })
    expect(evaluate('Append([otherMails], [mail])', many(1_000, 60))).toMatchObject({ kind: 'failed' })
    expect(evaluate('[otherMails]', many(1_000, 100))).toMatchObject({ kind: 'values' })
  })

  it('a failure never repeats a value', () => {
    const secret = (name: string) => (name === 'mail' ? ['s3cret-value'] : [])

    for (const text of [
      'CNum([mail])',
      'CBool([mail])',
      'Left("x", CNum([mail]))',
      'Mid([mail], 0, 1)',
      'IIF(1 < [mail], "a", "b")',
    ]) {
      const result = evaluate(text, secret)
      expect(result.kind, text).toBe('failed')
      expect(JSON.stringify(result)).not.toContain('s3cret')
    }
  })
})

describe('any expression', () => {
  it('is read as it is printed', () => {
    fc.assert(
      fc.property(anyNode, (node) => {
        const text = printExpression(node)
        fc.pre(text.length <= MAX_EXPRESSION_LENGTH)
        const again = readExpression(text)
        expect(again.kind === 'read' ? withoutPlaces(again.node) : again).toEqual(withoutPlaces(node))
      }),
      { numRuns: 300 },
    )
  })

  const person = fc.dictionary(
    fc.constantFrom(
      'givenName',
      'surname',
      'mail',
      'employeeId',
      'upnPrefix',
      'otherMails',
      'proxyAddresses',
      'accountEnabled',
    ),
    fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), { maxLength: 4 }),
  )

  it('is refused with places inside it, or gives values within the bounds, or fails without throwing', () => {
    fc.assert(
      fc.property(anyNode, person, (node, values) => {
        const text = printExpression(node)
        const parsed = parseExpression(text)
        if (parsed.kind === 'refused') {
          expect(parsed.problems.length).toBeGreaterThan(0)
          for (const problem of parsed.problems) {
            expect(problem.problem).not.toBe('')
            expect(problem.at >= 0 && problem.at <= text.length).toBe(true)
          }
          return
        }
        checkBounds(evaluateExpression(parsed.expression, (name) => values[name] ?? []))
      }),
      { numRuns: 500 },
    )
  })

  it('of right types is accepted, and stays within the bounds whatever the attributes hold', () => {
    let evaluated = 0
    fc.assert(
      fc.property(goodNode, person, (node, values) => {
        const text = printExpression(node)
        fc.pre(text.length <= MAX_EXPRESSION_LENGTH)
        const parsed = parseExpression(text)
        expect(parsed.kind === 'parsed' ? [] : parsed.problems, text).toEqual([])
        if (parsed.kind !== 'parsed') return
        checkBounds(evaluateExpression(parsed.expression, (name) => values[name] ?? []))
        evaluated += 1
      }),
      { numRuns: 500 },
    )
    expect(evaluated).toBeGreaterThan(200)
  })

  it('of any characters at all is read or refused, never thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom(...Array.from('()[]",=<>&+-aN1 \\')) }),
        ),
        (text) => {
          expect(['parsed', 'refused']).toContain(parseExpression(text).kind)
        },
      ),
      { numRuns: 500 },
    )
  })

  function checkBounds(result: ReturnType<typeof evaluateExpression>): void {
    if (result.kind === 'failed') {
      expect(result.problem.length).toBeGreaterThan(5)
      return
    }
    expect(result.values.length).toBeLessThanOrEqual(MAX_LIST_LENGTH)
    for (const value of result.values) {
      expect(value.length).toBeLessThanOrEqual(MAX_VALUE_LENGTH)
      expect(value).toBe(value.trim())
      expect(value).not.toBe('')
    }
  }
})
