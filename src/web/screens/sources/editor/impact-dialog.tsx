// What saving would change, before it is saved.
import { Button, makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import { heldInWords } from '../../../../contract/held-words.ts'
import { IMPACT_ITEMS, type Impact } from '../../../../contract/api/sources.ts'
import { PlanItems } from '../../../components/plan-items.tsx'
import { ScrollingDialog } from '../../../components/scrolling-dialog.tsx'
import { changesInWords } from '../../../texts/changes.ts'
import { editorTexts } from '../../../texts/editor.ts'
import type { AfterSaving } from './saving.ts'

const texts = editorTexts.impact

const useStyles = makeStyles({ reasons: { margin: 0, paddingLeft: '20px' } })

export function ImpactDialog(props: {
  readonly impact: Impact
  readonly people: number
  readonly onSave: (after: AfterSaving) => void
  readonly onBack: () => void
}) {
  const styles = useStyles()
  const { document, items, isUnread, unreadAttributes } = props.impact
  // What the plan here cannot tell, one that reads first can.
  const isIncomplete = isUnread || unreadAttributes.length > 0
  return (
    <ScrollingDialog
      title={texts.title}
      widthOf="table"
      onClose={props.onBack}
      actions={
        <>
          {isIncomplete ? (
            <Button appearance="primary" onClick={() => props.onSave('preview')}>
              {texts.saveAndPreview}
            </Button>
          ) : null}
          <Button {...(isIncomplete ? {} : { appearance: 'primary' })} onClick={() => props.onSave('close')}>
            {texts.save}
          </Button>
          <Button onClick={props.onBack}>{texts.back}</Button>
        </>
      }
    >
      {isUnread ? (
        <Text>{texts.unreadTenant(props.people)}</Text>
      ) : (
        <>
          <Text>{texts.text}</Text>
          <Text weight="semibold">{changesInWords(document)}</Text>
        </>
      )}
      {document.held === null ? null : (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.held}</MessageBarTitle>
            <ul className={styles.reasons}>
              {heldInWords(document.held.reasons).map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </MessageBarBody>
        </MessageBar>
      )}
      {unreadAttributes.length === 0 ? null : (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.unread(unreadAttributes.join(', '))}</MessageBarTitle>
            {texts.unreadText}
          </MessageBarBody>
        </MessageBar>
      )}
      {items.length === 0 ? null : (
        <>
          <Text>{items.length < IMPACT_ITEMS ? texts.all(items.length) : texts.first(items.length)}</Text>
          <PlanItems items={items} label={texts.title} />
        </>
      )}
    </ScrollingDialog>
  )
}
