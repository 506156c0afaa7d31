// What the documents promise: links lead somewhere, the example is accepted, decisions have their form.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseConfigFile } from '../src/contract/config-file.ts'
import { ROOT } from './support/generated.ts'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const inRoot = readdirSync(ROOT).filter((name) => name.endsWith('.md'))
const inDocs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name))
const decisions = inDocs.filter((path) => path.startsWith('docs/decisions/')).sort()
const readme = read('README.md')

describe('every document', () => {
  it.each([...inRoot, ...inDocs, 'src/sync/SPEC.md'])('%s links to files that exist', (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => link)

    expect(links.filter((link) => !existsSync(join(ROOT, dirname(path), link)))).toEqual([])
  })
})

describe('the README', () => {
  it('has two commands for a fresh machine, made of scripts that exist', () => {
    const commands = [...readme.matchAll(/^npm ci && npm (?:run )?(\w+)$/gm)].map(([, script = '']) => script)
    const { scripts } = JSON.parse(read('package.json'))

    expect(commands).toEqual(['demo', 'test'])
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(commands))
  })

  it('shows a config file that is accepted, all of it', () => {
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? []

    const file = parseConfigFile(parse(example), new Set())

    expect(Object.keys(file.sources)).toEqual(['contoso-staff'])
    expect(file.sources['contoso-staff']!.users.properties.cards).toHaveLength(1)
  })

  it('names commands that exist', () => {
    const named = [...readme.matchAll(/\.?\/?\bmuster ([a-z]+(?:-[a-z]+)*)\b/g)].map(([, name = '']) => name)
    const files = readdirSync(join(ROOT, 'src/cli/commands')).map((name) => name.replace(/(-command)?\.ts$/, ''))

    const known = new Set([...files, 'plan'])
    expect(named.filter((name) => !known.has(name))).toEqual([])
    expect(named.length).toBeGreaterThan(10)
  })
})

describe('decisions', () => {
  it('are numbered without a gap', () => {
    const numbers = decisions.map((path) => Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]))

    expect(numbers).toEqual(decisions.map((_, n) => n + 1))
  })

  it.each(decisions)('%s has a status, a date and its five parts', (path) => {
    const text = read(path)

    expect(text).toMatch(/^# \d{4} .+\n\nStatus: .+ · \d{4}-\d{2}-\d{2}\n/)
    expect([...text.matchAll(/^## (\w+)/gm)].map(([, part]) => part)).toEqual([
      'Context',
      'Decision',
      'Rejected',
      'Consequences',
      'Revisit',
    ])
  })
})
