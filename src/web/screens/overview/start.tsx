// An empty installation: the way to the first synchronization.
import { makeStyles, Text, tokens } from '@fluentui/react-components'
import { LinkButton } from '../../components/link-button.tsx'
import { Page } from '../../components/page.tsx'
import { useMay } from '../../session.ts'
import { overviewTexts as texts } from '../../texts/overview.ts'

const { steps } = texts
const STEPS = [
  [steps.connect, steps.connectText],
  [steps.check, steps.checkText],
  [steps.choose, steps.chooseText],
  [steps.preview, steps.previewText],
  [steps.synchronize, steps.synchronizeText],
] as const

const useStyles = makeStyles({
  steps: {
    listStyleType: 'none',
    margin: 0,
    padding: 0,
    display: 'flex',
    flexDirection: 'column',
    gap: '4px',
    maxWidth: '720px',
  },
  step: { display: 'flex', gap: '16px', padding: '8px 0' },
  number: {
    flexShrink: 0,
    width: '32px',
    height: '32px',
    display: 'grid',
    placeItems: 'center',
    borderRadius: '50%',
    backgroundColor: tokens.colorBrandBackground2,
    color: tokens.colorBrandForeground2,
    fontWeight: tokens.fontWeightSemibold,
  },
})

export function Start() {
  return (
    <Page title={texts.startTitle} intro={texts.startText}>
      <Steps />
    </Page>
  )
}

/** Where there is something already, but no source. */
export function Steps() {
  const styles = useStyles()
  const mayConfigure = useMay('administrator')
  return (
    <>
      <ol className={styles.steps}>
        {STEPS.map(([name, text], place) => (
          <li key={name} className={styles.step}>
            <span className={styles.number} aria-hidden>
              {place + 1}
            </span>
            <span>
              <Text block weight="semibold">
                {name}
              </Text>
              <Text block>{text}</Text>
            </span>
          </li>
        ))}
      </ol>
      <div>
        {mayConfigure ? (
          <LinkButton to="/settings/user-synchronization" search={{ add: 'entra' }} appearance="primary">
            {texts.startAction}
          </LinkButton>
        ) : (
          <Text>{texts.noSourcesViewer}</Text>
        )}
      </div>
    </>
  )
}
