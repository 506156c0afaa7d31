// Texts of first start and signing in.

export const signInTexts = {
  setUpTitle: 'Set up Muster',
  setUpIntro:
    'You make the first administrator. With this account you can always sign in, also when Microsoft cannot be reached; keep its password where you keep such things.',
  code: 'Set-up code',
  codeHint:
    'From the link that the console printed when Muster was started. It works once, for 30 minutes; started again, Muster prints a new one.',
  setUpClosedTitle: 'Muster is set up already',
  setUpClosed: 'The first administrator exists. Sign in with that account.',
  create: 'Create administrator and sign in',
  name: 'Name',
  password: 'Password',
  newPasswordHint: 'At least 15 characters; a sentence is good. No rules about digits or signs.',
  passwordAgain: 'Password, again',
  differ: 'The two passwords differ.',
  title: 'Sign in',
  signIn: 'Sign in',
  ended: 'Your session has ended. Sign in again to go on where you were.',
  signedOutHere:
    'You are signed out here, but not at Microsoft, which could not be asked: whoever uses this browser next may get in as you without a password. Sign out on a page of Microsoft’s as well.',
  signingIn: 'Signing in…',
  linkTitle: 'Sign in with a link',
  linkText: 'This link signs you in once, in this browser.',
  linkRemedy: 'Make a new one where Muster was started, or sign in with your password.',
  linkMissing: 'The address lacks its code. Copy the whole link from the console.',
  withPassword: 'Sign in with name and password',
  code2: 'Code of the authenticator app',
  code2Hint:
    'Or one of your recovery codes. Both lost? An administrator resets it, or muster sign-in-link on the server.',
  failed: 'Signing in did not work',
  empty: 'must not be empty',
} as const
