// Texts of the page that an administrator of a tenant comes back to from Microsoft's page of consent.
export type ConsentEnd = 'given' | 'given-elsewhere' | 'given-somewhere' | 'refused' | 'unknown'

interface Told {
  readonly title: string
  readonly text: string
  readonly remedy: string
}

const CHECK = 'Check the connection under Settings › Connections: permissions can take some minutes to arrive.'
const of = (tenant: string | undefined) => (tenant === undefined ? 'the tenant' : `tenant ${tenant}`)

export const consentTexts = {
  page: 'Admin consent',
  on: 'Go on to Muster',
  /** @param tenant that Microsoft named; where it was refused, the one that the link was for */
  ends: {
    given: (tenant) => ({
      title: 'Consent was given',
      text: `Microsoft says that an administrator has consented for ${of(tenant)}, the one that this Muster asked for.`,
      remedy: CHECK,
    }),
    'given-elsewhere': (tenant, wanted) => ({
      title: 'Consent was given for another tenant',
      text: `Microsoft says that an administrator has consented for ${of(tenant)}. The link was for ${of(wanted)}, where nothing has changed.`,
      remedy:
        'Open the link once more and sign in as an administrator of that tenant. Where the other consent was a mistake, take it back under Enterprise applications there.',
    }),
    'given-somewhere': (tenant) => ({
      title: 'Consent was given',
      text: `Microsoft says that an administrator has consented for ${of(tenant)}. Which connection it was for does not show: the way back carried nothing of a link of this Muster.`,
      remedy: CHECK,
    }),
    refused: (tenant) => ({
      title: 'Consent was not given',
      text: `Microsoft’s page ended without consent for ${of(tenant)}: it was cancelled, or whoever signed in may not consent for the whole tenant.`,
      remedy: 'Open the link of the connection once more, as a Privileged Role Administrator or Global Administrator.',
    }),
    unknown: () => ({
      title: 'What was consented to is not known',
      text: 'The way back from Microsoft belongs to no link of this Muster, or to one of more than two weeks ago.',
      remedy: `Take a new link from Check connection. ${CHECK}`,
    }),
  } satisfies Record<ConsentEnd, (tenant: string | undefined, wanted: string | undefined) => Told>,
}
