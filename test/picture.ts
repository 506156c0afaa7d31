// Records the demo as docs/pictures/demo.svg: runs it for real and draws what it printed, one frame a step.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './support/generated.ts'

const CHAR = { width: 8, height: 18 }
const PADDING = 20
/** Cells and lines are cut to this many characters, to be readable on a page. */
const CELL = 43
const LINE = 140
const SECONDS_A_FRAME = 7

const home = mkdtempSync(join(tmpdir(), 'muster-picture-'))
// Open to the account of the database, which under root would put its files elsewhere and leave them there.
chmodSync(home, 0o711)
try {
  const env = { ...process.env, MUSTER_HOME: home }
  const printed = execFileSync(join(ROOT, 'muster'), ['demo', '--once'], { env, encoding: 'utf8' })
  const frames = framesOf(printed.replaceAll(home, '~/.muster-demo'))
  writeFileSync(join(ROOT, 'docs/pictures/demo.svg'), draw(frames))
  console.log(`${frames.length} frames`)
} finally {
  rmSync(home, { recursive: true, force: true })
}

/** The steps of the demo that show a synchronization; each begins with its heading. */
function framesOf(printed: string): readonly (readonly string[])[] {
  return printed
    .split(/\n(?=── \d)/)
    .slice(1)
    .map((step) => narrow(step.trimEnd().split('\n')).filter((line, n, all) => line !== '' || all[n - 1] !== ''))
}

/** Tables with cut cells, and borders that follow them. */
function narrow(lines: readonly string[]): string[] {
  const narrowed: string[] = []
  for (let n = 0; n < lines.length; n += 1) {
    const line = lines[n] ?? ''
    if (!line.startsWith('┌')) {
      narrowed.push(cut(/^─+ \d/.test(line) ? line.replace(/─+$/, '─'.repeat(20)) : line, LINE))
      continue
    }
    const rows: string[][] = []
    for (n += 1; !(lines[n] ?? '└').startsWith('└'); n += 1)
      if (lines[n]?.startsWith('│') === true)
        rows.push(
          (lines[n] ?? '')
            .split('│')
            .slice(1, -1)
            .map((cell) => cut(cell.trim(), CELL)),
        )
    narrowed.push(...table(rows))
  }
  return narrowed
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}

function table(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const row = (cells: readonly string[]) => `│ ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(' │ ')} │`
  const border = (left: string, middle: string, right: string) =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}`
  return [border('┌', '┬', '┐'), row(head), border('├', '┼', '┤'), ...body.map(row), border('└', '┴', '┘')]
}

function draw(frames: readonly (readonly string[])[]): string {
  const columns = Math.max(...frames.flat().map((line) => line.length))
  const height = Math.max(...frames.map((frame) => frame.length)) * CHAR.height + 2 * PADDING
  const width = columns * CHAR.width + 2 * PADDING
  const share = 100 / frames.length
  // Where nothing moves the second frame, the plan, is shown.
  const style = `text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#c9d1d9;white-space:pre}
.h{fill:#79c0ff;font-weight:bold}.c{fill:#fff;font-weight:bold}.y{fill:#7ee787}
g{visibility:hidden;animation:show ${frames.length * SECONDS_A_FRAME}s infinite step-end}g.f1{visibility:visible}
${frames.map((_, n) => `.f${n}{animation-delay:${(n === 0 ? 0 : n - frames.length) * SECONDS_A_FRAME}s}`).join('')}
@keyframes show{0%{visibility:visible}${share.toFixed(3)}%,100%{visibility:hidden}}
@media (prefers-reduced-motion:reduce){g{animation:none}}`
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal with the demo of Muster">
<style>${style}</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${frames.map((frame, n) => `<g class="f${n}">\n${frame.map(drawLine).join('')}</g>`).join('\n')}
</svg>
`
}

/** The length is given, so that columns meet in any font. */
function drawLine(line: string, n: number): string {
  if (line.trim() === '') return ''
  const shown = line.replace(/^ {3}(?=muster )/, ' $ ')
  const kind = /^─+ \d/.test(line) ? 'h' : shown.startsWith(' $ ') ? 'c' : /^ {2}[✓+]/.test(line) ? 'y' : ''
  const text = shown.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const y = PADDING + (n + 1) * CHAR.height - 4
  return `<text x="${PADDING}" y="${y}" textLength="${shown.length * CHAR.width}"${kind === '' ? '' : ` class="${kind}"`}>${text}</text>\n`
}
