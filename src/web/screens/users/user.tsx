// One user: what is known of him, who decides about it, and what can be done.
import {
  Badge,
  Button,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Text,
  tokens,
} from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { UserView } from '../../../contract/api/users.ts'
import { Breakable } from '../../components/breakable.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { type Fact, Facts } from '../../components/facts.tsx'
import { Page, Section } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { Empty, Failed, Loading } from '../../components/states.tsx'
import { SessionTable } from '../../components/session-table.tsx'
import { Status } from '../../components/status.tsx'
import { Time } from '../../components/time.tsx'
import { useNarrow } from '../../components/use-narrow.ts'
import { useMay } from '../../session.ts'
import { changeTexts } from '../../texts/changes.ts'
import { usersTexts as texts } from '../../texts/users.ts'
import { UserActions } from './user-actions.tsx'
import { Cards } from './user-cards.tsx'
import { UserHistory } from './user-history.tsx'
import { userQuery } from './user-queries.ts'

const route = getRouteApi('/inside/users/$user')

const useStyles = makeStyles({
  columns: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 3fr) minmax(0, 2fr)',
    gap: '16px 48px',
    alignItems: 'start',
    '@media (max-width: 1100px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  beside: { display: 'flex', flexDirection: 'column', gap: '16px' },
  none: { color: tokens.colorNeutralForeground3 },
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '6px' },
})

export function User() {
  const styles = useStyles()
  const { user: id } = route.useParams()
  const { data: user, error, refetch } = useQuery(userQuery(id))
  const isAdministrator = useMay('administrator')
  if (user === undefined) {
    return (
      <Page title={texts.title}>
        {error === null ? <Loading /> : <Failed error={error} retry={() => void refetch()} />}
      </Page>
    )
  }
  const fullName = user.fields.find(({ field }) => field === 'fullName')?.value
  return (
    <Page
      title={user.userName}
      isWide
      aside={
        <>
          <Status mood={user.active ? 'good' : 'off'}>{user.active ? texts.active : texts.deactivated}</Status>
          {user.protected ? <Badge appearance="outline">{texts.protected}</Badge> : null}
        </>
      }
      {...(typeof fullName === 'string' ? { intro: fullName } : {})}
    >
      <Deactivated user={user} />
      <UserActions user={user} />
      <div className={styles.columns}>
        <Section title={texts.fields}>
          <Fields fields={user.fields} />
        </Section>
        <div className={styles.beside}>
          <Section title={texts.aliases}>
            <Aliases user={user} />
          </Section>
          <Cards user={user} />
          <Section title={texts.groups}>
            <UserGroups user={user} />
          </Section>
          <Section title={texts.facts}>
            <Facts label={texts.facts} facts={factsOf(user)} />
          </Section>
        </div>
      </div>
      {isAdministrator && user.objectId !== null ? (
        <Section title={texts.sessions}>
          <SessionTable label={texts.sessions} owner={{ user: user.id }} />
        </Section>
      ) : null}
      <Section title={texts.history}>
        <UserHistory user={user.id} userName={user.userName} objectId={user.objectId} />
      </Section>
    </Page>
  )
}

function Deactivated({ user: { deactivated } }: { readonly user: UserView }) {
  if (deactivated === null) return null
  return (
    <MessageBar intent="info" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{texts.deactivatedBy[deactivated.by]}</MessageBarTitle>
        {deactivated.reason} · <Time at={deactivated.at} />
      </MessageBarBody>
    </MessageBar>
  )
}

const FIELD_COLUMNS: readonly Column<UserView['fields'][number]>[] = [
  { id: 'field', header: texts.field, grow: 1.2, cell: ({ field }) => changeTexts.fieldName(field) },
  { id: 'value', header: texts.value, grow: 2.6, always: true, cell: (field) => <Value {...field} /> },
  { id: 'owner', header: texts.decidedBy, grow: 1.2, cell: ({ owner }) => owner ?? texts.registry },
]

/** On a phone those that are empty are asked for. */
function Fields({ fields }: Pick<UserView, 'fields'>) {
  const isNarrow = useNarrow()
  const [isWhole, setWhole] = useState(false)
  const filled = fields.filter(({ value }) => value !== null && value.length > 0)
  const isFolded = isNarrow && !isWhole && filled.length < fields.length
  return (
    <>
      <ListTable
        label={texts.fields}
        columns={FIELD_COLUMNS}
        rows={isFolded ? filled : fields}
        keyOf={({ field }) => field}
        isCompact
        empty={<Empty title={changeTexts.empty} />}
      />
      {isFolded ? (
        <div>
          <Button size="small" onClick={() => setWhole(true)}>
            {texts.emptyFields(fields.length - filled.length)}
          </Button>
        </div>
      ) : null}
    </>
  )
}

/** On a phone with who decides below it, where the column for that has no room. */
function Value({ value, owner }: UserView['fields'][number]) {
  const styles = useStyles()
  const isNarrow = useNarrow()
  const text = value === null || typeof value === 'string' ? value : value.join(', ')
  return (
    <>
      {text === null || text === '' ? (
        <span className={styles.none}>{changeTexts.empty}</span>
      ) : (
        <Breakable text={text} />
      )}
      {isNarrow && owner !== null ? (
        <Text size={200} className={styles.none}>
          {' '}
          · {owner}
        </Text>
      ) : null}
    </>
  )
}

function Aliases({ user: { aliases } }: { readonly user: UserView }) {
  const styles = useStyles()
  if (aliases.length === 0) return texts.noAliases
  return (
    <ul className={styles.list}>
      {aliases.map(({ value, origin, isHeld }) => (
        <li key={value}>
          {value} <Badge appearance="outline">{texts.origins[origin]}</Badge>{' '}
          {isHeld ? null : <Badge color="warning">{texts.parked}</Badge>}
        </li>
      ))}
    </ul>
  )
}

function UserGroups({ user: { groups } }: { readonly user: UserView }) {
  const styles = useStyles()
  if (groups.length === 0) return texts.noGroups
  return (
    <ul className={styles.list}>
      {groups.map((group) => (
        <li key={group.id}>
          <RouterLink to="/groups/$group" params={{ group: group.id }}>
            {group.path}
          </RouterLink>{' '}
          {group.isDefault ? <Badge>{texts.isDefault}</Badge> : null}{' '}
          {group.sources.length === 0 ? null : texts.givenBy(group.sources.join(', '))}{' '}
          {group.byHand ? <Badge appearance="outline">{texts.byHand}</Badge> : null}
        </li>
      ))}
    </ul>
  )
}

function factsOf(user: UserView): readonly Fact[] {
  const facts: Fact[] = [{ name: texts.source, value: user.source ?? texts.local }]
  if (user.connection !== null) facts.push({ name: texts.connection, value: user.connection })
  if (user.objectId !== null) facts.push({ name: texts.objectId, value: <code>{user.objectId}</code> })
  if (user.tenantId !== null) facts.push({ name: texts.tenantId, value: <code>{user.tenantId}</code> })
  facts.push({ name: texts.since, value: <Time at={user.createdAt} /> })
  return facts
}
