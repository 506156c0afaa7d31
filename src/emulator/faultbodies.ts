// Faults that let the service answer and then change what it said.
import { Buffer } from 'node:buffer'
import type { FaultTarget, SpoilFault, Spoilable } from './faultkinds.ts'

type Changed = Partial<Pick<Spoilable, 'headers' | 'body'>>

/** The changed parts of the answer, or undefined where the fault does not apply to it. */
export function spoilBody(
  fault: SpoilFault,
  context: { readonly target: FaultTarget; readonly response: Spoilable },
): Changed | undefined {
  const { target, response } = context
  if (response.status !== 200 || response.body === undefined) return undefined
  switch (fault.kind) {
    case 'malformed-json':
      return { body: textOf(response).replace('":', '";') }
    case 'encoding':
      return { body: encode(textOf(response), fault.as) }
    case 'content-type':
      return { headers: { ...withoutContentType(response.headers), 'Content-Type': fault.value } }
    case 'odd-json':
      return changeText(textOf(response), fault.how)
    case 'null-storm':
      return changeObjects(response, (object) => {
        for (const name of Object.keys(object)) if (name !== 'id' && !name.includes('@')) object[name] = null
      })
    case 'missing-properties':
      return changeObjects(response, (object) => {
        for (const name of Object.keys(object))
          if (name !== 'id' && !name.includes('@') && !fault.keep.includes(name)) delete object[name]
      })
    case 'short-list':
      return changeCollection(response, (collection, value) => {
        collection['value'] = value.slice(0, fault.keep)
        delete collection['@odata.nextLink']
      })
    case 'no-value':
      return changeCollection(response, (collection) => {
        delete collection['value']
      })
    case 'hostile-link':
      return changeCollection(response, (collection) => {
        const names = ['@odata.nextLink', '@odata.deltaLink'].filter((name) => collection[name] !== undefined)
        for (const name of names.length === 0 ? ['@odata.nextLink'] : names) {
          const original = typeof collection[name] === 'string' ? collection[name] : ownLink(target)
          collection[name] = fault.link.replaceAll('{path}', original.slice(target.origin.length))
        }
      })
    case 'repeat-link':
      return changeCollection(response, (collection) => {
        collection['@odata.nextLink'] = ownLink(target)
        delete collection['@odata.deltaLink']
      })
  }
}

function ownLink(target: FaultTarget): string {
  return `${target.origin}/v1.0${target.path}${target.rawQuery === '' ? '' : `?${target.rawQuery}`}`
}

function textOf(response: Spoilable): string {
  const { body } = response
  return typeof body === 'string' ? body : Buffer.from(body ?? []).toString('utf8')
}

function encode(text: string, as: 'bom' | 'utf-16' | 'nul'): string | Uint8Array {
  if (as === 'bom') return `\uFEFF${text}`
  if (as === 'utf-16') return Buffer.from(`\uFEFF${text}`, 'utf16le')
  return text.replace('{', '{\0')
}

// Changes that no serializer would make, so they are made in the text of the first object.
function changeText(
  text: string,
  how: 'duplicate-keys' | 'proto' | 'big-number' | 'deep-nesting',
): Changed | undefined {
  const at = text.indexOf('"id":')
  if (at < 0) return undefined
  const extra = {
    'duplicate-keys': '"id":"00000000-0000-0000-0000-000000000000",',
    proto: '"__proto__":{"accountEnabled":false,"polluted":true},"constructor":{"prototype":{"polluted":true}},',
    'big-number': '"sequenceNumber":9007199254740993000001,"tiny":1e-999,"huge":1e999,',
    'deep-nesting': `"nested":${'['.repeat(10_000)}${']'.repeat(10_000)},`,
  }[how]
  return { body: text.slice(0, at) + extra + text.slice(at) }
}

function changeObjects(response: Spoilable, change: (object: Record<string, unknown>) => void): Changed | undefined {
  const parsed = parse(response)
  if (parsed === undefined) return undefined
  const objects = Array.isArray(parsed['value']) ? parsed['value'] : [parsed]
  for (const object of objects) if (isRecord(object)) change(object)
  return { body: JSON.stringify(parsed) }
}

function changeCollection(
  response: Spoilable,
  change: (collection: Record<string, unknown>, value: readonly unknown[]) => void,
): Changed | undefined {
  const parsed = parse(response)
  if (parsed === undefined || !Array.isArray(parsed['value'])) return undefined
  change(parsed, parsed['value'])
  return { body: JSON.stringify(parsed) }
}

function parse(response: Spoilable): Record<string, unknown> | undefined {
  const text = textOf(response)
  if (!text.startsWith('{')) return undefined
  const parsed: unknown = JSON.parse(text)
  return isRecord(parsed) ? parsed : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withoutContentType(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-type'))
}
