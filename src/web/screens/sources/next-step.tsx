// After a source was made: what comes next.
import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from '@fluentui/react-components'
import { sourcesTexts as texts } from '../../texts/sources.ts'

export function NextStep(props: {
  readonly source: string
  readonly isStarting: boolean
  readonly onPreview: () => void
}) {
  return (
    <MessageBar intent="success" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{texts.nextTitle(props.source)}</MessageBarTitle>
        {texts.nextText}
      </MessageBarBody>
      <MessageBarActions>
        <Button appearance="primary" autoFocus disabledFocusable={props.isStarting} onClick={props.onPreview}>
          {texts.preview}
        </Button>
      </MessageBarActions>
    </MessageBar>
  )
}
