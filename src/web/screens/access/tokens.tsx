// API tokens: made, shown once, revoked.
import { Badge, Button, Checkbox, Field, Input, makeStyles, Text } from '@fluentui/react-components'
import { KeyRegular } from '@fluentui/react-icons/svg/key'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ApiToken } from '../../../contract/api/administration.ts'
import { API } from '../../../contract/api/api.ts'
import { SCOPES, type Scope } from '../../../contract/api/endpoint.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { ShowOnce } from '../../components/show-once.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime, Time } from '../../components/time.tsx'
import { accessTexts as texts } from '../../texts/access.ts'
import { shell } from '../../texts/shell.ts'

const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => call(API.listTokens, {}, { signal }),
})

const useStyles = makeStyles({
  scopes: { display: 'flex', flexDirection: 'column' },
  buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
})

export function Tokens() {
  const styles = useStyles()
  const { data, error, refetch } = useQuery(tokensQuery)
  return (
    <Page title={texts.tokens} intro={texts.tokensIntro}>
      <div className={styles.buttons}>
        <AddToken />
        <Button as="a" href="/api/docs" target="_blank" rel="noreferrer">
          {shell.help}
        </Button>
      </div>
      {error === null ? (
        <ListTable
          label={texts.tokens}
          columns={COLUMNS}
          rows={data?.items}
          keyOf={(token) => token.id}
          empty={<Empty icon={<KeyRegular />} title={texts.noTokens} text={texts.noTokensText} />}
        />
      ) : (
        <Failed error={error} retry={() => void refetch()} />
      )}
    </Page>
  )
}

const COLUMNS: readonly Column<ApiToken>[] = [
  { id: 'name', header: texts.name, grow: 1.6, cell: (token) => token.name },
  { id: 'prefix', header: texts.begins, grow: 1.2, below: 'name', cell: (token) => <code>{token.prefix}…</code> },
  { id: 'scopes', header: texts.scopes, grow: 2, always: true, cell: (token) => token.scopes.join(', ') },
  {
    id: 'by',
    header: texts.createdBy,
    grow: 1.4,
    below: 'scopes',
    isNamedBelow: true,
    cell: ({ createdBy, makerRole }) => (
      <>
        {createdBy} {makerRole === null ? <Badge color="warning">{texts.suspended}</Badge> : null}
        {makerRole === null || makerRole === 'administrator' ? null : (
          <Badge appearance="outline">{texts.onlyAs(makerRole)}</Badge>
        )}
      </>
    ),
  },
  {
    id: 'used',
    header: texts.lastUsed,
    grow: 1.2,
    below: 'scopes',
    isNamedBelow: true,
    cell: (token) => <RelativeTime at={token.lastUsedAt} />,
  },
  {
    id: 'ends',
    header: texts.expires,
    grow: 1.2,
    below: 'scopes',
    isNamedBelow: true,
    cell: (token) => <Time at={token.expiresAt} none={texts.noEnd} />,
  },
  { id: 'revoke', header: '', always: true, cell: (token) => <Revoke token={token} /> },
]

function Revoke({ token }: { readonly token: ApiToken }) {
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.revoke}</Button>}
      title={texts.revokeTitle(token.name)}
      action={texts.revoke}
      act={async () => {
        await call(API.revokeToken, { params: { token: token.id } })
        await queries.invalidateQueries({ queryKey: ['tokens'] })
      }}
    >
      <Text>{texts.revokeText}</Text>
    </ActionDialog>
  )
}

interface Form {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly days: string
}

/** A year: long enough not to be a nuisance, short enough to be asked about. */
const EMPTY: Form = { name: '', scopes: ['read'], days: '365' }

function AddToken() {
  const styles = useStyles()
  const [form, setForm] = useState(EMPTY)
  const [made, setMade] = useState<string>()
  const queries = useQueryClient()
  const days = form.days.trim() === '' ? null : Number(form.days)
  const isDays = days === null || (Number.isInteger(days) && days >= 1 && days <= 3650)
  return (
    <>
      <ActionDialog
        trigger={<Button appearance="primary">{texts.addToken}</Button>}
        title={texts.addTokenTitle}
        action={texts.add}
        needsProof
        isReady={form.name.trim() !== '' && form.scopes.length > 0 && isDays}
        onOpen={() => setForm(EMPTY)}
        act={async () => {
          const body = { name: form.name.trim(), scopes: [...form.scopes], days }
          const answer = await call(API.createToken, { body })
          setMade(answer.token)
          await queries.invalidateQueries({ queryKey: ['tokens'] })
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
        <Field label={texts.scopes}>
          <div role="group" aria-label={texts.scopes} className={styles.scopes}>
            {SCOPES.map((scope) => (
              <Checkbox
                key={scope}
                label={texts.scopeNames[scope]}
                checked={form.scopes.includes(scope)}
                onChange={(_event, { checked }) =>
                  setForm({
                    ...form,
                    scopes: SCOPES.filter((one) => (one === scope ? checked === true : form.scopes.includes(one))),
                  })
                }
              />
            ))}
          </div>
        </Field>
        <Field label={texts.days} hint={texts.daysHint} validationState={isDays ? 'none' : 'error'}>
          <Input
            inputMode="numeric"
            value={form.days}
            onChange={(_event, { value }) => setForm({ ...form, days: value })}
          />
        </Field>
      </ActionDialog>
      <ShowOnce
        title={texts.theToken}
        text={texts.theTokenText}
        value={made}
        isLong
        onDone={() => setMade(undefined)}
      />
    </>
  )
}
