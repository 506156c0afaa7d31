// Who may import whom. The table is the documentation; docs/architecture.md links to it.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './support/generated.ts'

/** What a folder (or a file directly in src) may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  directory: ['base'],
  contract: ['base', 'directory'],
  graph: ['base', 'directory'],
  database: ['base'],
  vault: ['base', 'database'],
  mirror: ['base', 'directory', 'database'],
  // What is stored and exported is described by the contract; a second description would drift.
  registry: ['base', 'directory', 'contract', 'database', 'vault'],
  // Reads and writes tables whole, whoever's they are.
  backup: ['base', 'contract', 'database', 'registry', 'vault'],
  jobs: ['base', 'database'],
  alerts: ['base', 'database'],
  // A run decides where its transactions begin and end. The vault comes in as functions.
  sync: ['base', 'directory', 'contract', 'graph', 'database', 'mirror', 'registry', 'jobs', 'alerts'],
  // How a connection is reached, and proves itself, is the Graph client's; a second transport would know another proxy.
  // Who gets a role from Entra is alerted in the transaction that lets him in.
  signin: ['base', 'directory', 'contract', 'graph', 'database', 'registry', 'vault', 'alerts'],
  // Types of findings and of transactions; routes send nothing to Graph and write no SQL themselves.
  http: ['base', 'directory', 'contract', 'graph', 'database', 'registry', 'sync', 'jobs', 'signin', 'vault'],
  web: ['contract', 'directory'],
  emulator: ['base'],
  cli: ['base', 'contract', 'settings.ts', 'config.ts', 'version.ts', 'app.ts', 'open-app.ts'],
  // The server as a whole: the composition root's other half, loaded when something is served.
  'serving.ts': ['base', 'contract', 'vault', 'registry', 'jobs', 'sync', 'signin', 'http', 'config.ts'],
  'settings.ts': ['base'],
  'config.ts': ['base', 'settings.ts'],
  'version.ts': [],
  'reach.ts': [
    'base',
    'graph',
    'database',
    'vault',
    'registry',
    'alerts',
    'sync',
    'signin',
    'http',
    'config.ts',
    'version.ts',
  ],
  'app.ts': [
    'base',
    'directory',
    'contract',
    'graph',
    'database',
    'vault',
    'mirror',
    'registry',
    'backup',
    'jobs',
    'alerts',
    'sync',
    'signin',
    'http',
    'serving.ts',
    'config.ts',
    'reach.ts',
    'version.ts',
  ],
  'open-app.ts': ['base', 'contract', 'database', 'vault', 'registry', 'backup', 'config.ts', 'reach.ts', 'app.ts'],
}

/** Single files that may import more than their folder. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'cli/commands/demo.ts': ['emulator'],
  'cli/commands/emulator.ts': ['emulator'],
  // What a server sends is encrypted here: it need not know for whom.
  'cli/remote-app.ts': ['backup'],
}

/** Pure: decided from what they are given, at once. */
const DECIDING =
  /^(directory|contract)\/|^sync\/(map\/|(judge|match|owner|holdings|conflicts|planned-user|safeguard|plan-(user|person|new|existing|leaver|rejected|names|fields|credentials|terms|default-group|group))\.ts$)/

/** Text that only the named files may contain; comments and strings do not count. */
const RESERVED: readonly { readonly what: string; readonly pattern: RegExp; readonly files: readonly string[] }[] = [
  { what: 'process.env', pattern: /\bprocess\s*\.\s*env\b/, files: ['config.ts'] },
  {
    what: 'the clock',
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/,
    files: ['base/clock.ts', 'web/clock.ts'],
  },
  {
    what: 'global fetch',
    pattern: /\bglobalThis\.fetch\b|(?<![.\w]|\btypeof )fetch\(|(\?\?|=>?|[\w'"]:|\()\s*fetch\b(?!\s*[?:(=])/,
    files: ['graph/request.ts', 'signin/oidc.ts', 'alerts/webhook.ts', 'web/api.ts', 'cli/client.ts'],
  },
]

/**
 * Packages of deciding modules. Administrators write regular expressions and Entra supplies the text: only an engine whose time
 * grows with the length of the text may meet both, and only through one file, so that nothing else builds a RegExp from a setting.
 */
function mayImportPackage(file: SourceFile, name: string): boolean {
  if (name === 're2js') return file.path === 'contract/pattern.ts'
  return file.folder === 'contract' && name === 'zod'
}

interface SourceFile {
  /** Relative to src. */
  readonly path: string
  readonly folder: string
  readonly imports: readonly string[]
  readonly code: string
}

const SRC = join(ROOT, 'src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path))
  .map(readSource)

function readSource(path: string): SourceFile {
  const text = readFileSync(join(SRC, path), 'utf8')
  const imports = [...text.matchAll(/^(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?'([^']+)'|\bimport\('([^']+)'\)/gm)]
  return {
    path,
    folder: folderOf(path),
    imports: imports.map((match) => match[1] ?? match[2] ?? ''),
    code: text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, ''),
  }
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? path
}

/** Own files that a file imports, relative to src. */
function ownImports(file: SourceFile): readonly string[] {
  return file.imports
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(SRC, join(SRC, dirname(file.path), name)))
}

function findCycle(): readonly string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, ownImports(file)]))
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const next of byPath.get(path) ?? []) {
      const cycle = visit(next, [...trail, path])
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const file of files) {
    const cycle = visit(file.path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

describe('the architecture', () => {
  it('imports go only where the table allows', () => {
    const wrong = files.flatMap((file) => {
      const allowed = [file.folder, ...(MAY_IMPORT[file.folder] ?? []), ...(EXCEPTIONS[file.path] ?? [])]
      return ownImports(file)
        .filter((target) => !allowed.includes(folderOf(target)))
        .map((target) => `${file.path} imports ${target}`)
    })

    expect(wrong).toEqual([])
    expect(files.length).toBeGreaterThan(20)
    expect(files.flatMap(ownImports).length).toBeGreaterThan(files.length)
  })

  it('every folder is in the table', () => {
    expect([...new Set(files.map((file) => file.folder))].filter((folder) => !(folder in MAY_IMPORT))).toEqual([])
  })

  it('no file imports itself over others', () => {
    expect(findCycle()).toBeUndefined()
  })

  it('files are imported by their own name: relative, with extension, no index', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((name) => name.startsWith('.') && (!/\.tsx?$/.test(name) || /\/index\.tsx?$/.test(name)))
        .map((name) => `${file.path} imports ${name}`),
    )

    expect(wrong).toEqual([])
  })

  it('deciding modules import no node: module and nothing that can wait; the contract needs zod, and one file re2js', () => {
    const wrong = files.flatMap((file) => {
      if (!DECIDING.test(file.path)) return []
      const imports = file.imports
        .filter((name) => name.startsWith('node:') || (!name.startsWith('.') && !mayImportPackage(file, name)))
        .map((name) => `${file.path} imports ${name}`)
      const waits = /\b(async|await|Promise|setTimeout|setInterval|process|fetch)\b/.exec(file.code)?.[0]
      return waits === undefined ? imports : [...imports, `${file.path} has ${waits}`]
    })

    expect(wrong).toEqual([])
  })

  it.each(RESERVED)('$what is used only in its own place', ({ pattern, files: allowed }) => {
    const using = files.filter((file) => pattern.test(file.code)).map((file) => file.path)

    expect(using.filter((path) => !allowed.includes(path))).toEqual([])
  })

  it('words of counts stand with the other words of the web: another language counts otherwise', () => {
    // Texts themselves are left out of the code.
    const counts = /\bformatCount\((?:[^()]|\([^()]*\))*,\s*,/
    const wrong = files.filter(
      ({ folder, path, code }) => folder === 'web' && !path.startsWith('web/texts/') && counts.test(code),
    )

    expect(wrong.map((file) => file.path)).toEqual([])
  })

  it('no default exports and no classes of constants', () => {
    const wrong = files.filter((file) =>
      /^export default\b|^(export )?(const )?enum\b|^(export )?namespace\b/m.test(file.code),
    )

    expect(wrong.map((file) => file.path)).toEqual([])
  })
})
