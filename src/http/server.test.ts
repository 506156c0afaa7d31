// The server around the routes: health, description, problems, headers, files of the web.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aServer, type TestServer } from '../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let folder: string
beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db)
  folder = await mkdtemp(join(tmpdir(), 'muster-test-web-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<script nonce="__CSP_NONCE__" src="/assets/a-1.js"></script>')
  await writeFile(join(folder, 'assets/a-1.js'), 'plain')
  await writeFile(join(folder, 'assets/a-1.js.br'), 'brotli')
  await writeFile(join(folder, 'assets/a-1.js.gz'), 'gzip')
  http = await aServer(world.engine, { webFolder: folder })
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
  await rm(folder, { recursive: true })
})

describe('the server', () => {
  it('says that it lives and that it can work', async () => {
    expect((await http.asNobody('GET', '/healthz')).json()).toEqual({ status: 'ok' })
    expect((await http.asNobody('GET', '/readyz')).json()).toEqual({ status: 'ok' })
  })

  it('is not ready without its schema', async () => {
    await test.db.query(`insert into schema_migrations (number, name, checksum) values (9999, '9999-later.sql', 'x')`)
    const answer = await http.asNobody('GET', '/readyz')
    await test.db.query('delete from schema_migrations where number = 9999')

    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toEqual({ status: 'unready', code: 'schema-newer' })
  })

  it('answers an address of the API that there is not with a problem', async () => {
    const answer = await http.asNobody('GET', '/api/v1/nothing')

    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ status: 404, code: 'not-found', title: 'Not Found' })
  })

  it('describes the API, and shows it with nothing from other hosts', async () => {
    const document = await http.asNobody('GET', '/api/openapi.json')
    const page = await http.asNobody('GET', '/api/docs')
    const script = await http.asNobody('GET', '/api/docs/reference/js/scalar.js')

    expect(document.json()).toMatchObject({ openapi: '3.1.0', paths: { '/api/v1/users/{user}': { get: {} } } })
    expect(page.body).not.toMatch(/https?:|\/\/cdn/)
    expect(script.statusCode).toBe(200)
  })

  it('puts a nonce of its own into every page, for every screen of the web', async () => {
    const pages = [await http.asNobody('GET', '/'), await http.asNobody('GET', '/runs/12?tab=log')]
    const nonces = pages.map((page) => /nonce="([^"]+)"/.exec(page.body)?.[1])

    expect(nonces[0]).toMatch(/^[\w+/]{24}$/)
    expect(nonces[1]).not.toBe(nonces[0])
    expect(pages[0]!.headers['content-security-policy']).toContain(`script-src 'self' 'nonce-${nonces[0]}'`)
    expect((await http.asNobody('GET', '/index.html')).statusCode).toBe(404)
  })

  it.each([
    ['br, gzip', 'brotli', 'br'],
    ['gzip', 'gzip', 'gzip'],
    ['identity', 'plain', undefined],
  ])('sends files as the browser takes them: %s', async (accepted, body, encoding) => {
    const answer = await http.asNobody('GET', '/assets/a-1.js', undefined, { 'accept-encoding': accepted })

    expect(answer.body).toBe(body)
    expect(answer.headers['content-encoding']).toBe(encoding)
    expect(answer.headers['cache-control']).toContain('immutable')
  })

  it('gives nothing beside its files', async () => {
    for (const path of ['/assets/a-2.js', '/../package.json', '/%2e%2e/package.json', '/assets/..%2f..%2fkey'])
      expect((await http.asNobody('GET', path)).statusCode, path).toBe(404)
  })
})
