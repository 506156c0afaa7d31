import { describe, expect, it } from 'vitest'
import { parseGroupTemplate } from './group-template.ts'
import { sourceSettings } from './sources.ts'

describe('templates of groups', () => {
  it.each([
    ['%companyName%|%department%', [[{ attribute: 'companyName' }], [{ attribute: 'department' }]]],
    ['Staff|Dept. %department%', [[{ text: 'Staff' }], [{ text: 'Dept. ' }, { attribute: 'department' }]]],
    [String.raw`a\|b|%city% \|c`, [[{ text: 'a|b' }], [{ attribute: 'city' }, { text: ' |c' }]]],
    [String.raw`a\\|%city%\x`, [[{ text: 'a\\' }], [{ attribute: 'city' }, { text: '\\x' }]]],
    ['%upnPrefix%', [[{ attribute: 'upnPrefix' }]]],
  ])('%s is read level by level', (template, levels) => {
    expect(parseGroupTemplate(template)).toEqual({ kind: 'parsed', levels })
  })

  it.each([
    ['%department%|', 'none of them empty'],
    ['|%department%', 'none of them empty'],
    ['%companyName%| |%department%', 'none of them empty'],
    ['Staff', 'at least one attribute'],
    ['%departmnt%', 'unknown attribute'],
    ['%department', 'has no partner'],
    ['', 'at least one attribute'],
  ])('%s is refused', (template, problem) => {
    expect(parseGroupTemplate(template)).toMatchObject({ kind: 'refused', problem: expect.stringContaining(problem) })
  })

  it('are checked when a source is saved, with the place of the mistake', () => {
    const settings = { connection: 'c', groups: { fromAttributes: [{ template: '%companyName%|%departmnt%' }] } }

    const result = sourceSettings.safeParse(settings)

    expect(result.error?.issues).toMatchObject([
      {
        path: ['groups', 'fromAttributes', 0, 'template'],
        message: expect.stringMatching(/unknown attribute.*\(at character 16\)/),
      },
    ])
  })
})
