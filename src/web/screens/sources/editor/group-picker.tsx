// A setting that is a list of Entra groups, by object id: searched live, shown by name.
import { useQuery } from '@tanstack/react-query'
import { API } from '../../../../contract/api/api.ts'
import { call } from '../../../api.ts'
import { ChosenList } from '../../../components/chosen-list.tsx'
import { DirectoryPicker } from '../../../components/directory-picker.tsx'
import { editorTexts } from '../../../texts/editor.ts'
import { listOf, textOf, useSetting } from './draft.ts'
import { SettingField } from './fields.tsx'

const texts = editorTexts.picker

export function GroupPicker(props: { readonly path: string; readonly label: string; readonly hint: string }) {
  const { value, set, isReadOnly } = useSetting(props.path)
  const connection = textOf(useSetting('connection').value)
  const objectIds = listOf(value).map(textOf)
  const names = useQuery({
    queryKey: ['directory-groups', connection, objectIds],
    queryFn: ({ signal }) => call(API.getDirectoryGroups, { params: { connection }, body: { objectIds } }, { signal }),
    enabled: connection !== '' && objectIds.length > 0,
    staleTime: 300_000,
    placeholderData: (before) => before,
  })
  const known = new Map(names.data?.items.map((group) => [group.objectId, group]))
  const unknown = names.data === undefined || names.isPlaceholderData ? '' : texts.unknown
  return (
    <>
      <SettingField {...props}>
        <DirectoryPicker
          connection={connection}
          kind="groups"
          label={props.label}
          isDisabled={isReadOnly}
          onPick={({ objectId }) => {
            if (!objectIds.includes(objectId)) set([...objectIds, objectId])
          }}
        />
      </SettingField>
      <ChosenList
        label={props.label}
        chosen={objectIds.map((objectId) => ({
          key: objectId,
          name: known.get(objectId)?.name ?? objectId,
          detail: known.get(objectId)?.detail ?? unknown,
        }))}
        removeName={texts.remove}
        isReadOnly={isReadOnly}
        onRemove={(objectId) => set(objectIds.filter((other) => other !== objectId))}
      />
    </>
  )
}
