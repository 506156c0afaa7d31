// What saving would change, before it is saved.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Text,
} from '@fluentui/react-components'
import { heldInWords } from '../../../../contract/held-words.ts'
import type { Impact } from '../../../../contract/api/sources.ts'
import { FocusBack } from '../../../components/focus-back.tsx'
import { PlanItems } from '../../../components/plan-items.tsx'
import { formatNumber } from '../../../format.ts'
import { changesInWords } from '../../../texts/changes.ts'
import { editorTexts } from '../../../texts/editor.ts'

const texts = editorTexts.impact

const useStyles = makeStyles({
  surface: { maxWidth: 'min(900px, 96vw)' },
  content: { display: 'flex', flexDirection: 'column', gap: '12px' },
  reasons: { margin: 0, paddingLeft: '20px' },
})

export function ImpactDialog(props: {
  readonly impact: Impact
  readonly onSave: () => void
  readonly onBack: () => void
}) {
  const styles = useStyles()
  const { document, items, unreadAttributes } = props.impact
  return (
    <Dialog
      open
      onOpenChange={(_event, { open }) => {
        if (!open) props.onBack()
      }}
    >
      <DialogSurface className={styles.surface}>
        <FocusBack />
        <DialogBody>
          <DialogTitle>{texts.title}</DialogTitle>
          <DialogContent
            className={styles.content}
            // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
            tabIndex={0}
            role="region"
            aria-label={texts.title}
          >
            <Text>{texts.text}</Text>
            <Text weight="semibold">{changesInWords(document)}</Text>
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
            {unreadAttributes.length === 0 ? null : <Text>{texts.unread(unreadAttributes.join(', '))}</Text>}
            {items.length === 0 ? null : (
              <>
                <Text>{texts.first(formatNumber(items.length))}</Text>
                <PlanItems items={items} label={texts.title} />
              </>
            )}
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={props.onSave}>
              {texts.save}
            </Button>
            <Button onClick={props.onBack}>{texts.back}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  )
}
