// Settings › Sign-in: what is there and what is missing before people sign in with Microsoft, and which roles their tenants give.
import { Button, Field, Input, makeStyles, MessageBar, MessageBarBody, Select, Text } from '@fluentui/react-components'
import { ShieldPersonRegular } from '@fluentui/react-icons/svg/shield-person'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { type Role, ROLES } from '../../../contract/api/endpoint.ts'
import type { RoleMappingView, SignInSettings as Settings } from '../../../contract/api/sign-in.ts'
import { signedOutUriOf } from '../../../contract/registration.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Empty, Failed, Loading } from '../../components/states.tsx'
import { shell } from '../../texts/shell.ts'
import { signInSettingsTexts as texts } from '../../texts/sign-in-settings.ts'

const settingsQuery = queryOptions({
  queryKey: ['sign-in', 'settings'],
  queryFn: ({ signal }) => call(API.getSignInSettings, {}, { signal }),
})
const mappingsQuery = queryOptions({
  queryKey: ['role-mappings'],
  queryFn: ({ signal }) => call(API.listRoleMappings, {}, { signal }),
})
type Connection = Settings['connections'][number]

const useStyles = makeStyles({
  row: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '8px' },
  uri: { overflowWrap: 'anywhere', userSelect: 'all' },
})

export function SignInSettings() {
  const styles = useStyles()
  const settings = useQuery(settingsQuery)
  const mappings = useQuery(mappingsQuery)
  const error = settings.error ?? mappings.error
  const connections = settings.data?.connections
  // All at once: what comes later would push the rest down under one's hands.
  if (error === null && (settings.data === undefined || mappings.data === undefined))
    return (
      <Page title={texts.title} intro={texts.intro}>
        <Loading />
      </Page>
    )
  return (
    <Page title={texts.title} intro={texts.intro}>
      {error === null ? null : (
        <Failed
          error={error}
          retry={() => {
            void settings.refetch()
            void mappings.refetch()
          }}
        />
      )}
      <Section title={texts.redirect}>
        {settings.data === undefined ? null : <RedirectUri uri={settings.data.redirectUri} />}
      </Section>
      <Section title={texts.ways}>
        <ListTable
          label={texts.ways}
          columns={CONNECTION_COLUMNS}
          rows={connections}
          keyOf={(connection) => connection.name}
          empty={<Empty title={texts.noConnections} text={texts.noConnectionsText} />}
        />
      </Section>
      <Section title={texts.mappings}>
        <Text>{texts.mappingsText}</Text>
        {connections === undefined || connections.length === 0 ? null : (
          <div className={styles.row}>
            <AddMapping connections={connections.map(({ name }) => name)} />
          </div>
        )}
        <ListTable
          label={texts.mappings}
          columns={MAPPING_COLUMNS}
          rows={mappings.data?.items}
          keyOf={(mapping) => mapping.id}
          empty={<Empty icon={<ShieldPersonRegular />} title={texts.noMappings} text={texts.noMappingsText} />}
        />
      </Section>
    </Page>
  )
}

function RedirectUri({ uri }: { readonly uri: string | null }) {
  if (uri === null) {
    return (
      <MessageBar intent="warning" layout="multiline">
        <MessageBarBody>{texts.noPublicUrl}</MessageBarBody>
      </MessageBar>
    )
  }
  return (
    <>
      <Text>{texts.redirectText}</Text>
      <CopiedUri uri={uri} />
      <Text>{texts.signedOutText}</Text>
      <CopiedUri uri={signedOutUriOf(uri)} />
    </>
  )
}

function CopiedUri({ uri }: { readonly uri: string }) {
  const styles = useStyles()
  const [isCopied, setCopied] = useState(false)
  return (
    <div className={styles.row}>
      <code className={styles.uri}>{uri}</code>
      {/* The clipboard is missing where the page did not come by https. */}
      {'clipboard' in navigator ? (
        <Button
          size="small"
          {...(isCopied ? {} : { 'aria-label': texts.copyOf(uri) })}
          onClick={() => void navigator.clipboard.writeText(uri).then(() => setCopied(true))}
        >
          {isCopied ? texts.copied : texts.copy}
        </Button>
      ) : null}
    </div>
  )
}

/** What an administrator has to do before people of a connection can sign in. */
function missingOf({ lacks, sources }: Connection): readonly string[] {
  return lacks.map((lack) =>
    lack === 'source-option' ? texts.sourceOff(sources.map(({ name }) => name).join(', ')) : texts.lacks[lack],
  )
}

const CONNECTION_COLUMNS: readonly Column<Connection>[] = [
  { id: 'name', header: texts.connection, grow: 1.5, cell: (connection) => connection.name },
  {
    id: 'state',
    header: texts.state,
    always: true,
    cell: ({ lacks }) => (lacks.length === 0 ? texts.on : texts.off),
  },
  {
    id: 'sources',
    header: texts.sources,
    grow: 1.5,
    cell: ({ sources }) =>
      sources
        .filter((source) => source.useAsAuthenticationServer)
        .map((source) => source.name)
        .join(', '),
  },
  {
    id: 'missing',
    header: texts.missing,
    grow: 2.5,
    always: true,
    cell: (connection) => missingOf(connection).join('; '),
  },
]

const MAPPING_COLUMNS: readonly Column<RoleMappingView>[] = [
  { id: 'value', header: texts.value, grow: 2.5, cell: (mapping) => <code>{mapping.value}</code> },
  { id: 'kind', header: texts.kind, cell: (mapping) => texts.kinds[mapping.kind] },
  { id: 'connection', header: texts.connection, grow: 1.5, cell: (mapping) => mapping.connection },
  { id: 'role', header: texts.role, grow: 1.5, below: 'value', cell: (mapping) => shell.roles[mapping.role] },
  { id: 'remove', header: '', always: true, cell: (mapping) => <Remove mapping={mapping} /> },
]

function Remove({ mapping }: { readonly mapping: RoleMappingView }) {
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.remove}</Button>}
      title={texts.removeTitle(mapping.value)}
      action={texts.remove}
      act={async () => {
        await call(API.removeRoleMapping, { params: { mapping: mapping.id } })
        await queries.invalidateQueries({ queryKey: ['role-mappings'] })
      }}
    >
      <Text>{texts.signsOut}</Text>
    </ActionDialog>
  )
}

const KINDS = ['appRole', 'group'] as const

function AddMapping({ connections }: { readonly connections: readonly string[] }) {
  const queries = useQueryClient()
  const empty = {
    connection: connections[0] ?? '',
    kind: 'appRole' as (typeof KINDS)[number],
    value: '',
    role: 'viewer' as Role,
  }
  const [form, setForm] = useState(empty)
  return (
    <ActionDialog
      trigger={<Button appearance="primary">{texts.add}</Button>}
      title={texts.addTitle}
      action={texts.add}
      needsProof
      isReady={form.value.trim() !== ''}
      onOpen={() => setForm(empty)}
      act={async () => {
        await call(API.createRoleMapping, { body: form })
        await queries.invalidateQueries({ queryKey: ['role-mappings'] })
      }}
    >
      <Field label={texts.connection}>
        <Select value={form.connection} onChange={(_event, { value }) => setForm({ ...form, connection: value })}>
          {connections.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </Field>
      <Field label={texts.kind}>
        <Select
          value={form.kind}
          onChange={(_event, { value }) =>
            setForm({ ...form, kind: KINDS.find((kind) => kind === value) ?? 'appRole' })
          }
        >
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {texts.kinds[kind]}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={texts.values[form.kind]} hint={texts.valueHints[form.kind]} required>
        <Input
          value={form.value}
          maxLength={200}
          autoComplete="off"
          onChange={(_event, { value }) => setForm({ ...form, value })}
        />
      </Field>
      <Field label={texts.role}>
        <Select
          value={form.role}
          onChange={(_event, { value }) => setForm({ ...form, role: ROLES.find((role) => role === value) ?? 'viewer' })}
        >
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {shell.roles[role]}
            </option>
          ))}
        </Select>
      </Field>
      <Text>{texts.signsOut}</Text>
    </ActionDialog>
  )
}
