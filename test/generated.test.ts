import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createTestDatabase } from './support/database.ts'
import { makeGeneratedFiles, ROOT } from './support/generated.ts'

it('generated files are as `npm run generate` makes them', async () => {
  const database = await createTestDatabase()
  try {
    const files = await makeGeneratedFiles(database.db)

    const committed = await Promise.all(
      files.map(async ({ path }) => ({ path, text: await readFile(join(ROOT, path), 'utf8') })),
    )
    expect(committed).toEqual(files)
  } finally {
    await database.drop()
  }
})
