// Which options hold what nobody else should read, so that no warning and no log repeats their values.

const SECRET_NAME = /passw|secret|token|api_?key|credential/

/** Whether an option's name says that its value is a secret. */
export function namesSecret(option: string): boolean {
  return SECRET_NAME.test(option.toLowerCase())
}

/** User and password of a URL. */
const URL_CREDENTIALS = /(:\/\/)[^/?#\s]*@/g

/** A value for people to recognize: on one line, of bounded length, with dots for what is secret. */
export function shownValue(option: string, value: string, secret = false): string {
  if (secret || namesSecret(option)) return '…'
  const line = value
    .trim()
    .split('\n')
    .map(part => part.trim())
    .join(' ')
    .replace(URL_CREDENTIALS, '$1…@')
  return line.length > 80 ? `${line.slice(0, 80)}…` : line
}
