// What Check connection found: what works, what does not, what to do about it.
import {
  Link,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Text,
  tokens,
} from '@fluentui/react-components'
import { CheckmarkCircleFilled } from '@fluentui/react-icons/svg/checkmark-circle'
import { DismissCircleFilled } from '@fluentui/react-icons/svg/dismiss-circle'
import { WarningFilled } from '@fluentui/react-icons/svg/warning'
import type { CheckFinding } from '../../../contract/api/connections.ts'
import { connectionTexts as texts } from '../../texts/connections.ts'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '8px' },
  one: { display: 'flex', gap: '8px', alignItems: 'flex-start', overflowWrap: 'anywhere' },
  icon: { flexShrink: 0, fontSize: '20px', lineHeight: 1 },
  good: { color: tokens.colorStatusSuccessForeground1 },
  warning: { color: tokens.colorStatusWarningForeground1 },
  bad: { color: tokens.colorStatusDangerForeground1 },
  remedy: { color: tokens.colorNeutralForeground2 },
  all: { display: 'flex', flexDirection: 'column', gap: '8px' },
})

export function Findings({
  findings,
  isGood,
}: {
  readonly findings: readonly CheckFinding[]
  readonly isGood: boolean
}) {
  const styles = useStyles()
  return (
    <div className={styles.all} role="status">
      <MessageBar intent={isGood ? 'success' : 'error'}>
        <MessageBarBody>
          <MessageBarTitle>{isGood ? texts.good : texts.bad}</MessageBarTitle>
        </MessageBarBody>
      </MessageBar>
      <ul className={styles.list}>
        {findings.map((finding) => (
          <li key={`${finding.check} ${finding.message}`} className={styles.one}>
            {finding.ok && finding.remedy !== '' ? (
              <WarningFilled className={mergeClasses(styles.icon, styles.warning)} aria-label={texts.warning} />
            ) : finding.ok ? (
              <CheckmarkCircleFilled className={mergeClasses(styles.icon, styles.good)} aria-label={texts.ok} />
            ) : (
              <DismissCircleFilled className={mergeClasses(styles.icon, styles.bad)} aria-label={texts.notOk} />
            )}
            <span>
              <Text block>{finding.message}</Text>
              {finding.remedy === '' ? null : (
                <Text block className={styles.remedy}>
                  {finding.remedy}
                </Text>
              )}
              {finding.link === null ? null : (
                <Link inline href={finding.link} target="_blank" rel="noreferrer">
                  {texts.consent}
                </Link>
              )}
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}
