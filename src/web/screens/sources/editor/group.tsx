// Settings that belong together.
import { makeStyles, Subtitle2, Text, tokens } from '@fluentui/react-components'
import type { ReactNode } from 'react'

const useStyles = makeStyles({
  group: {
    display: 'flex',
    flexDirection: 'column',
    gap: '12px',
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    paddingTop: '16px',
  },
  hint: { color: tokens.colorNeutralForeground2 },
})

export function Group(props: { readonly title: string; readonly hint?: string; readonly children: ReactNode }) {
  const styles = useStyles()
  return (
    <div className={styles.group} role="group" aria-label={props.title}>
      <div>
        <Subtitle2 as="h3" block>
          {props.title}
        </Subtitle2>
        {props.hint === undefined ? null : <Text className={styles.hint}>{props.hint}</Text>}
      </div>
      {props.children}
    </div>
  )
}
