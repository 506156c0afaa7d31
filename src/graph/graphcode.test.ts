// What is read of an error answer beside its code.
import { describe, expect, it } from 'vitest'
import { unknownPropertyOfBody } from './graphcode.ts'

const body = (message: unknown) => Buffer.from(JSON.stringify({ error: { code: 'BadRequest', message } }))
const URL = 'https://graph.microsoft.com/v1.0/users?$select=id,extension_1_badge&$top=999'

describe('the attribute that Graph does not know', () => {
  it.each([
    ["Could not find a property named 'extension_1_badge' on type 'microsoft.graph.user'.", 'extension_1_badge'],
    [
      "Parsing OData Select and Expand failed: Could not find a property named 'extension_1_badge' on type 'microsoft.graph.user'.",
      'extension_1_badge',
    ],
    ["Property 'extension_1_badge' does not exist as a declared property or extension property.", 'extension_1_badge'],
    // E18: what was not asked for is not repeated, it may be anything.
    ["Could not find a property named 'badge' on type 'microsoft.graph.user'.", undefined],
    ["Could not find a property named 'Ann Lee' on type 'microsoft.graph.user'.", undefined],
    ["Somebody could not find a property named 'id'.", undefined],
    [7, undefined],
  ])('%j: %s', (message, name) => {
    expect(unknownPropertyOfBody(body(message), URL)).toBe(name)
  })
})
