// A connection: made or changed, and checked before it is saved.
import {
  Button,
  Dropdown,
  Field,
  Input,
  makeStyles,
  Option,
  Spinner,
  Subtitle2,
  Switch,
  Textarea,
  tokens,
} from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { ConnectionForm as Form, ConnectionView } from '../../../contract/api/connections.ts'
import { CLOUDS } from '../../../directory/clouds.ts'
import { ApiError, call } from '../../api.ts'
import { Failed } from '../../components/states.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { connectionTexts as texts } from '../../texts/connections.ts'
import { Findings } from './findings.tsx'

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
  actions: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
})

interface Props {
  /** Left out: a new one. */
  readonly connection?: ConnectionView
  readonly onSaved: (name: string) => void
  readonly onCancel?: () => void
  /** What it stands in has a title already. */
  readonly isTitled?: boolean
}

export function ConnectionForm({ connection, onSaved, onCancel, isTitled = false }: Props) {
  const styles = useStyles()
  const toasts = useToasts()
  const queries = useQueryClient()
  const [form, setForm] = useState<Form>(() => formOf(connection))
  const [credential, setCredential] = useState<'secret' | 'certificate'>('secret')
  const [isTried, setTried] = useState(false)
  const change = (changed: Partial<Form>) => {
    setForm((before) => ({ ...before, ...changed }))
    check.reset()
    save.reset()
  }
  const check = useMutation({ mutationFn: () => call(API.checkConnectionForm, { body: sentOf(form) }) })
  const save = useMutation({
    mutationFn: async () => {
      const { name, ...body } = sentOf(form)
      return connection === undefined
        ? call(API.createConnection, { body: { name, ...body } })
        : call(API.changeConnection, { params: { connection: connection.name }, body })
    },
    onSuccess: async ({ name }) => {
      await queries.invalidateQueries({ queryKey: ['connections'] })
      toasts.done(texts.saved(name))
      onSaved(name)
    },
  })
  const missing = missingOf(form, connection)
  const refused = [save.error, check.error].flatMap((error) =>
    error instanceof ApiError ? (error.problem.problems ?? []) : [],
  )
  const messageOf = (field: string): string | null =>
    refused.find(({ at }) => at === field || at.endsWith(`.${field}`))?.message ??
    (isTried ? (missing.get(field) ?? null) : null)
  const told = new Set<string>(FIELDS.filter((field) => messageOf(field) !== null))
  const isTold = refused.length > 0 && refused.every(({ at }) => told.has(at.split('.').at(-1) ?? ''))
  const attempt = (what: { mutate: () => void }) => {
    setTried(true)
    if (missing.size === 0) what.mutate()
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
      {!isTitled ? <Subtitle2 as="h3">{texts.newTitle}</Subtitle2> : null}
      {text('name', texts.nameHint)}
      {text('tenantId', texts.tenantIdHint)}
      {text('clientId', texts.clientIdHint)}
      <Field label={texts.credential}>
        <Dropdown
          value={texts.credentials[credential]}
          selectedOptions={[credential]}
          onOptionSelect={(_event, { optionValue }) => {
            setCredential(optionValue === 'certificate' ? 'certificate' : 'secret')
            change({ clientSecret: undefined, certificate: undefined })
          }}
        >
          <Option value="secret">{texts.credentials.secret}</Option>
          <Option value="certificate">{texts.credentials.certificate}</Option>
        </Dropdown>
      </Field>
      {credential === 'secret' ? (
        <Field
          label={texts.secret}
          hint={connection === undefined ? texts.secretHint : texts.secretKept}
          required={connection === undefined}
          validationMessage={messageOf('clientSecret')}
        >
          <Input
            type="password"
            autoComplete="off"
            value={form.clientSecret ?? ''}
            onChange={(_event, { value }) => change({ clientSecret: value })}
          />
        </Field>
      ) : (
        <Field
          label={texts.certificate}
          hint={texts.certificateHint}
          required={connection === undefined}
          validationMessage={messageOf('certificate')}
        >
          <Textarea
            rows={5}
            spellCheck={false}
            value={form.certificate ?? ''}
            onChange={(_event, { value }) => change({ certificate: value })}
          />
        </Field>
      )}
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
        onChange={(_event, { checked }) => change({ signInWithMicrosoft: checked })}
      />
      {check.error === null || isTold ? null : <Failed title={texts.checkFailed} error={check.error} />}
      {save.error === null || isTold ? null : <Failed title={texts.saveFailed} error={save.error} />}
      {check.data === undefined ? null : <Findings findings={check.data.findings} isGood={check.data.ok} />}
      <div className={styles.actions}>
        <Button
          disabledFocusable={check.isPending}
          icon={check.isPending ? <Spinner size="tiny" /> : null}
          onClick={() => attempt(check)}
        >
          {check.isPending ? texts.checking : texts.check}
        </Button>
        <Button appearance="primary" disabledFocusable={save.isPending} onClick={() => attempt(save)}>
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
  'certificate',
  'cloud',
  'authorityUrl',
  'graphUrl',
] as const

function formOf(connection: ConnectionView | undefined): Form {
  if (connection === undefined) return { name: '', tenantId: '', clientId: '', cloud: 'global' }
  const { name, tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft } = connection
  return {
    name,
    tenantId,
    clientId,
    cloud,
    signInWithMicrosoft,
    ...(authorityUrl === null ? {} : { authorityUrl }),
    ...(graphUrl === null ? {} : { graphUrl }),
  }
}

/** What is sent: outer space of pasted ids gone, nothing that is empty, roots with a custom cloud only. */
function sentOf(form: Form): Form {
  const { authorityUrl, graphUrl, clientSecret = '', certificate = '', ...rest } = form
  const trimmed = (text: string | undefined) => (text ?? '').trim()
  return {
    ...rest,
    name: form.name.trim(),
    tenantId: form.tenantId.trim(),
    clientId: form.clientId.trim(),
    ...(clientSecret === '' ? {} : { clientSecret }),
    ...(certificate === '' ? {} : { certificate }),
    ...(form.cloud === 'custom' ? { authorityUrl: trimmed(authorityUrl), graphUrl: trimmed(graphUrl) } : {}),
  }
}

function missingOf(form: Form, connection: ConnectionView | undefined): ReadonlyMap<string, string> {
  const missing = new Map<string, string>()
  for (const field of ['name', 'tenantId', 'clientId'] as const) {
    if (form[field].trim() === '') missing.set(field, texts.required)
  }
  if (form.cloud === 'custom') {
    for (const field of ['authorityUrl', 'graphUrl'] as const) {
      if ((form[field] ?? '').trim() === '') missing.set(field, texts.required)
    }
  }
  if (connection === undefined && (form.clientSecret ?? '') === '' && (form.certificate ?? '') === '') {
    missing.set('clientSecret', texts.secretMissing)
    missing.set('certificate', texts.secretMissing)
  }
  return missing
}
