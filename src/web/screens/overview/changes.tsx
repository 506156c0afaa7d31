// What a run changed, in one line: only what is not zero.
import { Text } from '@fluentui/react-components'
import type { RunLine } from '../../../contract/run-list.ts'
import { changesInWords } from '../../texts/changes.ts'

export function Changes({ run }: { readonly run: RunLine }) {
  return <Text block>{changesInWords(run)}</Text>
}
