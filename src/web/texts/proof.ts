// Texts of proving anew who one is.

export const proofTexts = {
  title: 'Confirm that it is you',
  text: 'What you asked for is sensitive, and it is a while since you signed in. For ten minutes after this you are not asked again.',
  password: 'Your password',
  code: 'Code of the authenticator app',
  codeHint: 'Or one of your recovery codes.',
  confirm: 'Confirm',
  failed: 'That did not confirm it',
  microsoftText:
    'Microsoft asks you to sign in anew, and you come back to this page. What is typed here and not saved is lost then: keep it elsewhere, a client secret above all. Do once more what you wanted to do.',
  first: 'Confirm first that it is you',
  firstText:
    'You are asked for that before it is done. Microsoft asks you to sign in anew, and what is typed here would be lost on the way there.',
  firstAction: 'Confirm now',
  microsoft: 'Sign in anew with Microsoft',
  given: 'It is confirmed that it is you',
  givenText: 'Now do once more what you wanted to do.',
  notGiven: 'It could not be confirmed that it is you',
  reasons: {
    'proof-missing':
      'Microsoft did not say when you signed in. An administrator adds the optional claim auth_time to the ID tokens of the app registration.',
    'proof-old': 'Microsoft did not ask you to sign in anew. Try it once more.',
    'proof-other-person':
      'Somebody else signed in, or your session has ended. Sign in with the account that you use here.',
  },
  otherwise:
    'Signing in at Microsoft did not work. Try it once more; if it goes on, the audit tells an administrator why.',
} as const
