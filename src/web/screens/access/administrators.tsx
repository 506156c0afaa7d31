// Who may use these pages.
import { Button, Field, Input, makeStyles, Radio, RadioGroup, Switch, Text } from '@fluentui/react-components'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Account, PersonWithRole } from '../../../contract/api/administration.ts'
import { API } from '../../../contract/api/api.ts'
import { ROLES, type Role } from '../../../contract/api/endpoint.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { Breakable } from '../../components/breakable.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page, Section } from '../../components/page.tsx'
import { SessionTable } from '../../components/session-table.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { formatNumber } from '../../format.ts'
import { useSession } from '../../session.ts'
import { accessTexts as texts } from '../../texts/access.ts'
import { shell } from '../../texts/shell.ts'

const accountsQuery = queryOptions({
  queryKey: ['accounts'],
  queryFn: ({ signal }) => call(API.listAccounts, {}, { signal }),
})

const peopleQuery = queryOptions({
  queryKey: ['people-with-roles'],
  queryFn: ({ signal }) => call(API.listPeopleWithRoles, {}, { signal }),
})

const usePeople = () => useQuery(peopleQuery)

const useStyles = makeStyles({ buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' } })

export function Administrators() {
  const styles = useStyles()
  const { data, error, refetch } = useQuery(accountsQuery)
  // Asked for at once, and shown where it stays: below accounts of which nobody knows yet how many there are, it would move.
  const people = usePeople()
  const [looked, setLooked] = useState<string>()
  const account = data?.items.find(({ id }) => id === looked)
  return (
    <Page title={texts.administrators} intro={<Intro />}>
      <div className={styles.buttons}>
        <AddAccount />
      </div>
      {error === null ? (
        <ListTable
          label={texts.administrators}
          columns={columnsOf(setLooked)}
          rows={data?.items}
          keyOf={(account) => account.id}
          empty={<Empty title={texts.administrators} />}
        />
      ) : (
        <Failed error={error} retry={() => void refetch()} />
      )}
      {account === undefined ? null : (
        <Section title={texts.sessionsOf(account.name)}>
          <SessionTable label={texts.sessionsOf(account.name)} owner={{ account: account.id }} />
        </Section>
      )}
      {data === undefined && error === null ? null : (
        <Section title={texts.people}>
          <People data={people.data} error={people.error} refetch={people.refetch} />
        </Section>
      )}
    </Page>
  )
}

function People({ data, error, refetch }: Pick<ReturnType<typeof usePeople>, 'data' | 'error' | 'refetch'>) {
  if (error !== null) return <Failed error={error} retry={() => void refetch()} />
  return (
    <>
      <Text>{texts.peopleText}</Text>
      <ListTable
        label={texts.people}
        columns={PEOPLE}
        rows={data?.items}
        keyOf={({ id }) => id}
        empty={<Empty title={texts.noPeople} text={texts.noPeopleText} />}
      />
    </>
  )
}

const PEOPLE: readonly Column<PersonWithRole>[] = [
  {
    id: 'name',
    header: texts.name,
    grow: 2,
    cell: ({ id, userName }) => (
      <RouterLink to="/users/$user" params={{ user: id }}>
        <Breakable text={userName} />
      </RouterLink>
    ),
  },
  { id: 'role', header: texts.role, grow: 1.2, below: 'name', cell: ({ role }) => shell.roles[role] },
  {
    id: 'status',
    header: texts.status,
    grow: 1.4,
    below: 'name',
    isNamedBelow: true,
    cell: ({ maySignIn }) => (
      <Status mood={maySignIn ? 'good' : 'off'}>{maySignIn ? texts.enabled : texts.disabled}</Status>
    ),
  },
  { id: 'connection', header: texts.connection, grow: 1.2, cell: ({ connection }) => connection },
  {
    id: 'mapped',
    header: texts.mappedBy,
    grow: 2,
    below: 'name',
    isNamedBelow: true,
    cell: ({ mappedBy }) => <Breakable text={mappedInWords(mappedBy)} />,
  },
  {
    id: 'last',
    header: texts.lastSignIn,
    grow: 1.2,
    below: 'name',
    isNamedBelow: true,
    cell: ({ signedInAt }) => <RelativeTime at={signedInAt} />,
  },
  { id: 'sessions', header: texts.sessions, cell: ({ sessions }) => formatNumber(sessions) },
]

function mappedInWords(mappings: PersonWithRole['mappedBy']): string {
  const all = mappings.map(({ kind, value }) => `${texts.mappedByKinds[kind]} ${value}`)
  return all.length === 0 ? texts.mappedByNone : all.join(texts.mappedByAny)
}

function Intro() {
  return (
    <>
      {texts.administratorsIntro} <RouterLink to="/settings/sign-in">{texts.administratorsOfEntra}</RouterLink>
    </>
  )
}

const columnsOf = (look: (account: string) => void): readonly Column<Account>[] => [
  { id: 'name', header: texts.name, grow: 2, cell: (account) => account.name },
  { id: 'role', header: texts.role, grow: 1.2, below: 'name', cell: (account) => shell.roles[account.role] },
  {
    id: 'status',
    header: texts.status,
    grow: 1.4,
    cell: ({ enabled }) => <Status mood={enabled ? 'good' : 'off'}>{enabled ? texts.enabled : texts.disabled}</Status>,
  },
  {
    id: 'factor',
    header: texts.secondFactor,
    grow: 1.2,
    cell: ({ secondFactor }) => (
      <Status mood={secondFactor ? 'good' : 'off'}>{secondFactor ? texts.withFactor : texts.withoutFactor}</Status>
    ),
  },
  { id: 'last', header: texts.lastSignIn, grow: 1.2, cell: (account) => <RelativeTime at={account.lastSignInAt} /> },
  {
    id: 'sessions',
    header: texts.sessions,
    cell: ({ id, sessions }) => (
      <Button size="small" appearance="subtle" aria-label={`${texts.sessions}: ${sessions}`} onClick={() => look(id)}>
        {formatNumber(sessions)}
      </Button>
    ),
  },
  { id: 'actions', header: texts.actions, grow: 1.6, always: true, cell: (account) => <Actions account={account} /> },
]

function Actions({ account }: { readonly account: Account }) {
  const styles = useStyles()
  const queries = useQueryClient()
  const self = useSession()?.account
  const isOwn = self?.kind === 'account' && self.id === account.id
  return (
    <div className={styles.buttons}>
      <ChangeAccount account={account} isOwn={isOwn} />
      {account.secondFactor && !isOwn ? (
        <ActionDialog
          trigger={<Button size="small">{texts.resetFactor}</Button>}
          title={texts.resetFactorTitle(account.name)}
          action={texts.resetFactor}
          act={async () => {
            await call(API.resetSecondFactor, { params: { account: account.id } })
            await queries.invalidateQueries({ queryKey: ['accounts'] })
          }}
        >
          <Text>{texts.resetFactorText}</Text>
        </ActionDialog>
      ) : null}
      <ActionDialog
        trigger={<Button size="small">{texts.remove}</Button>}
        title={texts.removeTitle(account.name)}
        action={texts.remove}
        act={async () => {
          await call(API.removeAccount, { params: { account: account.id } })
          await queries.invalidateQueries({ queryKey: ['accounts'] })
        }}
      >
        <Text>{texts.removeText}</Text>
      </ActionDialog>
    </div>
  )
}

function RoleField({ role, setRole }: { readonly role: Role; readonly setRole: (role: Role) => void }) {
  return (
    <Field label={texts.role} hint={texts.rolesHint}>
      <RadioGroup
        value={role}
        onChange={(_event, { value }) => setRole(ROLES.find((known) => known === value) ?? 'viewer')}
      >
        {ROLES.map((known) => (
          <Radio key={known} value={known} label={shell.roles[known]} />
        ))}
      </RadioGroup>
    </Field>
  )
}

function AddAccount() {
  const [form, setForm] = useState<{ name: string; password: string; role: Role }>(EMPTY)
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button appearance="primary">{texts.addAdministrator}</Button>}
      title={texts.addTitle}
      action={texts.add}
      needsProof
      isReady={form.name.trim() !== '' && form.password !== ''}
      onOpen={() => setForm(EMPTY)}
      act={async () => {
        await call(API.createAccount, { body: { ...form, name: form.name.trim() } })
        await queries.invalidateQueries({ queryKey: ['accounts'] })
      }}
    >
      <Field label={texts.name} required>
        <Input
          value={form.name}
          maxLength={100}
          autoComplete="off"
          onChange={(_event, { value }) => setForm({ ...form, name: value })}
        />
      </Field>
      <Field label={texts.password} hint={texts.passwordHint} required>
        <Input
          type="password"
          value={form.password}
          autoComplete="new-password"
          onChange={(_event, { value }) => setForm({ ...form, password: value })}
        />
      </Field>
      <RoleField role={form.role} setRole={(role) => setForm({ ...form, role })} />
    </ActionDialog>
  )
}

const EMPTY = { name: '', password: '', role: 'viewer' as Role }

function ChangeAccount({ account, isOwn }: { readonly account: Account; readonly isOwn: boolean }) {
  const before = { role: account.role, enabled: account.enabled, password: '' }
  const [form, setForm] = useState(before)
  const [seen, setSeen] = useState({ role: account.role, enabled: account.enabled })
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.change}</Button>}
      title={texts.changeTitle(account.name)}
      action={texts.save}
      needsProof
      onOpen={() => {
        setSeen({ role: account.role, enabled: account.enabled })
        setForm(before)
      }}
      act={async () => {
        const { role, enabled, password } = form
        const body = { role, enabled, seen, ...(password === '' ? {} : { password }) }
        try {
          await call(API.changeAccount, { params: { account: account.id }, body })
        } finally {
          await queries.invalidateQueries({ queryKey: ['accounts'] })
        }
      }}
    >
      <RoleField role={form.role} setRole={(role) => setForm({ ...form, role })} />
      <Switch
        label={texts.enabled}
        checked={form.enabled}
        onChange={(_event, { checked }) => setForm({ ...form, enabled: checked })}
      />
      {isOwn ? (
        <Text>{texts.ownPassword}</Text>
      ) : (
        <Field label={texts.newPassword} hint={`${texts.newPasswordHint} ${texts.passwordHint}`}>
          <Input
            type="password"
            value={form.password}
            autoComplete="new-password"
            onChange={(_event, { value }) => setForm({ ...form, password: value })}
          />
        </Field>
      )}
      <Text>{texts.signsOut}</Text>
    </ActionDialog>
  )
}
