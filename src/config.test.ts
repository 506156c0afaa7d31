import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConfigError } from './base/errors.ts'
import { loadConfig } from './config.ts'
import { SETTINGS } from './settings.ts'

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

  it.each([
    ['http://127.0.0.1:8080', 'http://localhost:8080'],
    ['http://[::1]:8080/', 'http://localhost:8080'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['https://127.0.0.1:8443', 'https://127.0.0.1:8443'],
    ['https://muster.contoso.com/', 'https://muster.contoso.com'],
  ])('takes %s as public URL %s', (given, taken) => {
    expect(loadConfig({ MUSTER_PUBLIC_URL: given }).publicUrl).toBe(taken)
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

describe('settings of alerts', () => {
  it('are optional, and silence is told after a day', () => {
    expect(loadConfig({})).toMatchObject({ smtpUrl: undefined, alertTo: undefined, alertSilenceHours: 24 })
  })

  it('are read together', () => {
    const config = loadConfig({
      MUSTER_SMTP_URL: 'smtp://user:p%40ss@mail.example:2525',
      MUSTER_ALERT_FROM: 'muster@contoso.com',
      MUSTER_ALERT_TO: 'it@contoso.com, on.call@contoso.com',
      MUSTER_ALERT_WEBHOOK: 'https://hooks.example/T0/key',
      MUSTER_ALERT_WEBHOOK_SECRET: 'sixteen letters!',
      MUSTER_ALERT_SILENCE_HOURS: '6',
    })

    expect(config.alertTo).toEqual(['it@contoso.com', 'on.call@contoso.com'])
    expect(config.alertSilenceHours).toBe(6)
    expect(inspect(config)).not.toMatch(/p%40ss|T0\/key|sixteen/)
  })

  it.each([
    'http://localhost:9/x',
    'http://127.0.0.1:9/x',
    'http://127.9.9.9/x',
    'http://[::1]:9/x',
    'https://10.0.0.1/x',
  ])('take %s as webhook', (url) => {
    expect(problemsOf({ MUSTER_ALERT_WEBHOOK: url })).toEqual([])
  })

  it.each([
    ['MUSTER_ALERT_WEBHOOK', 'http://hooks.example/x', /loopback only/],
    ['MUSTER_ALERT_WEBHOOK', 'http://127.0.0.1.evil.example/x', /loopback only/],
    ['MUSTER_ALERT_WEBHOOK', 'https://u:p@hooks.example/x', /user or password/],
    ['MUSTER_ALERT_WEBHOOK', 'ftp://hooks.example/x', /must be a URL/],
    ['MUSTER_SMTP_URL', 'http://mail.example', /must be a URL/],
    ['MUSTER_SMTP_URL', 'smtp://u:100%@mail.example', /percent sign/],
    ['MUSTER_SMTP_URL', 'smtp://mail.example/path', /end after host/],
    ['MUSTER_ALERT_FROM', 'Muster <muster@contoso.com>', /not a mail address/],
    ['MUSTER_ALERT_TO', 'a@b.c,,d@e.f', /not a mail address/],
    ['MUSTER_ALERT_WEBHOOK_SECRET', 'short', /16 characters/],
    ['MUSTER_ALERT_SILENCE_HOURS', '0', /from 1 to 8760/],
    ['MUSTER_ALERT_SILENCE_HOURS', '1.5', /from 1 to 8760/],
  ])('refuse %s=%s', (name, value, message) => {
    const problem = problemsOf({ [name]: value }).find(({ at }) => at === name)

    expect(problem?.message).toMatch(message)
  })

  it('that need each other are told with all other mistakes at once', () => {
    const problems = problemsOf({
      MUSTER_SMTP_URL: 'smtp://mail.example',
      MUSTER_ALERT_WEBHOOK_SECRET: 'sixteen letters!',
      MUSTER_LISTEN: '8080',
    })

    expect(problems.map(({ at }) => at)).toEqual([
      'MUSTER_LISTEN',
      'MUSTER_ALERT_FROM',
      'MUSTER_ALERT_TO',
      'MUSTER_ALERT_WEBHOOK',
    ])
    expect(problemsOf({ MUSTER_ALERT_TO: 'it@contoso.com' }).map(({ at }) => at)).toEqual(['MUSTER_SMTP_URL'])
  })
})
