// The registry as files.
import { Button, Menu, MenuItemLink, MenuList, MenuPopover, MenuTrigger, Tooltip } from '@fluentui/react-components'
import { API } from '../../../contract/api/api.ts'
import { addressOf } from '../../api.ts'
import { useSaveProven } from '../../components/proven-file.ts'
import { usersTexts as texts } from '../../texts/users.ts'

export function ExportMenu() {
  const saveProven = useSaveProven()
  const file = (kind: 'users' | 'groups' | 'memberships', csvDialect: 'muster' | 'myq' = 'muster') =>
    addressOf(API.exportRegistry, { params: { kind }, query: { format: 'csv', csvDialect } })
  const files = [
    [texts.exportUsers, file('users')],
    [texts.exportGroups, file('groups')],
    [texts.exportMemberships, file('memberships')],
    [texts.exportMyq, file('users', 'myq')],
  ] as const
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Tooltip content={texts.exportsText} relationship="description">
          <Button>{texts.exports}</Button>
        </Tooltip>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {files.map(([name, href]) => (
            <MenuItemLink key={href} href={href} download onClick={saveProven}>
              {name}
            </MenuItemLink>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  )
}
