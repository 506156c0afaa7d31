// What the most common passwords are made of. Written down by hand from what every published list begins with; the length that is
// asked for keeps the rest of such lists out by itself.

/** Small letters, without digits in the place of letters. */
export const COMMON_WORDS: readonly string[] = `
password passwort passwd passw pass word letmein welcome willkommen admin administrator root user login signin test testing
qwerty qwertz azerty asdf iloveyou iloveu loveyou love lover sunshine princess monkey dragon master shadow superman batman
spiderman football fussball baseball basketball hockey soccer liverpool chelsea arsenal barcelona juventus michael jordan
jennifer jessica ashley daniel thomas robert andrew joshua matthew michelle nicole charlie george harley hunter ranger buster
ginger pepper summer sommer winter spring autumn herbst january february march april june july august september october
november december monday tuesday wednesday thursday friday saturday sunday computer internet server network office windows
linux apple google facebook samsung secret geheim hallo hello freedom whatever trustno trust nothing access killer starwars
star wars pokemon naruto cheese cookie chocolate banana orange flower butterfly diamond silver golden purple yellow maggie
jasmine samantha tigger mustang corvette ferrari mercedes porsche yamaha angel angels heaven jesus christ forever family
friends happy lucky money rich change changeme default temporary temp guest demo example sample public private company firma
germany deutschland berlin england london america paris france austria swiss schweiz correct horse battery staple
superuser sysadmin backup database oracle postgres mysql cisco router security secure safe vault token key code pin number
one two three four five six seven eight nine zero year new old this that the and you are mypass mypassword yourpassword
`
  .trim()
  .split(/\s+/)
