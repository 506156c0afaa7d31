// The log on a terminal: a person reads it as it comes, so a line is a sentence. Anywhere else a program does, and gets JSON lines.
import { allowedFields, type Log, type LogFields } from '../base/log.ts'
import { LOG_LEVELS, type LogLevel } from '../base/setting-values.ts'
import { logLineInWords } from '../contract/run-log-words.ts'
import { printable, type Output } from './io.ts'

/** To the first column and the line emptied: a progress bar may stand there, and is drawn again below. */
const OVER_THE_BAR = '\r\u001B[K'

export function createTerminalLog(terminal: Output, options: { readonly level: LogLevel }): Log {
  const least = LOG_LEVELS.indexOf(options.level)
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) < least) return
    const words = printable(logLineInWords({ message, fields: allowedFields(fields) }))
    terminal.write(`${OVER_THE_BAR}${level === 'info' ? '' : `${level}: `}${words}\n`)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
