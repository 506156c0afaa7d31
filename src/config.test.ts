import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConfigError } from './base/errors.ts'
import { loadConfig, SETTINGS } from './config.ts'

function problemsOf(env: Record<string, string>): readonly { at: string; message: string }[] {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('loadConfig', () => {
  it('needs no setting at all', () => {
    const config = loadConfig({})

    expect(config.home).toMatch(/^\/.*\/\.muster$/)
    expect(config.keyFile).toBe(`${config.home}/key`)
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(config.databaseUrl).toBeUndefined()
    expect(config.logLevel).toBe('info')
  })

  it('takes a flag before the environment, and an empty value as not given', () => {
    const env = { MUSTER_HOME: '/from/env', MUSTER_LISTEN: '', MUSTER_LOG_LEVEL: 'debug' }

    const config = loadConfig(env, { home: '/from/flag' })

    expect(config.home).toBe('/from/flag')
    expect(config.keyFile).toBe('/from/flag/key')
    expect(config.listen.port).toBe(8080)
    expect(config.logLevel).toBe('debug')
  })

  it('tells all mistakes at once, each with the name under which it was given', () => {
    const problems = problemsOf({
      MUSTER_LISTEN: '8080',
      MUSTER_DATABASE_URL: 'mysql://localhost/x',
      MUSTER_LOG_LEVEL: 'loud',
      MUSTER_DATABASE_USER: 'no body',
      https_proxy: 'proxy:3128',
      MUSTER_KEYFILE: '/key',
      MUSTER_CONTOSO_SECRET: 'named by a configuration file',
    })

    expect(problems.map((problem) => problem.at)).toEqual([
      'MUSTER_DATABASE_URL',
      'MUSTER_DATABASE_USER',
      'MUSTER_LISTEN',
      'MUSTER_LOG_LEVEL',
      'https_proxy',
      'MUSTER_KEYFILE',
    ])
    expect(problems.at(-1)?.message).toContain('MUSTER_KEY_FILE')
  })

  it('never prints a secret, not even a wrong one', () => {
    const config = loadConfig({
      MUSTER_DATABASE_URL: 'postgresql://muster:hunter2@db/muster',
      HTTPS_PROXY: 'http://u:hunter2@proxy:3128',
    })
    const problems = problemsOf({ MUSTER_DATABASE_URL: 'mysql://muster:hunter2@db/muster' })

    const printed = [
      inspect(config),
      JSON.stringify(config),
      `url ${String(config.databaseUrl)}`,
      JSON.stringify(problems),
    ]
    for (const text of printed) expect(text).not.toContain('hunter2')
    expect(config.databaseUrl?.reveal()).toBe('postgresql://muster:hunter2@db/muster')
    expect(config.httpsProxy?.reveal()).toBe('http://u:hunter2@proxy:3128')
  })

  it('reads IPv6 addresses, sockets of PostgreSQL and the usual names of a private CA', () => {
    const config = loadConfig({
      MUSTER_LISTEN: '[::1]:0',
      MUSTER_DATABASE_URL: 'postgresql://muster@%2Frun%2Fpg/muster',
      NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    })

    expect(config.listen).toEqual({ host: '::1', port: 0 })
    expect(config.databaseUrl?.reveal()).toContain('%2Frun')
    expect(config.caFile).toBe('/etc/ca.pem')
  })

  it('cannot be changed afterwards', () => {
    const config = loadConfig({})

    expect(() => Object.assign(config, { home: '/elsewhere' })).toThrow(TypeError)
    expect(() => Object.assign(config.listen, { port: 1 })).toThrow(TypeError)
  })

  it('explains every setting once', () => {
    const names = SETTINGS.flatMap((setting) => [...setting.env, ...(setting.flag === undefined ? [] : [setting.flag])])

    expect(new Set(names).size).toBe(names.length)
    expect(new Set(SETTINGS.map((setting) => setting.key))).toEqual(new Set(Object.keys(loadConfig({}))))
  })
})
