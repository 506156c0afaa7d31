// States as words with a colour and a sign: never the colour alone.
import { Badge, type BadgeProps, makeStyles } from '@fluentui/react-components'
import { CheckmarkCircleFilled } from '@fluentui/react-icons/svg/checkmark-circle'
import { ClockFilled } from '@fluentui/react-icons/svg/clock'
import { DismissCircleFilled } from '@fluentui/react-icons/svg/dismiss-circle'
import { ErrorCircleFilled } from '@fluentui/react-icons/svg/error-circle'
import { SubtractCircleFilled } from '@fluentui/react-icons/svg/subtract-circle'
import { WarningFilled } from '@fluentui/react-icons/svg/warning'
import type { ReactElement } from 'react'

export type Mood = 'good' | 'busy' | 'waiting' | 'warning' | 'bad' | 'off'

const LOOK: Readonly<Record<Mood, { readonly color: NonNullable<BadgeProps['color']>; readonly icon: ReactElement }>> =
  {
    good: { color: 'success', icon: <CheckmarkCircleFilled /> },
    busy: { color: 'brand', icon: <ClockFilled /> },
    waiting: { color: 'warning', icon: <ErrorCircleFilled /> },
    warning: { color: 'warning', icon: <WarningFilled /> },
    bad: { color: 'danger', icon: <DismissCircleFilled /> },
    off: { color: 'informative', icon: <SubtractCircleFilled /> },
  }

const useStyles = makeStyles({
  badge: {
    whiteSpace: 'nowrap',
    // Longer than a column of a telephone is wide.
    '@media (max-width: 480px)': { whiteSpace: 'normal', height: 'auto', minHeight: '24px' },
  },
})

export function Status({ mood, children }: { readonly mood: Mood; readonly children: string }) {
  const styles = useStyles()
  const { color, icon } = LOOK[mood]
  return (
    <Badge className={styles.badge} appearance="tint" size="large" shape="rounded" color={color} icon={icon}>
      {children}
    </Badge>
  )
}
