// The log of a run that has ended.
import { Button, makeStyles, Text, tokens } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { RunLogLine } from '../../../contract/run-log.ts'
import { logLineInWords } from '../../../contract/run-log-words.ts'
import { addressOf, call } from '../../api.ts'
import { Failed, Loading } from '../../components/states.tsx'
import { Time } from '../../components/time.tsx'
import { runsTexts as texts } from '../../texts/runs.ts'

const useStyles = makeStyles({
  buttons: { display: 'flex', gap: '8px', flexWrap: 'wrap' },
  lines: {
    listStyleType: 'none',
    margin: 0,
    padding: '8px 12px',
    maxHeight: '360px',
    overflow: 'auto',
    overflowWrap: 'anywhere',
    fontSize: tokens.fontSizeBase200,
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: tokens.borderRadiusMedium,
  },
  warn: { color: tokens.colorStatusWarningForeground3 },
  error: { color: tokens.colorStatusDangerForeground1 },
})

export function RunLog({ run, isOpen }: { readonly run: string; readonly isOpen: boolean }) {
  const styles = useStyles()
  const [isShown, setShown] = useState(isOpen)
  return (
    <>
      <div className={styles.buttons}>
        {isShown ? null : <Button onClick={() => setShown(true)}>{texts.showLog}</Button>}
        <Button as="a" href={addressOf(API.saveRunLog, { params: { run } })} download>
          {texts.saveLog}
        </Button>
      </div>
      {isShown ? <Lines run={run} /> : null}
    </>
  )
}

function Lines({ run }: { readonly run: string }) {
  const styles = useStyles()
  const { data, error, refetch } = useQuery({
    queryKey: ['run', run, 'log'],
    queryFn: ({ signal }) => readWholeLog(run, signal),
  })
  if (error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading />
  if (data.length === 0) return <Text>{texts.logEmpty}</Text>
  return (
    // A part that scrolls has to be reachable by keyboard.
    <ol className={styles.lines} aria-label={texts.log} tabIndex={0}>
      {data.map((line) => (
        <li key={line.seq} className={line.level === 'error' ? styles.error : line.level === 'warn' ? styles.warn : ''}>
          <Time at={line.at} /> {logLineInWords(line)}
        </li>
      ))}
    </ol>
  )
}

/** A log has some hundred lines at most. */
const MOST_LINES = 5_000

async function readWholeLog(run: string, signal: AbortSignal): Promise<readonly RunLogLine[]> {
  const lines: RunLogLine[] = []
  for (;;) {
    const page = await call(API.listRunLog, { params: { run }, query: { after: lines.at(-1)?.seq ?? 0 } }, { signal })
    lines.push(...page.items)
    if (page.items.length === 0 || lines.length >= MOST_LINES) return lines
  }
}
