// A connection: made or changed, and checked before it is saved.
import {
  Button,
  Dropdown,
  Field,
  Input,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Option,
  Spinner,
  Subtitle2,
  Switch,
  tokens,
} from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffectEvent, useLayoutEffect, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { ConnectionForm as Form, ConnectionView } from '../../../contract/api/connections.ts'
import { CLOUDS } from '../../../directory/clouds.ts'
import { ApiError, call, isChangedMeanwhile } from '../../api.ts'
import { ProofFirst } from '../../components/proof-first.tsx'
import { Failed } from '../../components/states.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { connectionTexts as texts } from '../../texts/connections.ts'
import { asPartOfForm, type CredentialDraft, isBegun, missingField, NO_CREDENTIAL } from './credential-draft.ts'
import { readAnew } from './connection-queries.ts'
import { CredentialFields } from './credential-fields.tsx'
import { Findings } from './findings.tsx'
import { Registering } from './registering.tsx'

const useStyles = makeStyles({
  form: {
    display: 'flex',
    flexDirection: 'column',
    gap: '12px',
    padding: '16px',
    borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  fields: { display: 'flex', flexDirection: 'column', gap: '12px' },
  still: { opacity: 0.6 },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
})

interface Props {
  /** Left out: a new one. */
  readonly connection?: ConnectionView
  readonly onSaved: (name: string) => void
  readonly onCancel?: () => void
  /** Whether something is typed that is not saved. Not called when the form goes: whoever shows it knows. */
  readonly onChanged?: (isChanged: boolean) => void
  /** What it stands in has a title already. */
  readonly isTitled?: boolean
}

export function ConnectionForm({ connection, onSaved, onCancel, onChanged, isTitled = false }: Props) {
  const styles = useStyles()
  const toasts = useToasts()
  const queries = useQueryClient()
  const [form, setForm] = useState<Form>(() => formOf(connection))
  const [draft, setDraft] = useState<CredentialDraft>(NO_CREDENTIAL)
  const [filledFrom, setFilledFrom] = useState(connection)
  const [isMerged, setMerged] = useState(false)
  /** What somebody else saved could not be read. */
  const [unread, setUnread] = useState<Error | null>(null)
  // Where the settings are the same, what was changed since stands in the list of credentials beside it.
  const seen = connection !== undefined && isSame(formOf(connection), formOf(filledFrom)) ? connection : filledFrom
  const [isTried, setTried] = useState(false)
  const change = (changed: Partial<Form>) => {
    setForm((before) => ({ ...before, ...changed }))
    check.reset()
    save.reset()
  }
  const isChanged = !isSame(form, formOf(filledFrom)) || isBegun(draft)
  const tell = useEffectEvent((is: boolean) => onChanged?.(is))
  // Before anybody can press the next key.
  useLayoutEffect(() => {
    tell(isChanged)
  }, [isChanged])
  const isSaved = connection !== undefined && isSame(sentOf(form, draft), formOf(connection))
  const check = useMutation({
    // Of what is on file the server also keeps which credentials work.
    mutationFn: () =>
      isSaved
        ? call(API.checkConnection, { params: { connection: connection.name } })
        : call(API.checkConnectionForm, { body: sentOf(form, draft) }),
    onSuccess: async () => {
      if (isSaved) await queries.invalidateQueries({ queryKey: ['connections'] })
    },
  })
  const save = useMutation({
    mutationFn: async () => {
      const { name, ...body } = sentOf(form, draft)
      return connection === undefined
        ? call(API.createConnection, { body: { name, ...body } })
        : call(API.changeConnection, {
            params: { connection: connection.name },
            body: { ...body, updatedAt: seen?.updatedAt },
          })
    },
    onError: async (error) => {
      if (connection === undefined || !isChangedMeanwhile(error)) return
      const read = await readAnew(queries, connection.name)
      setUnread(read instanceof Error ? read : null)
      if (read === undefined || read instanceof Error) return
      const now = read
      setForm((mine) => mergedForm(formOf(seen), mine, formOf(now)))
      setFilledFrom(now)
      setMerged(true)
    },
    onSuccess: async ({ name }) => {
      await queries.invalidateQueries({ queryKey: ['connections'] })
      toasts.done(texts.saved(name))
    },
  })
  const saveError = save.error !== null && isChangedMeanwhile(save.error) ? unread : save.error
  const missing = missingOf(form, { connection, draft })
  const refused = [save.error, check.error].flatMap((error) =>
    error instanceof ApiError ? (error.problem.problems ?? []) : [],
  )
  const messageOf = (field: string): string | null =>
    refused.find(({ at }) => at === field || at.endsWith(`.${field}`))?.message ??
    (isTried ? (missing.get(field) ?? null) : null)
  const told = new Set<string>(FIELDS.filter((field) => messageOf(field) !== null))
  const isTold = refused.length > 0 && refused.every(({ at }) => told.has(at.split('.').at(-1) ?? ''))
  const attempt = (doIt: () => void) => {
    setTried(true)
    if (missing.size === 0) doIt()
  }
  const text = (field: 'name' | 'tenantId' | 'clientId' | 'authorityUrl' | 'graphUrl', hint: string) => (
    <Field label={texts[field]} hint={hint} required validationMessage={messageOf(field)}>
      <Input
        value={form[field] ?? ''}
        autoComplete="off"
        spellCheck={false}
        disabled={field === 'name' && connection !== undefined}
        onChange={(_event, { value }) => change({ [field]: value })}
      />
    </Field>
  )
  return (
    <div
      className={styles.form}
      role="group"
      aria-label={connection === undefined ? texts.newTitle : texts.editTitle(connection.name)}
    >
      {/* Nothing is typed that would not be written, and lost when the form closes. */}
      <div
        className={mergeClasses(styles.fields, save.isPending && styles.still)}
        inert={save.isPending}
        aria-busy={save.isPending}
      >
        <ProofFirst />
        {!isTitled ? <Subtitle2 as="h3">{texts.newTitle}</Subtitle2> : null}
        <div>
          <Registering
            choice={{
              cloud: form.cloud,
              credential: draft.choice,
              signIn: form.signInWithMicrosoft === true ? 'true' : 'false',
              ...(connection === undefined ? {} : { connection: connection.name }),
            }}
          />
        </div>
        {text('name', texts.nameHint)}
        {text('tenantId', texts.tenantIdHint)}
        {text('clientId', texts.clientIdHint)}
        {connection === undefined || isElsewhere(form, connection) ? (
          <CredentialFields
            draft={draft}
            onChange={(next) => {
              setDraft(next)
              change({})
            }}
            isRequired={connection === undefined}
            messageOf={messageOf}
          />
        ) : null}
        <Field label={texts.cloud} validationMessage={messageOf('cloud')}>
          <Dropdown
            value={texts.clouds[form.cloud ?? 'global']}
            selectedOptions={[form.cloud ?? 'global']}
            onOptionSelect={(_event, { optionValue }) =>
              change({ cloud: CLOUDS.find((cloud) => cloud === optionValue) ?? 'global' })
            }
          >
            {CLOUDS.map((cloud) => (
              <Option key={cloud} value={cloud}>
                {texts.clouds[cloud]}
              </Option>
            ))}
          </Dropdown>
        </Field>
        {form.cloud === 'custom' ? (
          <>
            {text('authorityUrl', texts.rootHint)}
            {text('graphUrl', texts.rootHint)}
          </>
        ) : null}
        <Switch
          label={texts.signIn}
          checked={form.signInWithMicrosoft === true}
          onChange={(_event, { checked }) =>
            change({ signInWithMicrosoft: checked, ...(checked ? {} : { passwordsAtTerminals: false }) })
          }
        />
        {form.signInWithMicrosoft === true ? (
          <Field hint={texts.passwordsHint}>
            <Switch
              label={texts.passwords}
              checked={form.passwordsAtTerminals === true}
              onChange={(_event, { checked }) => change({ passwordsAtTerminals: checked })}
            />
          </Field>
        ) : null}
      </div>
      {check.error === null || isTold ? null : <Failed title={texts.checkFailed} error={check.error} />}
      {isMerged ? (
        <MessageBar intent="warning" layout="multiline" role="alert">
          <MessageBarBody>
            <MessageBarTitle>{texts.mergedTitle}</MessageBarTitle>
            {texts.mergedText}
          </MessageBarBody>
        </MessageBar>
      ) : null}
      {saveError === null || isTold ? null : <Failed title={texts.saveFailed} error={saveError} />}
      {check.data === undefined ? null : <Findings findings={check.data.findings} isGood={check.data.ok} />}
      <div className={styles.actions}>
        <Button
          disabledFocusable={check.isPending}
          icon={check.isPending ? <Spinner size="tiny" aria-hidden /> : null}
          onClick={() => attempt(() => check.mutate())}
        >
          {check.isPending ? texts.checking : texts.check}
        </Button>
        <Button
          appearance="primary"
          disabledFocusable={save.isPending}
          // What follows stands at the call: it is left undone where the form is gone by then, and what was in it given up.
          onClick={() => attempt(() => save.mutate(undefined, { onSuccess: ({ name }) => onSaved(name) }))}
        >
          {save.isPending ? texts.saving : texts.save}
        </Button>
        {onCancel === undefined ? null : <Button onClick={onCancel}>{texts.cancel}</Button>}
      </div>
    </div>
  )
}

const FIELDS = [
  'name',
  'tenantId',
  'clientId',
  'clientSecret',
  'clientSecretExpires',
  'certificate',
  'workloadIdentity',
  'managedIdentity',
  'cloud',
  'authorityUrl',
  'graphUrl',
] as const

function formOf(connection: ConnectionView | undefined): Form {
  if (connection === undefined) {
    return {
      name: '',
      tenantId: '',
      clientId: '',
      cloud: 'global',
      signInWithMicrosoft: false,
      passwordsAtTerminals: false,
    }
  }
  const { name, tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft, passwordsAtTerminals } =
    connection
  return {
    name,
    tenantId,
    clientId,
    cloud,
    signInWithMicrosoft,
    passwordsAtTerminals,
    ...(authorityUrl === null ? {} : { authorityUrl }),
    ...(graphUrl === null ? {} : { graphUrl }),
  }
}

/** Whether a form says nothing but what is saved; a credential in it is never the same. A root that was emptied is none. */
function isSame(sent: Form, saved: Form): boolean {
  const keys = new Set([...Object.keys(sent), ...Object.keys(saved)])
  return [...keys].every((key) => (Reflect.get(sent, key) ?? '') === (Reflect.get(saved, key) ?? ''))
}

/** `theirs` with what was changed on the way from `before` to `mine`. */
function mergedForm(before: Form, mine: Form, theirs: Form): Form {
  const changed = Object.entries(mine).filter(([key, value]) => Reflect.get(before, key) !== value)
  return { ...theirs, ...Object.fromEntries(changed) }
}

/** Whether credentials would go to other addresses than those on file: then they are given again. */
function isElsewhere(form: Form, connection: ConnectionView): boolean {
  const roots = (of: Pick<Form | ConnectionView, 'cloud' | 'authorityUrl' | 'graphUrl'>) =>
    of.cloud === 'custom' ? `${of.authorityUrl ?? ''} ${of.graphUrl ?? ''}` : of.cloud
  return roots(form) !== roots(connection)
}

/** What is sent: outer space of pasted ids gone, nothing that is empty, roots with a custom cloud only. */
function sentOf(form: Form, draft: CredentialDraft): Form {
  const { authorityUrl, graphUrl, ...rest } = form
  const trimmed = (text: string | undefined) => (text ?? '').trim()
  return {
    ...rest,
    ...asPartOfForm(draft),
    name: form.name.trim(),
    tenantId: form.tenantId.trim(),
    clientId: form.clientId.trim(),
    ...(form.cloud === 'custom' ? { authorityUrl: trimmed(authorityUrl), graphUrl: trimmed(graphUrl) } : {}),
  }
}

function missingOf(
  form: Form,
  { connection, draft }: { readonly connection: ConnectionView | undefined; readonly draft: CredentialDraft },
): ReadonlyMap<string, string> {
  const missing = new Map<string, string>()
  for (const field of ['name', 'tenantId', 'clientId'] as const) {
    if (form[field].trim() === '') missing.set(field, texts.required)
  }
  if (form.cloud === 'custom') {
    for (const field of ['authorityUrl', 'graphUrl'] as const) {
      if ((form[field] ?? '').trim() === '') missing.set(field, texts.required)
    }
  }
  const credential = missingField(draft)
  if (connection === undefined && credential !== undefined) missing.set(credential, texts.secretMissing)
  return missing
}
