import { describe, expect, it } from 'vitest'
import { parseTemplate } from './template.ts'

describe('templates', () => {
  it.each([
    ['%givenName%.%surname%', [{ attribute: 'givenName' }, { text: '.' }, { attribute: 'surname' }]],
    ['100%% %mail%', [{ text: '100% ' }, { attribute: 'mail' }]],
    ['%companyName%/%officeLocation%', [{ attribute: 'companyName' }, { text: '/' }, { attribute: 'officeLocation' }]],
  ])('%s is read', (template, parts) => {
    expect(parseTemplate(template)).toEqual({ kind: 'parsed', parts })
  })

  it.each([
    ['%givenName', 0, 'a % has no partner'],
    ['a %givenname%', 3, 'did you mean "givenName"'],
    ['plain', 0, 'names at least one attribute'],
    ['%%', 0, 'names at least one attribute'],
  ])('%s is refused at %i', (template, at, problem) => {
    expect(parseTemplate(template)).toMatchObject({ kind: 'refused', at, problem: expect.stringContaining(problem) })
  })
})
