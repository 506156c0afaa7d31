import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { API } from '../contract/api/api.ts'
import { makeOpenApi } from './openapi.ts'

describe('the description of the API', () => {
  it('is an OpenAPI 3.1 document by the schema of the OpenAPI Initiative', async () => {
    const result = await new Validator().validate(structuredClone(makeOpenApi('1.2.3')))

    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
  })

  it('is refused by the same validator where an operation says nothing of its answers', async () => {
    const broken = structuredClone(makeOpenApi('1.2.3')) as any // oxlint-disable-line typescript/no-explicit-any
    broken.paths['/api/v1/users'].get.responses = 'none'

    expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
  })

  it('has each endpoint once, with what it takes and who may call it', () => {
    const { paths } = makeOpenApi('1.2.3') as { paths: Record<string, Record<string, { operationId: string }>> }
    const described = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId))

    expect(described.sort()).toEqual(Object.keys(API).sort())
  })
})
