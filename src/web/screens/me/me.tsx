// One's own page, for whoever signed in with Microsoft: what is kept of him, his PIN, his sessions.
import { Badge, Button, makeStyles, MessageBar, MessageBarBody, Text } from '@fluentui/react-components'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { OwnPage } from '../../../contract/api/sign-in.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { Facts } from '../../components/facts.tsx'
import { Page, Section } from '../../components/page.tsx'
import { ShowOnce } from '../../components/show-once.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { formatDay } from '../../format.ts'
import { meTexts as texts } from '../../texts/me.ts'
import { shell } from '../../texts/shell.ts'
import { SessionTable, sessionsQuery } from '../../components/session-table.tsx'
import { devicesQuery, OwnDevices } from './own-devices.tsx'

const ownPageQuery = queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => call(API.getOwnPage, {}, { signal }) })

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '6px' },
  row: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '8px' },
  path: { overflowWrap: 'anywhere' },
})

export function Me() {
  const { data, error, refetch, isPending } = useQuery(ownPageQuery)
  const devices = useQuery(devicesQuery)
  const sessions = useQuery(sessionsQuery('self'))
  // Nobody knows how high any of it will be, and whatever came later would push the rest away from who is about to press something.
  if (isPending || devices.isPending || sessions.isPending) {
    return (
      <Page title={texts.title} intro={texts.intro}>
        <Loading />
      </Page>
    )
  }
  return (
    <Page title={texts.title} intro={texts.intro}>
      {error === null ? null : <Failed error={error} retry={() => void refetch()} />}
      {data === undefined ? null : <About me={data} />}
      <Section title={texts.devices}>
        <Text>{texts.devicesText}</Text>
        <OwnDevices />
      </Section>
      <Section title={texts.sessions}>
        <SessionTable label={texts.sessions} owner="self" />
      </Section>
    </Page>
  )
}

function About({ me }: { readonly me: OwnPage }) {
  const styles = useStyles()
  const facts = [
    { name: texts.userName, value: me.userName },
    { name: texts.fullName, value: me.fullName },
    { name: texts.email, value: me.email },
    { name: texts.department, value: me.department },
    { name: texts.aliases, value: me.aliases.join('\n') },
    { name: texts.connection, value: me.connection },
    { name: texts.role, value: me.role === null ? texts.noRole : shell.roles[me.role] },
  ]
  return (
    <>
      {me.roleProblem === null ? null : (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>{texts.roleProblem}</MessageBarBody>
        </MessageBar>
      )}
      <Section title={texts.facts}>
        <Facts label={texts.facts} facts={facts.filter(({ value }) => value !== null && value !== '')} />
      </Section>
      <Section title={texts.pin}>
        <Pin pin={me.pin} />
      </Section>
      <Section title={texts.cards}>
        {me.cards.length === 0 ? <Text>{texts.noCards}</Text> : null}
        <ul className={styles.list} aria-label={texts.cards}>
          {me.cards.map((card, at) => (
            // Masked cards may look alike.
            // oxlint-disable-next-line react/no-array-index-key
            <li key={at} className={styles.row}>
              <code>{card.value}</code>
              {card.registeredAt === null ? null : (
                <Text>{texts.registeredAt(card.registeredAt, formatDay(card.since))}</Text>
              )}
              {card.registeredAt === null && !card.isOfSource ? (
                <Text>{texts.addedAt(formatDay(card.since))}</Text>
              ) : null}
              {card.isHeld ? null : <Badge color="warning">{texts.parked}</Badge>}
            </li>
          ))}
        </ul>
      </Section>
      <Section title={texts.groups}>
        {me.groups.length === 0 ? <Text>{texts.noGroups}</Text> : null}
        <ul className={styles.list} aria-label={texts.groups}>
          {me.groups.map(({ path }) => (
            <li key={path} className={styles.path}>
              {path}
            </li>
          ))}
        </ul>
      </Section>
    </>
  )
}

function Pin({ pin }: { readonly pin: OwnPage['pin'] }) {
  const styles = useStyles()
  const queries = useQueryClient()
  const [drawn, setDrawn] = useState<string>()
  return (
    <div className={styles.row}>
      <Text>
        {pin.isSet ? texts.pinSet : texts.pinNone} {pin.isOwn ? '' : texts.pinOfSource}
      </Text>
      {pin.isOwn ? (
        <ActionDialog
          trigger={<Button>{texts.newPin}</Button>}
          title={texts.newPinTitle}
          action={texts.newPin}
          act={async () => {
            const answer = await call(API.drawOwnPin, {})
            setDrawn(answer.pin)
            await queries.invalidateQueries({ queryKey: ['me'] })
          }}
        >
          <Text>{texts.newPinText}</Text>
        </ActionDialog>
      ) : null}
      <ShowOnce title={texts.thePin} text={texts.thePinText} value={drawn} onDone={() => setDrawn(undefined)} />
    </div>
  )
}
