// Texts of signing in with Microsoft: the buttons, and what each refusal means and asks for.
import type { SignInRefusal } from '../../contract/sign-in-refusals.ts'

interface RefusalText {
  readonly what: string
  readonly remedy: string
}

const TOKEN: RefusalText = {
  what: 'What Microsoft answered did not prove who you are to this server.',
  remedy: 'Try once more. If it comes back, tell your administrator: the audit has the exact reason.',
}
const AGAIN = 'Sign in once more.'
const ADMINISTRATOR = 'Ask your administrator; the audit names the cause.'

export const microsoftTexts = {
  button: 'Sign in with Microsoft',
  buttonOf: (connection: string) => `Sign in with Microsoft: ${connection}`,
  going: 'Going to Microsoft…',
  failed: 'Signing in with Microsoft could not begin',
  userName: 'Microsoft user name',
  userNameHint:
    'Its ending, after the @, tells which organization it belongs to, where enough people here have it. Otherwise choose the organization below.',
  next: 'Next',
  otherAccount: 'Use another account',
  or: 'or with a local account',
  refused: 'You were not signed in',
  unknown: { what: 'Signing in did not work.', remedy: AGAIN },
  refusals: {
    'token-missing': TOKEN,
    'token-malformed': TOKEN,
    'token-algorithm': TOKEN,
    'token-header': TOKEN,
    'token-key-unknown': TOKEN,
    'token-signature': TOKEN,
    'token-issuer': TOKEN,
    'token-audience': TOKEN,
    'token-tenant': {
      what: 'The Microsoft account belongs to another organization.',
      remedy: 'Sign in with the account of the organization that is connected here.',
    },
    'token-object-id': TOKEN,
    'token-version': TOKEN,
    'token-kind': TOKEN,
    'token-nonce': { what: 'The answer belonged to another sign-in.', remedy: AGAIN },
    'token-expired': {
      what: 'The answer had expired when it came.',
      remedy: 'Try once more. If it comes back, the clock of the server is wrong: tell your administrator.',
    },
    'token-not-yet-valid': {
      what: 'The answer is of a time that has not come here yet.',
      remedy: 'The clock of the server is wrong: tell your administrator.',
    },
    'callback-malformed': { what: 'The answer of Microsoft did not arrive whole.', remedy: AGAIN },
    'callback-issuer': { what: 'The answer did not come from where you were sent.', remedy: AGAIN },
    'flow-unknown': {
      what: 'This sign-in was used already, or took longer than ten minutes.',
      remedy: AGAIN,
    },
    'too-many-at-once': {
      what: 'Very many people are signing in at this moment.',
      remedy: 'Try again in some seconds.',
    },
    'flow-other-browser': {
      what: 'This sign-in was begun in another browser or window, or cookies are blocked.',
      remedy: 'Sign in in this window, and allow cookies of this server.',
    },
    declined: {
      what: 'You cancelled at Microsoft, or did not get past what it asked.',
      remedy:
        'Sign in again when you want to. If Microsoft said that an administrator has to approve, tell whoever looks after Muster.',
    },
    'interaction-required': {
      what: 'Microsoft wants something more from you, e.g. a second factor.',
      remedy: 'Sign in once more and answer what Microsoft asks.',
    },
    'not-assigned': {
      what: 'Your organization lets only assigned people use this application.',
      remedy: 'Ask your administrator to assign you under Enterprise applications › Users and groups.',
    },
    'consent-missing': {
      what: 'Nobody has allowed this application in your organization yet.',
      remedy: 'An administrator has to grant consent under API permissions of the app registration.',
    },
    'policy-blocked': {
      what: 'A policy of your organization does not allow this from here.',
      remedy: 'Try from a device or network that your organization trusts, or ask its administrator.',
    },
    'code-refused': { what: 'Microsoft did not take the answer back: it was used or too old.', remedy: AGAIN },
    'password-refused': { what: 'User name or password is wrong.', remedy: AGAIN },
    'password-expired': {
      what: 'Your password has expired.',
      remedy: 'Change it at Microsoft, then sign in again.',
    },
    'account-blocked': {
      what: 'Your Microsoft account is disabled or locked.',
      remedy: 'Ask your administrator.',
    },
    'application-refused': {
      what: 'Microsoft refused this server, not you: its app registration or credential is not right.',
      remedy: 'Tell your administrator: Check connection and the audit name the cause.',
    },
    'provider-unavailable': {
      what: 'Microsoft cannot be reached from the server at this moment.',
      remedy: 'Try again in a few minutes.',
    },
    'unknown-person': {
      what: 'Microsoft knows you, but there is nobody of your account in this registry.',
      remedy: `You may not be in what is synchronized, or not yet. ${ADMINISTRATOR}`,
    },
    'person-inactive': { what: 'You are deactivated in this registry.', remedy: ADMINISTRATOR },
    'account-ended': {
      what: 'Your account was disabled or deleted when your organization was last read.',
      remedy: 'Where it has been enabled since, the next synchronization lets you in.',
    },
    'account-ended-source-disabled': {
      what: 'Your account was disabled or deleted when your organization was last read, and that is not read any more.',
      remedy: 'Where it has been enabled since, an administrator has to enable your source here, and synchronize it.',
    },
    'source-not-for-sign-in': {
      what: 'People of your source do not sign in here.',
      remedy: 'An administrator can switch on “Use as authentication server” in the source.',
    },
    'connection-not-for-sign-in': {
      what: 'Signing in through this organization was switched off.',
      remedy: 'An administrator can switch on “Enable Sign in with Microsoft” in the connection.',
    },
    'other-connection': {
      what: 'You belong to another organization than the one you signed in through.',
      remedy: 'Choose the other one.',
    },
  } satisfies Record<SignInRefusal, RefusalText>,
} as const
