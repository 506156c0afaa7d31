// A link to another page of the web, looking like Fluent's.
import { Link } from '@fluentui/react-components'
import { createLink } from '@tanstack/react-router'
import type { ComponentProps } from 'react'

function Anchor(props: Omit<ComponentProps<'a'>, 'color' | 'ref'>) {
  return <Link {...props} href={props.href ?? ''} />
}

export const RouterLink = createLink(Anchor)
