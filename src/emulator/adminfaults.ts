// Faults as JSON: the same fields as FaultSpec, with `pathPattern` for a regular expression.
import { BadInput, type Input, text } from './admininput.ts'
import { type Fault, FAULT_KINDS, type FaultMatch, type FaultSpec } from './faultkinds.ts'

const MATCH: ReadonlySet<string> = new Set<keyof FaultMatch | 'pathPattern'>([
  'path',
  'pathPattern',
  'method',
  'tenantId',
  'where',
  'after',
  'count',
  'rate',
  'seed',
])

/** @throws BadInput for an unknown kind and for parameters that the kind does not have */
export function toFaultSpec(input: Input): FaultSpec {
  const kind = text(input, 'kind')
  const parameters = Object.hasOwn(FAULT_KINDS, kind) ? FAULT_KINDS[kind as Fault['kind']] : undefined // oxlint-disable-line typescript/no-unsafe-type-assertion
  if (parameters === undefined)
    throw new BadInput(`there is no fault ${JSON.stringify(kind)}; there are ${Object.keys(FAULT_KINDS).join(', ')}`)
  const { pathPattern, ...rest } = input
  for (const name of Object.keys(input))
    if (name !== 'kind' && !MATCH.has(name) && !parameters.includes(name))
      throw new BadInput(`the fault ${kind} has no parameter ${JSON.stringify(name)}`)
  for (const name of ['after', 'count', 'rate', 'seed'])
    if (input[name] !== undefined && typeof input[name] !== 'number') throw new BadInput(`${name} must be a number`)
  const path = pathPattern === undefined ? {} : { path: new RegExp(text(input, 'pathPattern')) }
  // Names are checked above; a parameter of the wrong type makes a wrong fault for its author, and nothing worse.
  return { ...rest, ...path, kind } as FaultSpec // oxlint-disable-line typescript/no-unsafe-type-assertion
}
