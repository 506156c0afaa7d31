// The functions of expressions, with the names and the order of arguments that provisioning expressions in Entra have:
// https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data (seen 2026-11).
// A null attribute is an empty text. Nothing here is random or looks at the clock: the same object gives the same value.
import { LISTS, NUMBERS } from './expression-counting.ts'
import type { FunctionDefinition } from './expression-definition.ts'
import { CHOOSING, LOGIC } from './expression-logic.ts'
import { REPLACING } from './expression-replacing.ts'
import { WRITING } from './expression-writing.ts'

const DEFINITIONS = [...CHOOSING, ...LOGIC, ...NUMBERS, ...LISTS, ...WRITING, ...REPLACING]
const BY_NAME = new Map(DEFINITIONS.map((definition) => [definition.name.toLowerCase(), definition]))

/** The functions by the names that people write, operators left out; in the order of their kinds. */
export const FUNCTIONS: readonly FunctionDefinition[] = DEFINITIONS.filter(({ name }) => /^\w+$/.test(name))

/** Functions of Entra that are missing here for a reason. */
export const REFUSED_FUNCTIONS: Readonly<Record<string, string>> = {
  now: 'Now gives another value at each run, so that every run would change everybody',
  guid: 'Guid gives another value at each run, so that every run would change everybody',
  randomstring: 'RandomString gives another value at each run, so that every run would change everybody',
  selectuniquevalue:
    'SelectUniqueValue is not needed: who gets a value that two people want is decided by the rules for conflicts',
  ignoreflowifnullorempty:
    'IgnoreFlowIfNullOrEmpty is not needed: write apply: whenCreated or whenEmpty beside the expression',
  formatdatetime:
    'FormatDateTime is not available; dates come as 2026-11-23T08:00:00Z, so Left([employeeHireDate], 10) is the day',
}

/** By name, whatever its case; operators by their sign. */
export function findFunction(name: string): FunctionDefinition | undefined {
  return BY_NAME.get(name.toLowerCase())
}
