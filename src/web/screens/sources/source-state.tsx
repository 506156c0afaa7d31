// How a source is doing, in a word and a sentence.
import { makeStyles, Text, tokens } from '@fluentui/react-components'
import type { SourceLine } from '../../../contract/api/sources.ts'
import { RunLink } from '../../components/run-link.tsx'
import { Status } from '../../components/status.tsx'
import { sourcesTexts as texts } from '../../texts/sources.ts'

const useStyles = makeStyles({
  state: { display: 'flex', flexDirection: 'column', alignItems: 'flex-start', gap: '4px' },
  reason: { color: tokens.colorNeutralForeground2 },
})

export function SourceState({ source }: { readonly source: SourceLine }) {
  const styles = useStyles()
  const { health } = source
  return (
    <div className={styles.state}>
      <Word source={source} />
      {health.state === 'healthy' || health.reason === null ? null : (
        <Text size={200} className={styles.reason}>
          {health.reason} {health.remedy}
        </Text>
      )}
      {source.waiting === null ? null : <RunLink run={source.waiting.run}>{texts.review}</RunLink>}
    </div>
  )
}

function Word({ source }: { readonly source: SourceLine }) {
  if (source.running !== null)
    return (
      <RunLink run={source.running.run}>
        <Status mood="busy">{texts.running}</Status>
      </RunLink>
    )
  if (source.waiting !== null) return <Status mood="waiting">{texts.held}</Status>
  if (!source.enabled) return <Status mood="off">{texts.disabled}</Status>
  switch (source.health.state) {
    case 'degraded':
      return <Status mood="warning">{texts.states.degraded}</Status>
    case 'quarantined':
      return <Status mood="bad">{texts.states.quarantined}</Status>
    case 'healthy':
      return source.awaitsFirstRun ? (
        <Status mood="off">{texts.notSynchronized}</Status>
      ) : (
        <Status mood="good">{texts.states.healthy}</Status>
      )
  }
}
