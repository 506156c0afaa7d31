// `npm run campaign -- hostile`: hostile cells of our CSV through a real spreadsheet, and the canonical form against the
// database. Needs LibreOffice (Debian: apt-get install libreoffice-calc --no-install-recommends).
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { connect } from '../../src/database/connect.ts'
import { openEmbeddedDatabase } from '../../src/database/embedded.ts'
import { joinValues, neutralise, writeCsv } from '../../src/registry/csv.ts'
import { disagreements, textsToCompare } from '../support/canonical-check.ts'
import { hostileValues } from '../support/hostile.ts'

export interface HostileFigures {
  readonly seed: number
  readonly cells: number
  readonly spreadsheet: string
  /** Cells that the spreadsheet took for formulas. */
  readonly formulas: number
  /** The same cells without our protection: shows that the question can be answered with yes. */
  readonly formulasUnprotected: number
  /** Cells whose text came back otherwise than it was written, line ends apart. */
  readonly altered: number
  /** Texts whose canonical form was compared with the database, and those about which the two do not agree. */
  readonly texts: number
  readonly disagreements: number
}

const COLUMNS = 10
/** Separator, quote, UTF-8, first line, column formats, language, quoted as text, detect special numbers. */
const READ_AS_USUAL = '44,34,76,1,,0,false,true'
const READ_AS_TEXT = `44,34,76,1,${Array.from({ length: COLUMNS }, (_, n) => `${n + 1}/2`).join('/')},0,false,false`
const WRITE = '44,34,76,1,,0,true,true,true'

/** Opens at least `cells` hostile cells in LibreOffice, asks it for formulas, and compares what it writes. */
export async function run({ seed = 20_261_122, cells = 10_000, texts = 100_000 } = {}): Promise<HostileFigures> {
  const values = hostileValues(seed, cells * 2)
    .map(({ value }) => value.trim())
    // What the registry refuses never reaches an export; a spreadsheet drops cells that are empty.
    .filter((value) => value !== '' && value.isWellFormed() && !/[\0\ufffd]/.test(value))
    .map((value, n) => (n % 5 === 0 ? joinValues([value, 'x\\', value]) : value))
    .slice(0, cells)
  const rows = Array.from({ length: Math.floor(values.length / COLUMNS) }, (_, n) =>
    values.slice(n * COLUMNS, (n + 1) * COLUMNS),
  )
  const folder = mkdtempSync(join(tmpdir(), 'muster-hostile-'))
  try {
    const ours = join(folder, 'ours.csv')
    writeFileSync(ours, writeCsv(rows))
    writeFileSync(join(folder, 'raw.csv'), rawCsv(rows))
    const spreadsheet = libreOffice(folder, ['--version']).trim()
    const formulas = formulasIn(folder, 'ours')
    const formulasUnprotected = formulasIn(folder, 'raw')
    libreOffice(folder, [
      `--infilter=CSV:${READ_AS_TEXT}`,
      '--convert-to',
      `csv:Text - txt - csv (StarCalc):${WRITE}`,
      '--outdir',
      join(folder, 'back'),
      ours,
    ])
    const back: string[][] = parse(readFileSync(join(folder, 'back', 'ours.csv'), 'utf8'), {
      relax_column_count: true,
    })
    const wanted = rows.map((row) => row.map((cell) => lineEnds(neutralise(cell))))
    const altered = wanted.flatMap((row, y) =>
      row.flatMap((cell, x) => (lineEnds(back[y]?.[x] ?? '') === cell ? [] : [[cell, back[y]?.[x]]])),
    )
    for (const pair of altered.slice(0, 5)) console.log('altered:', JSON.stringify(pair))
    const figures: HostileFigures = {
      seed,
      cells: rows.length * COLUMNS,
      spreadsheet,
      formulas,
      formulasUnprotected,
      altered: altered.length,
      texts,
      disagreements: await compareCanonical(seed, texts),
    }
    console.log(`| cells | spreadsheet | formulas | formulas unprotected | altered | texts | disagreements |`)
    console.log('|---|---|---|---|---|---|---|')
    console.log(`| ${Object.values(figures).slice(1).join(' | ')} |`)
    return figures
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How many of so many texts the database sees otherwise than {@link canonical} does. */
async function compareCanonical(seed: number, count: number): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), 'muster-canonical-'))
  // PostgreSQL runs as another user when this runs as root.
  chmodSync(home, 0o711)
  const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
  const db = await connect({ embedded, log: silentLog, max: 1 })
  try {
    const found = await disagreements(db, textsToCompare(seed, count))
    for (const one of found.slice(0, 5)) console.log('disagreement:', JSON.stringify(one))
    return found.length
  } finally {
    await db.close()
    await embedded.release()
    rmSync(home, { recursive: true, force: true })
  }
}

/** The same rows by RFC 4180 alone. */
function rawCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\r\n`).join('')
}

function formulasIn(folder: string, name: string): number {
  libreOffice(folder, [
    `--infilter=CSV:${READ_AS_USUAL}`,
    '--convert-to',
    'fods',
    '--outdir',
    folder,
    join(folder, `${name}.csv`),
  ])
  return readFileSync(join(folder, `${name}.fods`), 'utf8').match(/table:formula=/g)?.length ?? 0
}

/** A spreadsheet keeps one kind of line end. */
function lineEnds(cell: string): string {
  return cell.replace(/\r\n?/g, '\n')
}

function libreOffice(folder: string, args: readonly string[]): string {
  const ended = spawnSync('soffice', [`-env:UserInstallation=file://${folder}/profile`, '--headless', ...args], {
    encoding: 'utf8',
    timeout: 300_000,
  })
  if (ended.error !== undefined || ended.status !== 0)
    throw new Error(`LibreOffice did not do ${args.join(' ')}: ${ended.error?.message ?? ended.stderr}`)
  return ended.stdout
}
