// Microsoft's page where an administrator of a tenant consents to the permissions of an application.

/** Where Microsoft sends the administrator then. */
export interface WayBack {
  /** A redirect URI of the application, without which the page is refused (AADSTS50011). */
  readonly redirectUri: string
  readonly state: string
}

/**
 * The address of that page, for all permissions that the application names.
 *
 * @param back left out: Microsoft sends him to whatever the application has among its redirect URIs, and says nothing of this link
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export function consentLink(
  application: { readonly authorityUrl: string; readonly tenantId: string; readonly clientId: string },
  back: WayBack | undefined,
): string {
  const { authorityUrl, tenantId, clientId } = application
  const url = `${authorityUrl.replace(/\/$/, '')}/${tenantId}/adminconsent?client_id=${clientId}`
  if (back === undefined) return url
  return `${url}&${new URLSearchParams({ redirect_uri: back.redirectUri, state: back.state }).toString()}`
}
