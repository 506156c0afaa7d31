// A link to another page of the web that looks like a button.
import { Button, type ButtonProps } from '@fluentui/react-components'
import { createLink } from '@tanstack/react-router'
import type { ReactElement, ReactNode } from 'react'

interface Props {
  readonly href?: string
  readonly children?: ReactNode
  readonly appearance?: ButtonProps['appearance']
  readonly icon?: ReactElement
  readonly size?: ButtonProps['size']
}

function AnchorButton({ href = '', appearance, icon, size, children, ...rest }: Props) {
  return (
    <Button
      {...rest}
      as="a"
      href={href}
      {...(appearance === undefined ? {} : { appearance })}
      {...(icon === undefined ? {} : { icon })}
      {...(size === undefined ? {} : { size })}
    >
      {children}
    </Button>
  )
}

export const LinkButton = createLink(AnchorButton)
