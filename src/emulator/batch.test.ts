import { describe, expect, it } from 'vitest'
import { graphCalls, objectsOf } from '../../test/support/graphcalls.ts'
import { addMembers, createGroup } from './memberships.ts'
import { hire } from './operations.ts'

function world() {
  const graph = graphCalls()
  const users = Array.from({ length: 5 }, (_, i) => hire(graph.tenant, { userPrincipalName: `u${i}@contoso.com` }))
  const group = createGroup(graph.tenant, { displayName: 'G' })
  addMembers(graph.tenant, group.id, users)
  const batch = (requests: readonly object[]) => {
    const answer = graph.post('/$batch', { requests })
    const responses = objectsOf(answer.body['responses'])
    return { ...answer, responses, of: (id: string) => responses.find((one) => one.id === id) }
  }
  return { ...graph, users, group, batch }
}

const get = (id: string, url: string, more: object = {}): object => ({ id, method: 'GET', url, ...more })

describe('$batch (graph.md 11)', () => {
  it('11: inner calls answer with their own status, headers and body; the batch itself is 200 and free', () => {
    const { batch, group } = world()

    const answer = batch([
      get('1', `/groups/${group.id}/members?$select=id&$top=2`),
      get('2', 'users/$count', { headers: { ConsistencyLevel: 'eventual' } }),
      get('3', '/users/$count'),
      get('4', `/users/${group.id}`),
    ])

    expect(answer).toMatchObject({ status: 200, units: 0 })
    expect(answer.of('1')).toMatchObject({ status: 200, body: { value: [{}, {}] } })
    expect(answer.text).toMatch(/"@odata.nextLink":"http:\/\/graph\.test\/v1\.0\/groups\/[^"]*\$skiptoken=/)
    expect(answer.of('2')).toMatchObject({ status: 200, headers: { 'Content-Type': 'text/plain' }, body: '5' })
    expect(answer.of('3')).toMatchObject({ status: 400, body: { error: { code: 'Request_UnsupportedQuery' } } })
    expect(answer.of('4')).toMatchObject({ status: 404 })
  })

  it('11: a next link without host and version goes on in another batch; with them it is refused', () => {
    const { batch, group } = world()
    const [first] = objectsOf([batch([get('1', `/groups/${group.id}/members?$select=id&$top=3`)]).of('1')?.['body']])
    const link = String(first?.['@odata.nextLink'])

    const rest = batch([get('1', link.replace('http://graph.test/v1.0', ''))]).of('1')
    expect(rest?.['body']).toMatchObject({ value: [{}, {}] })
    expect(batch([get('1', link)]).status).toBe(400)
  })

  it('11 (c): answers come in another order than asked, the same for the same seed, by the switch', () => {
    const ids = Array.from({ length: 12 }, (_, i) => String(i))
    const order = (batchOrder: 'asked' | 'reversed' | 'shuffled'): string[] => {
      const { batch, tenant } = world()
      tenant.behaviour.batchOrder = batchOrder
      return batch(ids.map((id) => get(id, '/organization'))).responses.map((one) => one.id)
    }

    expect(order('asked')).toEqual(ids)
    expect(order('reversed')).toEqual(ids.toReversed())
    expect(order('shuffled')).not.toEqual(ids)
    expect(order('shuffled').toSorted()).toEqual(ids.toSorted())
    expect(order('shuffled')).toEqual(order('shuffled'))
  })

  it('11: more than 20 requests, ids that repeat in another case, and malformed ones are 400 for all', () => {
    const { batch, post } = world()

    expect(batch(Array.from({ length: 21 }, (_, i) => get(String(i), '/users'))).status).toBe(400)
    expect(batch([get('a', '/users'), get('A', '/users')])).toMatchObject({ status: 400, code: 'BadRequest' })
    expect(batch([]).status).toBe(400)
    expect(batch([{ id: '1', method: 'GET' }]).status).toBe(400)
    expect(batch([{ id: '1', method: 'POST', url: '/directoryObjects/getByIds', body: { ids: [] } }]).status).toBe(400)
    expect(batch([get('1', '/$batch')]).status).toBe(400)
    expect(post('/$batch', undefined).status).toBe(400)
  })

  it('11: a failed dependency is 424, one that succeeded lets the next run, a circle is 400', () => {
    const { batch } = world()

    const answer = batch([
      get('3', '/users?$select=id', { dependsOn: ['2'] }),
      get('2', '/organization', { dependsOn: ['1'] }),
      get('1', '/nosuch'),
      get('5', '/users?$select=id', { dependsOn: ['4'] }),
      get('4', '/organization'),
    ])

    expect([1, 2, 3, 4, 5].map((id) => answer.of(String(id))?.['status'])).toEqual([400, 424, 424, 200, 200])
    expect(batch([get('1', '/users', { dependsOn: ['2'] }), get('2', '/users', { dependsOn: ['1'] })]).status).toBe(400)
    expect(batch([get('1', '/users', { dependsOn: ['9'] })]).status).toBe(400)
  })

  it('11: a POST inside a batch carries its body', () => {
    const { batch, users } = world()
    const body = { ids: [users[0]!.id], types: ['user'] }
    const headers = { 'Content-Type': 'application/json' }

    const answer = batch([{ id: '1', method: 'POST', url: '/directoryObjects/getByIds', headers, body }])

    expect(answer.of('1')).toMatchObject({ status: 200, body: { value: [{}] } })
  })
})
