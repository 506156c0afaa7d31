// An installation that was restored or copied from another one: what that means, and the way to make it the one.
import {
  Button,
  Checkbox,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Text,
} from '@fluentui/react-components'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { backupTexts as texts } from '../../texts/backup.ts'
import { overviewQuery } from '../overview/overview-query.ts'

const useStyles = makeStyles({ body: { paddingBottom: '12px' }, text: { marginBottom: '12px' } })

export function Copied() {
  const styles = useStyles()
  const { data } = useQuery(overviewQuery)
  if (data?.concerns.some(({ code }) => code === 'copied') !== true) return null
  return (
    <MessageBar intent="error" layout="multiline" role="alert">
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{texts.copied}</MessageBarTitle>
        <Text block className={styles.text}>
          {texts.copiedText}
        </Text>
        <TakeOver />
      </MessageBarBody>
    </MessageBar>
  )
}

function TakeOver() {
  const [isStopped, setStopped] = useState(false)
  const toasts = useToasts()
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button>{texts.takeOver}</Button>}
      title={texts.takeOverTitle}
      action={texts.takeOver}
      isReady={isStopped}
      onOpen={() => setStopped(false)}
      act={async () => {
        await call(API.takeOver, {})
        toasts.done(texts.tookOver, texts.tookOverText)
        await queries.invalidateQueries()
      }}
    >
      <Text>{texts.takeOverText}</Text>
      <Text>{texts.takeOverHow}</Text>
      <Checkbox
        checked={isStopped}
        label={texts.isStopped}
        onChange={(_event, { checked }) => setStopped(checked === true)}
      />
    </ActionDialog>
  )
}
