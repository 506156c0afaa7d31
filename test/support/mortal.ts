// A database connection that dies at the n-th statement, as when the process is killed: what was sent before counts, nothing
// after, and nobody tidies up.
import type { Database } from '../../src/database/connect.ts'
import { RunError } from '../../src/base/errors.ts'

export interface Mortal {
  readonly db: Database
  /** Statements so far. */
  statements(): number
  readonly died: () => boolean
}

/** Wraps a database so that its statement number `diesAt` (counted from 1) and all later ones never reach the server. */
export function mortal(db: Database, diesAt: number): Mortal {
  let count = 0
  let dead = false
  const open = new Set<{ destroy(): void }>()
  const step = () => {
    count += 1
    if (!dead && count >= diesAt) {
      dead = true
      for (const stream of open) stream.destroy()
    }
    if (dead) throw new RunError('database-unavailable', 'this process is dead')
  }
  const pool = new Proxy(db.pool, {
    get(target, name) {
      if (name === 'connect') {
        return async () => {
          if (dead) throw new RunError('database-unavailable', 'this process is dead')
          const client = await target.connect()
          const stream = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
          open.add(stream)
          return new Proxy(client, {
            get(of, key) {
              if (key === 'query') {
                return (...args: unknown[]) => {
                  step()
                  return (of.query as (...a: unknown[]) => unknown).apply(of, args)
                }
              }
              if (key === 'release') {
                return () => {
                  open.delete(stream)
                  of.release(dead)
                }
              }
              const value: unknown = Reflect.get(of, key)
              return typeof value === 'function' ? value.bind(of) : value
            },
          })
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return {
    db: {
      ...db,
      pool,
      query: async (sql, params) => {
        step()
        return db.query(sql, params)
      },
    },
    statements: () => count,
    died: () => dead,
  }
}

/** Wraps a database so that the line breaks right after the server has carried out the COMMIT of a transaction in which `during` stood. */
export function cutAfterCommit(
  db: Database,
  during: RegExp,
): { readonly db: Database; readonly wasCut: () => boolean } {
  let cut = false
  const pool = new Proxy(db.pool, {
    get(target, name) {
      if (name !== 'connect') {
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return async () => {
        const client = await target.connect()
        let isIt = false
        return new Proxy(client, {
          get(of, key) {
            if (key !== 'query') {
              const value: unknown = Reflect.get(of, key)
              return typeof value === 'function' ? value.bind(of) : value
            }
            return (...args: unknown[]) => {
              const [sql] = args
              if (typeof sql === 'string' && during.test(sql)) isIt = true
              const answer = (of.query as (...a: unknown[]) => unknown).apply(of, args)
              if (!isIt || cut || sql !== 'commit') return answer
              cut = true
              return Promise.resolve(answer).then(() => {
                throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
              })
            }
          },
        })
      }
    },
  })
  return { db: { ...db, pool }, wasCut: () => cut }
}
