// The committed files that are made from other things. `npm run generate` writes them, a test compares them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Queries } from '../../src/database/connect.ts'
import { presentSettings } from '../../src/settings.ts'
import { presentRegistration } from '../../src/contract/registration-document.ts'
import { makeOpenApi } from '../../src/http/openapi.ts'
import { dumpNames, dumpSchema, dumpTableTypes } from './schema.ts'

/** Path from the root of the checkout, and the text that belongs there. */
export interface GeneratedFile {
  readonly path: string
  readonly text: string
}

export const ROOT = join(import.meta.dirname, '..', '..')

/** @param db an empty database after all migrations */
export async function makeGeneratedFiles(db: Queries): Promise<readonly GeneratedFile[]> {
  return [
    { path: 'src/database/schema.sql', text: await dumpSchema(db) },
    { path: 'src/database/tables.ts', text: await dumpTableTypes(db) },
    { path: 'src/database/names.ts', text: await dumpNames(db) },
    { path: 'docs/configuration.md', text: presentSettings() },
    { path: 'docs/registering-the-app.md', text: presentRegistration() },
    { path: 'docs/openapi.json', text: `${JSON.stringify(makeOpenApi(await readVersion()), null, 1)}\n` },
  ]
}

async function readVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  return version
}
