// What a connection proves itself with, as somebody chooses and types it.
import { Dropdown, Field, Input, MessageBar, MessageBarBody, Option, Textarea } from '@fluentui/react-components'
import { CREDENTIAL_CHOICES } from '../../../contract/credential-choices.ts'
import { credentialTexts as texts } from '../../texts/credentials.ts'
import type { CredentialDraft } from './credential-draft.ts'

export function CredentialFields(props: {
  readonly draft: CredentialDraft
  readonly onChange: (draft: CredentialDraft) => void
  /** A field must not stay empty. */
  readonly isRequired: boolean
  readonly messageOf: (field: string) => string | null
}) {
  const { draft, onChange, isRequired, messageOf } = props
  const change = (changed: Partial<CredentialDraft>) => onChange({ ...draft, ...changed })
  return (
    <>
      <Field label={texts.credential} validationMessage={messageOf('credential')}>
        <Dropdown
          value={texts.choices[draft.choice]}
          selectedOptions={[draft.choice]}
          onOptionSelect={(_event, { optionValue }) =>
            change({ choice: CREDENTIAL_CHOICES.find((choice) => choice === optionValue) ?? 'secret' })
          }
        >
          {CREDENTIAL_CHOICES.map((choice) => (
            <Option key={choice} value={choice}>
              {texts.choices[choice]}
            </Option>
          ))}
        </Dropdown>
      </Field>
      {draft.choice === 'secret' ? (
        <>
          <Field
            label={texts.secret}
            hint={texts.secretHint}
            required={isRequired}
            validationMessage={messageOf('clientSecret')}
          >
            <Input
              type="password"
              autoComplete="off"
              value={draft.secret}
              onChange={(_event, { value }) => change({ secret: value })}
            />
          </Field>
          <Field label={texts.expires} hint={texts.expiresHint} validationMessage={messageOf('clientSecretExpires')}>
            <Input type="date" value={draft.expires} onChange={(_event, { value }) => change({ expires: value })} />
          </Field>
        </>
      ) : null}
      {draft.choice === 'certificate' ? (
        <Field
          label={texts.certificate}
          hint={texts.certificateHint}
          required={isRequired}
          validationMessage={messageOf('certificate')}
        >
          <Textarea
            rows={5}
            spellCheck={false}
            value={draft.certificate}
            onChange={(_event, { value }) => change({ certificate: value })}
          />
        </Field>
      ) : null}
      {draft.choice === 'newCertificate' ? (
        <MessageBar layout="multiline">
          <MessageBarBody>{texts.madeHint}</MessageBarBody>
        </MessageBar>
      ) : null}
      {draft.choice === 'workloadIdentity' ? (
        <Field
          label={texts.file}
          hint={texts.fileHint}
          required={isRequired}
          validationMessage={messageOf('workloadIdentity') ?? messageOf('file')}
        >
          <Input
            spellCheck={false}
            autoComplete="off"
            value={draft.file}
            onChange={(_event, { value }) => change({ file: value })}
          />
        </Field>
      ) : null}
      {draft.choice === 'managedIdentity' ? (
        <Field label={texts.identity} hint={texts.identityHint} validationMessage={messageOf('managedIdentity')}>
          <Input
            spellCheck={false}
            autoComplete="off"
            value={draft.identity}
            onChange={(_event, { value }) => change({ identity: value })}
          />
        </Field>
      ) : null}
    </>
  )
}
